"""What a run stood on besides its config and its code: bars, those of before its dates, corporate
actions, instruments, rates.

`run.json` keeps them, so that it can be told what two runs differ in, or a run of then and the same
run again.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from app.core.instruments import Adjustment
from app.core.money import from_units, to_units
from app.managers.execution_manager.books.account import Account
from app.managers.system_manager.wiring import Run
from app.services.run_comparison import Difference, differences

Facts = Mapping[str, Any]  # run.json, or as much of it as there is
# by kind, then by symbol; history by symbol and interval, rates by currency
Inputs = dict[str, dict[str, dict[str, Any]]]

BARS: Final = "bars"
HISTORY: Final = "history"
ACTIONS: Final = "actions"
INSTRUMENTS: Final = "instruments"
RATES: Final = "rates"
KINDS: Final = (BARS, HISTORY, ACTIONS, INSTRUMENTS, RATES)
_PASSPORT: Final = "passport"
_HASH: Final = "source_hash"
_OUTCOME: Final = "part_price"  # stands beside an action, and came of the run


def input_facts(run: Run, account: Account) -> dict[str, Any]:
    """What run.json says of a run's inputs, besides its data passport."""
    rates = account.terms.rates
    return {
        HISTORY: run.feed.history_sources,
        INSTRUMENTS: _instruments(run),
        ACTIONS: [
            {
                "symbol": one.symbol,
                "session": str(one.session_date),
                "split_ratio": f"{one.split_ratio:f}",
                "dividend": f"{one.dividend:f}",
                **_part_price(run, account, one),
            }
            for one in run.processor.adjustments
        ],
        RATES: {str(date): dict(found) for date, found in rates.items() if found},
    }


def input_differences(runs: Sequence[Facts]) -> Iterator[tuple[str, str, Difference]]:
    """Where runs stood on something else: its kind, whose it is, and the place."""
    found = [_inputs_of(facts) for facts in runs]
    for kind in KINDS:
        for whose in dict.fromkeys(name for inputs in found for name in inputs[kind]):
            for one in differences([inputs[kind].get(whose, {}) for inputs in found]):
                yield kind, whose, one


def changed_inputs(then: Facts, now: Facts) -> list[str]:
    """What a run does not stand on any more, in words; a record of old tells less, and what it
    does not know has not changed.
    """
    changed: dict[str, dict[str, None]] = {}
    for kind, whose, one in input_differences([then, now]):
        is_known = (_PASSPORT if kind == BARS else kind) in then
        if kind in (BARS, HISTORY):  # the rest says how complete they are, and who told them
            is_known = is_known and one.path == _HASH
        if kind in (HISTORY, INSTRUMENTS):
            is_known = is_known and one.values[0] is not None
        if is_known:
            changed.setdefault(kind, {})[whose] = None
    return [f"{kind} of {', '.join(names)}" for kind, names in changed.items()]


def _inputs_of(facts: Facts) -> Inputs:
    actions: dict[str, dict[str, Any]] = {}
    for one in facts.get(ACTIONS, ()):
        told = _without(one, "symbol", "session", _OUTCOME)
        actions.setdefault(one["symbol"], {})[one["session"]] = told
    rates: dict[str, dict[str, Any]] = {}
    for date, found in facts.get(RATES, {}).items():
        for currency, rate in found.items():
            rates.setdefault(currency, {})[date] = rate
    return {
        BARS: _by_symbol(facts.get(_PASSPORT, ())),
        HISTORY: dict(facts.get(HISTORY, {})),
        ACTIONS: actions,
        INSTRUMENTS: _by_symbol(facts.get(INSTRUMENTS, ())),
        RATES: rates,
    }


def _by_symbol(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["symbol"]: _without(row, "symbol") for row in rows}


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _part_price(run: Run, account: Account, action: Adjustment) -> dict[str, float]:
    """At what a part of a lot was paid out that a split had left; most leave none."""
    place = run.plan.symbols.index(action.symbol), action.session_date
    price = account.part_prices.get(place)
    return {} if price is None else {_OUTCOME: price}


def _instruments(run: Run) -> list[dict[str, str]]:
    """What its symbols were, for whoever reckons with its fills."""
    return [
        {
            "symbol": one.symbol,
            "currency": one.currency,
            "tick": _size(one.tick),
            "lot": _size(one.lot),
            "multiplier": _size(one.multiplier),
            "least_value": _size(one.least_value or Decimal(0)),
        }
        for one in run.instruments
    ]


def _size(size: Decimal) -> str:
    return f"{from_units(to_units(size)):f}"
