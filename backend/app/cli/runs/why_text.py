"""What `why` and `why-not` tell, for people: times are those of the run's market."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from app.cli.terminal.output import console, print_table, value_text

Told = dict[str, Any]
_OFFSET = re.compile(r"[+-]\d\d:\d\d$")
_TIMES = ("at", "bar_start")
_PRICES = ("open", "high", "low", "close", "volume")


def print_order(told: Told) -> None:
    seen = told["seen"]
    console.print(
        f"Run {told['run_id']}, order {told['order_id']}: {_words_of(told)}", markup=False
    )
    print_table(f"What {seen['strategy']} saw at {local(seen['at'])} in {seen['hook']}",
                ("what", "value", "a bar before"), _seen_rows(seen))  # fmt: skip
    _print_decision(told)
    for one in told["amendments"]:
        console.print(f"At {local(one['seen']['at'])} it was to be amended to {_words_of(one)}.",
                      markup=False)  # fmt: skip
        _print_decision(one)
    for name, columns in (
        ("changes", ("at", "what", "quantity", "limit", "stop", "reason")),
        ("fills", ("at", "bar_start", "quantity", "price", "fee")),
    ):
        if told[name]:
            rows = [[_cell(row, column) for column in columns] for row in told[name]]
            print_table(name.capitalize(), columns, rows)
    for one in told["fills"]:
        if one["at"] != one["instant"]:  # a break, or a clock a moment behind its venue's
            when, instant = local(one["at"]), local(one["instant"])
            console.print(
                f"It filled at {when} by the venue's clock; the run heard of it as its"
                f" own time stood at {instant}.",
                markup=False,
            )
    if told["decision"] != "refused":
        why = f": {told['end_reason']}" if told["end_reason"] else ""
        when = "" if told["ended"] is None else f" at {local(told['ended'])}"
        console.print(f"Its state is {told['state']}{when}, {told['filled']} filled{why}.",
                      markup=False)  # fmt: skip
    _print_proof(told["again"])


def print_instant(told: Told) -> None:
    console.print(f"Run {told['run_id']}, {told['symbol']} at {local(told['at'])}", markup=False)
    for seen in told["seen"]:
        print_table(f"What {seen['strategy']} saw in {seen['hook']}",
                    ("what", "value", "a bar before"), _seen_rows(seen))  # fmt: skip
    if not told["proposed"]:
        console.print(f"Nothing was proposed for {told['symbol']}: the strategies saw this, and "
                      "gave no order.", markup=False)  # fmt: skip
    for one in told["proposed"]:
        seen = one["seen"]
        console.print(
            f"{seen['strategy']} proposed in {seen['hook']}, as {one['what']} "
            f"{one['order_id']}: {_words_of(one)}", markup=False,
        )  # fmt: skip
        _print_decision(one)
    _print_proof(told["again"])


def _words_of(told: Told) -> str:
    asked: Any = told["asked"]
    prices = "".join(
        f", {name.replace('_', ' ')} {_number(asked[name])}"
        for name in ("limit", "stop", "trail", "trail_percent")
        if asked[name] is not None
    )
    more = ", reduce only" if asked["reduce_only"] else ""
    more += f", after order {asked['after']}" if asked["after"] else ""
    kind = asked["kind"].replace("_", " ")
    words = f"{asked['side']} {asked['quantity']} {told['symbol']}, {kind}, {asked['tif']}"
    return words + prices + more


def _seen_rows(seen: Told) -> Iterator[Sequence[object]]:
    bars = [("bar in hand", seen["bar"])]
    if seen["bar"] is None or seen["last_bar"] not in (None, seen["bar"]):
        bars.append(("last bar", seen["last_bar"]))
    for what, bar in bars:
        if bar is not None:
            prices = ", ".join(
                f"{name} {_number(bar[name])}"
                for name in ("open", "high", "low", "close", "volume")
            )
            start = local(bar["start"]).partition(" ")[2]
            yield f"{what}: {bar['symbol']} {bar['interval']} of {start}", prices, ""
    for one in seen["indicators"]:
        name = f"{one['name']}: " if one["name"] else ""
        yield (
            f"{name}{one['indicator']} of {one['symbol']}",
            _number(one["value"]),
            _number(one["before"]),
        )
    for what, value in standing_rows(seen):
        yield what, value, ""


def standing_rows(standing: Told) -> Iterator[tuple[str, object]]:
    """What limits look at."""
    yield "last price", _number(standing["price"])
    yield "held by the strategy", standing["strategy_held"]
    yield "held by the account", standing["held"]
    yield "working to buy, to sell", f"{standing['may_buy']}, {standing['may_sell']}"
    if float(standing["promised"]):
        yield "which may come to, once an exit fills", standing["promised"]
    yield "equity", f"{standing['equity']:,.2f}"
    yield "cash", f"{standing['cash']:,.2f}"


def _number(value: float | None) -> str:
    return "not ready" if value is None else f"{value:.10g}"


def _print_decision(told: Told) -> None:
    if told["limits"]:
        print_limits(told["limits"])
    elif not told["has_limits"]:
        console.print("No limit holds for it.")
    elif told["decision"] == "accepted":
        console.print("No limit was asked: nothing that it adds would open or increase a position.")
    else:
        console.print("It did not come to its limits.")
    words = told["decision"]
    if words == "cut":
        words = told["reason"]  # it says from what, and why
    elif told["reason"]:
        words += f": {told['reason']}"
    console.print(f"It was {words}.", markup=False)


def print_limits(limits: Sequence[Told]) -> None:
    columns = ("scope", "rule", "limit", "verdict")
    rows = [[one["scope"], one["rule"], value_text(one["limit"]), _verdict(one)] for one in limits]
    print_table("Limits", columns, rows)


def _verdict(one: Told) -> str:
    if one["approves"]:
        room = "" if one["allows"] is None else f", up to {one['allows']}"
        return f"approves{room}: {one['why']}" if one["why"] else f"approves{room}"
    allows = "refuses" if not one["allows"] else f"allows {one['allows']}"
    return f"{allows}: {one['why']}"


def _print_proof(again: Told) -> None:
    if again["equal"]:
        console.print(f"Run again, its fingerprint is the same: {again['fingerprint']}")
    elif again.get("order_equal") is not None:
        same = "as it is told here" if again["order_equal"] else "otherwise than it is told here"
        console.print(f"This order is on record {same}.")
    for note in again["notes"]:
        console.print(f"Note: {note}.", markup=False)


def _cell(row: Told, column: str) -> object:
    return local(row[column]) if column in _TIMES else row[column]


def as_told(struct: Any) -> Told:
    """A struct's fields, for scripts."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def local(at: str) -> str:
    """A time as people of its market write it."""
    return _OFFSET.sub("", at)
