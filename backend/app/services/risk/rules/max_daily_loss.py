"""Once this much money is lost since the session began, no more is entered."""

from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, text

REMEMBERS = True


def check(ask: Ask, portfolio: Portfolio, market: Market, most_units: int) -> Verdict | None:
    lost_units = -portfolio.day_result_units()
    if lost_units < most_units:
        return None
    return Verdict(0, f"{text(lost_units)} is lost since the open, the most is {text(most_units)}")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    result_units = portfolio.day_result_units()
    lost = text(result_units) if result_units < 0 else "nothing"
    return f"{lost} is lost since the open"


def narrow_now(bounds: Bounds, worth: Worth, market: Market, most_units: int) -> None:
    if worth.day_units - worth.own_units >= most_units:
        bounds.close()
