"""Every adapter passes every case, or has declared what it lacks and refuses it."""

import pytest

from tests.conformance.bench import Bench
from tests.conformance.benches import BENCHES
from tests.conformance.benches.bare import BareBench
from tests.conformance.case import Case
from tests.conformance.cases import CASES
from tests.conformance.suite import demand, pairs


@pytest.mark.parametrize(
    ("bench", "case"),
    [
        pytest.param(bench, case, id=f"{bench.name}-{case.name}")
        for bench, case in pairs([*BENCHES.values(), BareBench], CASES)
    ],
)
def test_case(bench: type[Bench], case: Case) -> None:
    demand(bench, case)
