"""Every case, by its number."""

from tests.conformance.case import CASES
from tests.conformance.cases import answers, endings, fills, news, opening

CASES.sort(key=lambda one: one.number)
__all__ = ["CASES", "answers", "endings", "fills", "news", "opening"]
