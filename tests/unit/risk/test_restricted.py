"""Symbols that take no entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.risk_house import House, ask, check_cut_and_monotone, houses, sizes, verdict

from app.core.config_risk import RiskConfig
from app.services.risk.names import Names
from app.services.risk.rules.restricted import check, most_of

NAMES = Names(["X", "Y", "Z"])


@pytest.mark.parametrize(
    ("symbol", "shares", "expected"),
    [
        (0, 1, (0, "it takes no entries")),
        (0, -1, (0, "it takes no entries")),
        (1, 10**6, None),
        (2, -1, (0, "it takes no entries")),
    ],
)
def test_only_what_is_named_is_kept_out(
    symbol: int, shares: int, expected: tuple[float, str] | None
) -> None:
    symbols = most_of(["X", "Z"], NAMES)
    assert verdict(check, ask(shares, symbol=symbol), House(), symbols) == expected


@given(houses, sizes, st.frozensets(st.integers(0, 2)))
def test_size_plays_no_part(house: House, shares: int, symbols: frozenset[int]) -> None:
    found = check(ask(shares), house, house, symbols)
    assert (found is not None) is (0 in symbols)
    if found is None:
        check_cut_and_monotone(check, house, shares, symbols)


def test_symbols_that_the_run_has_not_are_told_with_their_place() -> None:
    config = RiskConfig.model_validate(
        {
            "restricted": ["X", "YY"],
            "strategies": {"s": {"restricted": ["W"]}},
            "symbols": {"X": {"restricted": ["X", "XX"]}},
        }
    )
    assert config.strangers(["s"], ["X", "Y"]) == [
        (("restricted", 1), "this run has X, Y. Did you mean 'Y'?"),
        (("strategies", "s", "restricted", 0), "this run has X, Y."),
        (("symbols", "X", "restricted", 1), "this run has X, Y. Did you mean 'X'?"),
    ]
