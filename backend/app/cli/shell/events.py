"""What has happened in a session from one view of it to the next, as lines for whoever trades.

Everything here is a pure function of views and of a run's record.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

import msgspec

from app.cli.terminal.figures import PACED, count_text, money_text, quantity_text
from app.core.accounts import account_of, option_of
from app.core.order_views import FillData, OrderData
from app.core.run_states import RUNNING
from app.core.trading_state import ACTIVE, HALTED, REDUCING
from app.managers.system_manager.control.messages import View

FILL, ORDER, DAY = "fill", "order", "day"  # may be told in one line when there are many
STATE, ALARM, END = "state", "alarm", "end"  # each is told
CONFLATED: Final = (FILL, ORDER, DAY)

_LABEL_LENGTH = 12
_FINGERPRINT_LENGTH = 8
_STATES = {"PAUSED": "paused", "RUNNING": "goes on", "STOPPING": "stops", "ERROR": "FAILED"}
_TRADING = {
    ACTIVE: "may trade again",
    REDUCING: "takes exits only",
    HALTED: "HALTED: takes nothing but cancels",
}
_ONE_CENT = Decimal("0.01")


class Event(msgspec.Struct, frozen=True):
    """Something that happened in a run, or what one line says of much that did."""

    run_id: str
    label: str
    kind: str
    at: str  # HH:MM:SS of the market
    text: str
    fills: int = 0  # that the line stands for
    orders: int = 0  # that have ended
    day: str = ""  # that has begun
    held: tuple[tuple[str, Decimal], ...] = ()  # of the symbols it was about, from then on

    def line(self) -> str:
        """As it is shown; what follows a line break stands under the label."""
        first, *more = self.text.split("\n")
        head = f"{self.at:<8}  {fitted(self.label)}  {first}"
        return "\n".join([head, *(f"{'':8}  {line}" for line in more)])


def fitted(label: str) -> str:
    """A name in its column."""
    cut = label if len(label) <= _LABEL_LENGTH else f"{label[: _LABEL_LENGTH - 1]}~"
    return f"{cut:<{_LABEL_LENGTH}}"


def plain(text: str) -> str:
    """Text that cannot steer a terminal, on one line."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def began(view: View, own: bool) -> Event:
    """The first sight of a session, one of this shell's `own` or not."""
    what = "started" if own else f"is {view.state.lower()}"
    pace = f" at speed {pace_text(view)}" if view.mode in PACED else ""
    text = f"{what}: {view.mode}{pace}, equity {money_text(view.equity)} {view.currency}"
    if not view.is_recovering:
        text += _come_to(view)
    if view.trading_state not in (None, ACTIVE):
        text += f"; {_TRADING.get(view.trading_state, view.trading_state)}"
    return _event(view, STATE, text)


def _come_to(view: View) -> str:
    if not view.fills_made:
        return ""
    return f", {count_text(view.fills_made, 'fill')}, holds {holding(positions(view).items())}"


def changes(before: View, after: View) -> Iterator[Event]:
    """What happened in between, as far as the two can tell."""
    if before.is_recovering:  # what is run again happened before the break
        yield from _states(before, after)
        yield from _alarms(before, after)
        if not after.is_recovering:
            yield _event(after, STATE, f"goes on after a break{_come_to(after)}")
        return
    made = max(after.fills_made - before.fills_made, 0)
    new = after.fills[-made:] if made else ()
    fills = list(_fills(before, after, new, made - len(new)))
    if before.now[:10] == after.now[:10]:
        yield from fills
    else:
        equity = f"equity {money_text(after.equity)} {after.currency}"
        yield from (fill for fill in fills if not fill.day)
        yield _event(after, DAY, f"{after.now[:10]} begins, {equity}", day=after.now[:10])
        yield from (fill for fill in fills if fill.day)
    if made == len(new):  # else the fills of an order that has ended may be among those unseen
        yield from _ended_orders(before, after, new)
    yield from _states(before, after)
    yield from _alarms(before, after)


def _states(before: View, after: View) -> Iterator[Event]:
    if after.state != before.state:
        kind = ALARM if after.state == "ERROR" else STATE
        yield _event(after, kind, _STATES.get(after.state, after.state.lower()))
    if after.trading_state != before.trading_state and after.trading_state is not None:
        is_all = after.trading_state == ACTIVE
        text = _TRADING.get(after.trading_state, after.trading_state)
        if not is_all or before.trading_state is not None:
            yield _event(after, STATE if is_all else ALARM, text)
    if after.speed != before.speed:
        yield _event(after, STATE, f"speed {pace_text(after)}")


def _alarms(before: View, after: View) -> Iterator[Event]:
    """A view has the latest only, the newest last: those behind the ones known before are new."""
    known, told = before.alarms, after.alarms
    overlap = min(len(known), len(told))
    while overlap and known[len(known) - overlap :] != told[:overlap]:
        overlap -= 1
    for alarm in told[overlap:]:
        text = plain(f"ALARM {alarm.what}: {alarm.details}")
        yield _event(after, ALARM, text)  # at the session's time, as all others


def _fills(before: View, after: View, new: Sequence[FillData], unseen: int) -> Iterator[Event]:
    """The fills that are new, those of one order after each other as one."""
    now = positions(after)
    told = []
    for _, group in groupby(reversed(new), key=lambda fill: (fill.order_id, fill.symbol)):
        fills = list(group)
        symbol = fills[0].symbol
        told.append(_filled(before, after, fills, now.get(symbol, Decimal(0))))
        now[symbol] = now.get(symbol, Decimal(0)) - sum(fill.quantity for fill in fills)
    if unseen:
        text = f"{count_text(unseen, 'fill')} earlier"
        yield _event(after, FILL, text, fills=unseen, held=tuple(now.items()))
    yield from reversed(told)


def _filled(before: View, after: View, fills: Sequence[FillData], held: Decimal) -> Event:
    """Fills of one order, and what its symbol's position was after them."""
    total = sum((fill.quantity for fill in fills), Decimal(0))
    prices = {fill.price for fill in fills}
    paid = sum((fill.quantity * Decimal(repr(fill.price)) for fill in fills), Decimal(0))
    mean = prices.pop() if len(prices) == 1 or not total else round(float(paid / total), 4)
    several = f" ({count_text(len(fills), 'fill')})" if len(fills) > 1 else ""
    symbol = fills[0].symbol
    text = (
        f"{'buy' if total > 0 else 'sell':<4} {quantity_text(abs(total)):>7} {symbol:<6} at "
        f"{price(mean):>10}  {f'holds {quantity_text(held)}' if held else 'flat'}{several}"
    )
    at, day = _local(fills[0].at_ns, before, after)
    event = _event(after, FILL, text, fills=len(fills), held=((symbol, held),))
    return msgspec.structs.replace(event, at=at, day=day)


def _ended_orders(before: View, after: View, new: Sequence[FillData]) -> Iterator[Event]:
    """Orders that worked and work no more, without having filled."""
    if any(view.orders_working != len(view.orders) for view in (before, after)):
        return  # a view lists the newest alone; the others may have ended or not
    working = {order.order_id for order in after.orders}
    for order in before.orders:
        if order.order_id in working:
            continue
        filled = order.filled + sum(
            abs(fill.quantity) for fill in new if fill.order_id == order.order_id
        )
        if filled < order.quantity:
            part = f"{quantity_text(filled)} of it filled" if filled else "nothing of it filled"
            yield _event(after, ORDER, f"{_described(order)} has ended, {part}", orders=1)


def _described(order: OrderData) -> str:
    prices = "".join(f" {price(one)}" for one in (order.limit, order.stop) if one is not None)
    terms = f"{order.side} {quantity_text(order.quantity)} {order.symbol} {order.kind}{prices}"
    return f"order {order.order_id} ({terms})"


def ended(run_id: str, view: View | None, record: Mapping[str, Any] | None) -> Event:
    """The end of a session, by its last view and the record of its run, as far as there are any."""
    hint = f"'runs show {run_id}' tells of it"
    if record is None:
        return _last(run_id, view, END, f"has ended; its record cannot be read now\n{hint}")
    if record["state"] == RUNNING:
        text = f"BROKE OFF: its process has died{_left(view)}\n{_way(record)}"
        return _last(run_id, view, ALARM, text, record)
    parts = []
    if record["error"]:
        parts.append(plain(record["error"].strip().partition("\n")[0]))
    figures = record["summary"]
    if figures:
        net = Decimal(str(figures["final_equity"])) - Decimal(str(figures["start_equity"]))
        currency = view.currency if view else record["config"]["account"]["currency"]
        parts.append(f"net {money_text(net, signed=True)} {currency}")
        parts += [count_text(figures["trades"], "trade"), count_text(figures["fills"], "fill")]
        if figures.get("held_at_end"):
            parts.append(f"still holds {figures['held_at_end']}")
        if figures.get("working_at_end"):
            parts.append(f"at the venue works: {figures['working_at_end']}")
        hint = f"fingerprint {figures['fingerprint'][:_FINGERPRINT_LENGTH]}; {hint}"
    state = record["state"].upper() if record["error"] else record["state"]
    return _last(run_id, view, END, f"{': '.join([state, ', '.join(parts)])}\n{hint}", record)


def noted(run_id: str, view: View | None, kind: str, text: str) -> Event:
    """Something about a session that it did not tell itself."""
    return _last(run_id, view, kind, text)


def _last(
    run_id: str,
    view: View | None,
    kind: str,
    text: str,
    record: Mapping[str, Any] | None = None,
) -> Event:
    if view is not None:
        return _event(view, kind, text)
    label = record["name"] if record else run_id
    return Event(run_id, label, kind, clock_text(record["ended_at"] or "") if record else "", text)


def _left(view: View | None) -> str:
    """What a session that died may have left behind at its venue."""
    if view is None:
        return ""
    held = positions(view)
    orders = count_text(view.orders_working, "order") if view.orders_working else ""
    words = [*([holding(held.items())] if held else []), *([orders] if orders else [])]
    return f", holding {' and '.join(words)}" if words else ", flat"


def _way(record: Mapping[str, Any]) -> str:
    """How a run that broke off goes on."""
    if record["mode"] in PACED:
        return f"a replay cannot go on: start it anew; 'runs show {record['run_id']}' tells of it"
    return f"'system recover{option_of(account_of(record['config']))}' goes on with it"


def positions(view: View) -> dict[str, Decimal]:
    """What is held, by symbol."""
    return {one.symbol: one.quantity for one in view.positions}


def holding(held: Iterable[tuple[str, Decimal]]) -> str:
    """Positions in words."""
    return ", ".join(f"{quantity_text(one)} {symbol}" for symbol, one in held if one) or "nothing"


def price(value: float) -> str:
    """Exact, with the cents at least."""
    exact = Decimal(repr(value))
    return f"{exact:,.2f}" if exact == exact.quantize(_ONE_CENT) else quantity_text(exact)


def pace_text(view: View) -> str:
    """`max`, or a multiple of real time."""
    return f"{view.speed:g}" if isinstance(view.speed, float) else str(view.speed)


def clock_text(at: str) -> str:
    """The time of day of an ISO time; the text itself where it is none."""
    try:
        return f"{dt.datetime.fromisoformat(at):%H:%M:%S}"
    except ValueError:
        return plain(at)[:8]


def _local(at_ns: int, before: View, after: View) -> tuple[str, str]:
    """An instant as the market's time of day, and its day where that is not the earlier view's.

    A view tells its offset from UTC, which a night may change.
    """
    try:
        first, last = (dt.datetime.fromisoformat(view.now) for view in (before, after))
        at = dt.datetime.fromtimestamp(at_ns // 10**9, first.tzinfo)
        if at.date() == first.date():
            return f"{at:%H:%M:%S}", ""
        return f"{at.astimezone(last.tzinfo):%H:%M:%S}", f"{at.astimezone(last.tzinfo):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return clock_text(after.now), ""


def _event(view: View, kind: str, text: str, **parts: Any) -> Event:
    return Event(view.run_id, view.config, kind, clock_text(view.now), text, **parts)
