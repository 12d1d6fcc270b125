"""Independent answers, in plain Python integers and fractions: nothing here imports the project."""

from collections.abc import Sequence

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
        sides = _sides(window, fast, slow)
        for row in range(start, end):
            if wanted is not None and wanted != held:
                trades.append((row, wanted - held, opens[row]))
                cash -= (wanted - held) * opens[row]
                held = wanted
            wanted = None
            now, was = sides[row - before], sides[row - before - 1] if row > before else None
            if now is None or was is None:
                continue
            if was <= 0 < now:
                wanted = shares
            elif was >= 0 > now:
                wanted = 0
        before, start = start, end
    return trades, cash + held * closes[ends[-1] - 1]


def _sides(closes: Sequence[int], fast: int, slow: int) -> list[int | None]:
    """Row by row, the exact sign of fast average minus slow average; None while one lacks bars."""
    sums = [0]
    for close in closes:
        sums.append(sums[-1] + close)
    sides: list[int | None] = []
    for row in range(1, len(sums)):
        if row < max(fast, slow):
            sides.append(None)
            continue
        difference = (sums[row] - sums[row - fast]) * slow - (sums[row] - sums[row - slow]) * fast
        sides.append((difference > 0) - (difference < 0))
    return sides
