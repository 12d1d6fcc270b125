"""Independent answers, in plain Python integers and fractions: nothing here imports the project."""

from collections.abc import Sequence
from fractions import Fraction

Trade = tuple[int, int, int]  # row of the bar it filled on, shares (negative: sold), price in cents


def sma_cross(
    opens: Sequence[int],
    closes: Sequence[int],
    ends: Sequence[int],
    cash: int,
    fast: int = 10,
    slow: int = 30,
    shares: int = 100,
) -> tuple[list[Trade], int]:
    """Fills and final equity, in cents, of the average cross over bars priced in cents.

    `ends` are the rows at which sessions end. The averages see the session before and today;
    every session but perhaps the last is long enough for them. A cross on a bar is filled at
    the next bar's open, that of the next session after the last one of a day.
    """
    trades: list[Trade] = []
    held, start, before = 0, 0, 0
    wanted: int | None = None
    for end in ends:
        window = closes[before:end]
        signs = sides(window, fast, slow)
        for row in range(start, end):
            if wanted is not None and wanted != held:
                trades.append((row, wanted - held, opens[row]))
                cash -= (wanted - held) * opens[row]
                held = wanted
            wanted = None
            now, was = signs[row - before], signs[row - before - 1] if row > before else None
            if now is None or was is None:
                continue
            if was <= 0 < now:
                wanted = shares
            elif was >= 0 > now:
                wanted = 0
        before, start = start, end
    return trades, cash + held * closes[ends[-1] - 1]


def sides(closes: Sequence[int], fast: int, slow: int) -> list[int | None]:
    """Row by row, the exact sign of fast average minus slow average; None while one lacks bars."""
    sums = [0]
    for close in closes:
        sums.append(sums[-1] + close)
    signs: list[int | None] = []
    for row in range(1, len(sums)):
        if row < max(fast, slow):
            signs.append(None)
            continue
        difference = (sums[row] - sums[row - fast]) * slow - (sums[row] - sums[row - slow]) * fast
        signs.append((difference > 0) - (difference < 0))
    return signs


Row = tuple[int, float, float, float, float, float]  # start, open, high, low, close, volume
Span = tuple[int, int]  # of time: start and end


def derive(rows: Sequence[Row], spans: Sequence[Span], step_ns: int) -> list[tuple[int, Row]]:
    """Longer bars with the moment each is known; they anchor at a span's start and end with it."""
    bars: list[tuple[int, Row]] = []
    for start_ns, end_ns in spans:
        for anchor_ns in range(start_ns, end_ns, step_ns):
            limit_ns = min(anchor_ns + step_ns, end_ns)
            inside = [row for row in rows if anchor_ns <= row[0] < limit_ns]
            if not inside:
                continue
            volume = 0.0
            for row in inside:
                volume += row[5]
            high, low = max(row[2] for row in inside), min(row[3] for row in inside)
            bar = (anchor_ns, inside[0][1], high, low, inside[-1][4], volume)
            bars.append((limit_ns, bar))
    return bars


def adjusted(row: Row, factors: Sequence[tuple[float, float]]) -> Row:
    """A bar in the terms of a later session, by the price and volume factors up to it in order."""
    start_ns, *prices, volume = row
    for price_factor, volume_factor in factors:
        prices = [price * price_factor for price in prices]
        volume *= volume_factor
    return (start_ns, *prices, volume)  # type: ignore[return-value]


class Book:
    """An account in exact fractions: what is posted is rounded once, half-even, to 1e-8."""

    def __init__(self, opening: Fraction, symbols: int, multiplier: Fraction) -> None:
        self.cash = self.opening = opening
        self.multiplier = multiplier
        self.held = [Fraction(0)] * symbols
        self.cost = [Fraction(0)] * symbols
        self.realised = [Fraction(0)] * symbols
        self.income = self.fees = self.transfers = self.interest = Fraction(0)
        self.borrow = [Fraction(0)] * symbols

    def fill(self, symbol: int, quantity: Fraction, price: Fraction, fee: Fraction) -> None:
        amount = posted(quantity * price * self.multiplier)
        held, cost = self.held[symbol], self.cost[symbol]
        if held * quantity >= 0:
            self.cost[symbol] = cost + amount
        elif abs(quantity) < abs(held):
            part = posted(cost * abs(quantity) / abs(held))
            self.realised[symbol] -= amount + part
            self.cost[symbol] = cost - part
        else:
            closing = posted(amount * abs(held) / abs(quantity))
            self.realised[symbol] -= closing + cost
            self.cost[symbol] = amount - closing
        self.held[symbol] = held + quantity
        self.cash -= amount + fee
        self.fees += fee

    def split(self, symbol: int, ratio: Fraction) -> None:
        self.held[symbol] = posted(self.held[symbol] * ratio)
        if not self.held[symbol]:  # so small that nothing is left
            self.realised[symbol] -= self.cost[symbol]
            self.cost[symbol] = Fraction(0)

    def dividend(self, symbol: int, per_share: Fraction) -> None:
        amount = posted(self.held[symbol] * self.multiplier * per_share)
        self.cash += amount
        self.income += amount

    def transfer(self, amount: Fraction) -> None:
        self.cash += amount
        self.transfers += amount

    def carry(
        self, days: int, marks: Sequence[Fraction], margin: Fraction, borrow: Fraction
    ) -> None:
        """Interest on the cash that is missing, then borrow on each short position."""
        if self.cash < 0:
            due = posted(-self.cash * margin * days / 360)
            self.interest += due
            self.cash -= due
        for symbol, held in enumerate(self.held):
            if held < 0:
                value = posted(-held * marks[symbol] * self.multiplier)
                due = posted(value * borrow * days / 360)
                self.borrow[symbol] += due
                self.cash -= due


def posted(amount: Fraction) -> Fraction:
    """Rounded half-even to the ledger's unit."""
    return Fraction(round(amount * 10**8), 10**8)
