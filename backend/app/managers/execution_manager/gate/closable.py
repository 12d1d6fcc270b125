"""What an order can close of what a run holds: whole lots, no more than is there, worth enough."""

from collections.abc import Mapping, Sequence

from app.core.coins import whole_lots
from app.core.money import from_units
from app.managers.execution_manager.gate.calls import Output


class Closable:
    """`net` is what is held, with `before` the run, and `beside` it; all of them the tracker's."""

    def __init__(
        self,
        symbols: Sequence[str],
        net: Mapping[int, int],
        before: Mapping[int, int],
        beside: Mapping[int, int],
        lot_units: Sequence[int],
        output: Output,
    ) -> None:
        self._symbols = symbols
        self._net, self._before, self._beside = net, before, beside
        self._output = output
        self.own_lots = tuple(lot_units) or (1,) * len(symbols)  # that the run trades by
        self._lots = list(self.own_lots)  # a venue may come to take coarser ones,
        self._least: dict[int, int] = {}  # and by symbol, this at least
        self.most_units: dict[int, int] = {}  # by symbol: that one order at market may be
        self._too_small: dict[int, int] = {}  # by symbol: a holding that is worth too little
        self._there: dict[int, int] = {}  # by symbol: what the venue has, where that differs
        self._refused: set[int] = set()  # symbols in which a closing order was
        self._told: dict[int, int] = {}  # by symbol: what is not there, as far as was told

    def units(self, symbol: int) -> int:
        """What the run holds, as far as it can be sold: less than a lot stays there, or than the
        venue takes, and what was there before it is left alone.
        """
        net_units = self._net[symbol]
        if self._too_small.get(symbol) == net_units:
            return 0
        units = net_units - self._before[symbol] - self._lacking(symbol)
        lots_units = whole_lots(units, self._lots[symbol])
        return lots_units if abs(lots_units) >= self._least.get(symbol, 0) else 0

    def _lacking(self, symbol: int) -> int:
        """What the run holds by its books alone, as others have sold it, paid a fee with it or
        taken it out. It counts once the venue has refused to close it, for a venue may be late
        with what it says of positions.
        """
        if symbol not in self._refused:
            return 0
        net_units, before_units = self._net[symbol], self._before[symbol]
        own_units, others_units = net_units - before_units, before_units + self._beside[symbol]
        there_units = self._there.get(symbol, net_units + self._beside[symbol])
        if own_units > 0:
            there_units -= max(others_units, 0)
            return max(0, min(own_units - there_units, own_units))
        there_units -= min(others_units, 0)
        return min(0, max(own_units - there_units, own_units))

    def holdings(self) -> dict[str, int]:
        """What the run holds, by symbol, where it can be closed."""
        return {
            name: self._net[at] - self._before[at]
            for at, name in enumerate(self._symbols)
            if self.units(at)
        }

    def left(self) -> dict[str, int]:
        """What the run holds and nothing closes, though it is a lot of its own or more."""
        found = {}
        for at, name in enumerate(self._symbols):
            units = self._net[at] - self._before[at]
            if whole_lots(units, self.own_lots[at]) and not self.units(at):
                found[name] = units
        return found

    def moved(self, symbol: int, units: int) -> None:
        """A fill was applied: the venue has so much more of it."""
        self._too_small.pop(symbol, None)
        if symbol in self._there:
            self._there[symbol] += units

    def is_too_small(self, symbol: int, why: str) -> None:
        """All of it is worth less than the venue takes."""
        self._tell_left(symbol, self.units(symbol), why)
        self._too_small[symbol] = self._net[symbol]

    def refused(self, symbol: int) -> None:
        """The venue did not take an order that closes."""
        self._refused.add(symbol)
        self._tell_lacking(symbol)

    def differs(self, symbol: int, theirs_units: int) -> None:
        """The venue has said so twice of what is held."""
        self._there[symbol] = theirs_units
        self._tell_lacking(symbol)

    def agrees(self, symbol: int) -> None:
        """The venue's position is the one that is held here."""
        self._there.pop(symbol, None)

    def _tell_lacking(self, symbol: int) -> None:
        """Once for each figure."""
        lacking_units = self._lacking(symbol)
        if lacking_units and self._told.get(symbol) != lacking_units:
            self._told[symbol] = lacking_units
            name, units = self._symbols[symbol], self._net[symbol] - self._before[symbol]
            self._output.alarm(
                "not there to close",
                f"Of {from_units(abs(units))} of {name} that the run holds the venue lacks "
                f"{from_units(abs(lacking_units))}: no order closes these. See where they went.",
            )

    def size(self, symbol: int, lot_units: int, least_units: int, most_units: int | None) -> None:
        """How large orders may be by now."""
        before_units = self.units(symbol)
        self._lots[symbol] = max(lot_units, self.own_lots[symbol])
        self._least[symbol] = least_units
        if left_units := before_units - self.units(symbol):
            least = from_units(max(least_units, lot_units))
            why = f"An order is {least} at least by now, in lots of {from_units(lot_units)}."
            self._tell_left(symbol, left_units, why)
        if most_units is not None:
            self.most_units[symbol] = whole_lots(most_units, self._lots[symbol])

    def _tell_left(self, symbol: int, units: int, why: str) -> None:
        what = f"{from_units(abs(units))} of {self._symbols[symbol]} are left, and stay there"
        self._output.alarm("too small to close", f"{what}. {why}")

    def at_most(self, symbol: int, units: int) -> int:
        """So much of it as one order may be."""
        most_units = self.most_units.get(symbol) or abs(units)
        return max(-most_units, min(units, most_units))
