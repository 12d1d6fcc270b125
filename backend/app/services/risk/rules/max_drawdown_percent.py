"""Once so much of the peak is lost again, no more is entered."""

from app.core.money import UNITS, from_units
from app.services.risk.bounds import Bounds, Worth
from app.services.risk.facts import Ask, Market, Portfolio
from app.services.risk.verdict import Verdict, text

REMEMBERS = True


def check(ask: Ask, portfolio: Portfolio, market: Market, percent_units: int) -> Verdict | None:
    peak_units = portfolio.peak_units()
    lost_units = peak_units - portfolio.worth_units()
    if lost_units * 100 * UNITS < peak_units * percent_units:
        return None
    most = f"the most is {text(percent_units)} % of {from_units(peak_units):f}"
    return Verdict(0, f"{text(lost_units)} is lost since the peak, {most}")


def figure(ask: Ask, portfolio: Portfolio, market: Market) -> str:
    peak_units = portfolio.peak_units()
    lost = f"{text(peak_units - portfolio.worth_units())} is lost since the peak"
    return f"{lost} of {from_units(peak_units):f}"


def narrow_now(bounds: Bounds, worth: Worth, market: Market, percent_units: int) -> None:
    lost_units = worth.peak_units - worth.own_units
    if lost_units * 100 * UNITS >= worth.peak_units * percent_units:
        bounds.close()
