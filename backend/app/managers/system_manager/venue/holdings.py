"""What a venue's account holds before a run begins, and what becomes of it.

`halt`: a symbol that is held takes no entries, for the run and the venue would differ. `ignore`: it
is left alone, and counted beside what the run holds. `adopt`: it is the first strategy's, at the
venue's last price.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from app.core.coins import whole_lots
from app.core.config import SessionConfig
from app.core.errors import NotFoundError, StateError
from app.core.halts import HOLDINGS
from app.core.instruments import Instrument
from app.core.intervals import DAY_NS
from app.core.money import amount_units, from_units, to_units
from app.core.order_events import ADOPTED, GateFilled, Halted, OrderEvent
from app.core.venue import Venue
from app.managers.execution_manager.gate.strangers import ADOPT, HALT

_LOOK_BACK_NS: Final = 10 * DAY_NS


class Holdings(msgspec.Struct, frozen=True):
    """By symbol: units held, and the price they are adopted at (0 where they are not).

    `loose` is what is held beyond whole lots: nobody can sell it, and it is always left alone.
    """

    units: dict[str, int] = {}
    prices: dict[str, float] = {}
    loose: dict[str, int] = {}

    @property
    def left_alone(self) -> dict[str, int]:
        """What stays beside the run's own."""
        left = {name: units for name, units in self.units.items() if name not in self.prices}
        return left | {name: left.get(name, 0) + units for name, units in self.loose.items()}

    def worth_units(self, instruments: Sequence[Instrument]) -> dict[str, int]:
        """What is adopted, by currency."""
        worth: dict[str, int] = {}
        for item in instruments:
            if item.symbol in self.prices:
                price, multiplier = self.prices[item.symbol], to_units(item.multiplier)
                amount = amount_units(self.units[item.symbol], price, multiplier)
                worth[item.currency] = worth.get(item.currency, 0) + amount
        return worth

    def told(self, symbols: Sequence[str], external: str, at_ns: int) -> tuple[OrderEvent, ...]:
        """What the run must hear of them before anything else."""
        return (*self._adopted(symbols, at_ns), *self._halts(symbols, external))

    def _adopted(self, symbols: Sequence[str], at_ns: int) -> list[GateFilled]:
        """As fills, for the books and the gate."""
        return [
            GateFilled(symbols.index(name), f"{ADOPTED}{name}", self.units[name], price, 0, at_ns)
            for name, price in self.prices.items()
        ]

    def _halts(self, symbols: Sequence[str], external: str) -> list[OrderEvent]:
        """Why symbols take no entries, where that is asked for."""
        if external != HALT:
            return []
        return [
            Halted(
                symbols.index(name),
                f"the venue holds {from_units(units)} of it that this run did not buy; set "
                "live.external to adopt or ignore, or close it there",
                HOLDINGS,
            )
            for name, units in self.units.items()
        ]


def opened_account(
    venue: Venue, config: SessionConfig, instruments: Sequence[Instrument], now_ns: int
) -> tuple[SessionConfig, Holdings]:
    """The config with the account as the venue has it, and what is held there, where orders go
    there.
    """
    if not config.lived.goes_to_venue:
        return config, Holdings()
    account = config.account
    lots = {item.symbol: to_units(item.lot) for item in instruments}
    held = holdings_of(venue, lots, config.base_interval, config.lived.external, now_ns)
    cash, worth = venue.cash(), held.worth_units(instruments)
    if cash.get(account.currency, 0) <= 0:
        has = ", ".join(f"{from_units(units)} {name}" for name, units in cash.items())
        raise StateError(
            f"The venue's account has no {account.currency}: it has {has or 'nothing'}. "
            "Name its currency in account.currency."
        )

    def opening(name: str) -> Decimal:
        return from_units(cash.get(name, 0) + worth.get(name, 0))

    books = {name: opening(name) for name in account.books}
    changed = {"cash": opening(account.currency), "books": books}
    return config.model_copy(update={"account": account.model_copy(update=changed)}), held


def holdings_of(
    venue: Venue, lots: Mapping[str, int], interval: str, external: str, now_ns: int
) -> Holdings:
    """Ask the venue, by the symbols' lots; the price of what is adopted is its last one."""
    positions = venue.positions()
    held = {name: positions[name] for name in lots if positions.get(name)}
    whole = {name: whole_lots(units, lots[name]) for name, units in held.items()}
    units = {name: one for name, one in whole.items() if one}
    loose = {name: held[name] - one for name, one in whole.items() if held[name] != one}
    prices = {}
    for name in units if external == ADOPT else ():
        closes = venue.bars(name, interval, now_ns - _LOOK_BACK_NS, now_ns).close
        if not len(closes):
            raise NotFoundError(
                f"{name} is to be adopted, and the venue has no price of it in the last ten days."
            )
        prices[name] = float(closes[-1])
    return Holdings(units, prices, loose)
