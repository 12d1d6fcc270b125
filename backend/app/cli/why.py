"""`why` and `why-not`: a decision of a past run, told by running it once more."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.output import console, print_json, print_table, value_text
from app.core.errors import NotFoundError, UsageError, did_you_mean
from app.core.money import from_units

if TYPE_CHECKING:
    from app.core.bars import Bar
    from app.managers.system_manager.retelling import Proof
    from app.managers.system_manager.sights import Proposed, Sight
    from app.managers.system_manager.tracing import OrderTracer

Told = dict[str, Any]


class Teller:
    """One run told again, in the time of its market."""

    def __init__(self, run_id: str) -> None:
        from app.managers.system_manager.retelling import Retelling
        from app.repositories.run_repository import RunRepository

        row = dict(RunRepository(Context().engine).get_run(run_id))
        context = Context(row["config"].get("market", DEFAULT_MARKET))
        self._time = context.time
        self.run = Retelling(row, context.settings, context.data, context.time)

    def at(self, ns: int) -> str:
        """An instant in the market's time."""
        return self._time.to_local(ns).isoformat(sep=" ", timespec=_spec(ns))

    def ns_of(self, text: str) -> int:
        """An instant that somebody wrote, in the market's time unless it names a zone."""
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f"'{text}' is not a time; give the day and the time, as '2024-11-01 10:31'."
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._time.zone())
        return self._time.to_ns(moment)

    def seen(self, sight: "Sight") -> Told:
        """What a strategy saw, for scripts."""
        standing = sight.standing
        return {
            "strategy": sight.strategy,
            "at": self.at(sight.at_ns),
            "hook": sight.hook,
            "bar": self._bar(sight.bar),
            "last_bar": self._bar(sight.last_bar),
            "indicators": [
                {name: getattr(one, name) for name in one.__struct_fields__}
                for one in sight.indicators
            ],
            **{name: getattr(standing, name) for name in standing.__struct_fields__},
        }

    def proposal(self, one: "Proposed") -> Told:
        """What became of a proposal, for scripts."""
        asked = one.asked
        return {
            "order_id": one.order_id,
            "symbol": one.symbol,
            "what": "amendment" if one.is_amendment else "order",
            "seen": self.seen(one.seen),
            "asked": {name: getattr(asked, name) for name in asked.__struct_fields__},
            "has_limits": one.has_limits,
            "limits": [
                {name: getattr(limit, name) for name in limit.__struct_fields__}
                for limit in one.limits
            ],
            "decision": one.decision,
            "reason": one.reason or None,
        }

    def _bar(self, bar: "Bar | None") -> Told | None:
        if bar is None:
            return None
        fields = {name: getattr(bar, name) for name in bar.__struct_fields__}
        return {**fields, "start_ns": bar.start_ns, "start": self.at(bar.start_ns)}


def why_order(order_id: int, run_id: str, as_json: bool) -> None:
    """From the bar to the fills of one order, or to its refusal."""
    from app.managers.system_manager.tracing import OrderTracer

    teller, tracer = Teller(run_id), OrderTracer(order_id)
    proof = teller.run.tell(tracer)
    if tracer.order is None:
        raise NotFoundError(
            f"Run {teller.run.run_id} has no order {order_id} of a strategy: they gave "
            f"{tracer.orders_seen}. 'runs orders {teller.run.run_id}' lists them."
        )
    told = _order_told(teller, tracer, proof)
    if as_json:
        print_json(told)
    else:
        _print_order(told)
    _end(proof)


def why_not(symbol: str, time: str, run_id: str, as_json: bool) -> None:
    """What strategies saw of a symbol at an instant, and what they proposed."""
    from app.managers.system_manager.tracing import InstantTracer

    teller = Teller(run_id)
    symbols = teller.run.config.symbols
    if symbol not in symbols:
        hint = did_you_mean(symbol, symbols)
        raise NotFoundError(
            f"Run {teller.run.run_id} has no symbol '{symbol}', it has {', '.join(symbols)}.{hint}"
        )
    tracer = InstantTracer(symbol, teller.ns_of(time))
    proof = teller.run.tell(tracer)
    if not tracer.seen and not tracer.proposed:
        sides = [teller.at(ns) for ns in (tracer.before_ns, tracer.after_ns) if ns is not None]
        beside = f" The nearest: {' and '.join(sides)}." if sides else ""
        raise NotFoundError(
            f"No strategy was shown anything of {symbol} at {time}: a bar is shown at its end."
            f"{beside}"
        )
    told = {
        "run_id": teller.run.run_id,
        "symbol": symbol,
        "at": teller.at(teller.ns_of(time)),
        "seen": [teller.seen(one) for one in tracer.seen],
        "proposed": [teller.proposal(one) for one in tracer.proposed],
        "again": _again(proof),
    }
    if as_json:
        print_json(told)
    else:
        _print_instant(told)
    _end(proof)


def _order_told(teller: Teller, tracer: "OrderTracer", proof: "Proof") -> Told:
    first, *amendments = tracer.proposed
    order = tracer.order
    assert order is not None
    return {
        "run_id": teller.run.run_id,
        **teller.proposal(first),
        "amendments": [teller.proposal(one) for one in amendments],
        "changes": [
            {
                "at": teller.at(at_ns),
                "what": what,
                "quantity": abs(from_units(units)),
                "limit": limit,
                "stop": stop,
                "reason": reason or None,
            }
            for _, at_ns, what, units, limit, stop, reason in tracer.changes
        ],
        "fills": [
            {
                "at": teller.at(at_ns),
                "bar_start": teller.at(start_ns),
                "quantity": from_units(units),
                "price": price,
                "fee": from_units(fee),
            }
            for _, _, _, units, price, fee, start_ns, at_ns, *_ in tracer.fills
        ],
        "state": order.state,
        "filled": abs(from_units(order.filled_units)),
        "ended": teller.at(order.ended_ns) if order.ended_ns else None,
        "end_reason": order.reason or None,
        "again": _again(proof),
    }


def _again(proof: "Proof") -> Told:
    return {
        "equal": proof.equal,
        "fingerprint": proof.fingerprint,
        "recorded": proof.recorded,
        "notes": list(proof.notes),
    }


def _end(proof: "Proof") -> None:
    if proof.equal is False:
        raise typer.Exit(1)


# -- for people ------------------------------------------------------------------------------------


def _print_order(told: Told) -> None:
    seen = told["seen"]
    console.print(
        f"Run {told['run_id']}, order {told['order_id']}: {_words_of(told)}", markup=False
    )
    print_table(f"What {seen['strategy']} saw at {seen['at']} in {seen['hook']}",
                ("what", "value", "a bar before"), _seen_rows(seen))  # fmt: skip
    _print_decision(told)
    for one in told["amendments"]:
        console.print(f"At {one['seen']['at']} it was to be amended to {_words_of(one)}.",
                      markup=False)  # fmt: skip
        _print_decision(one)
    for name, columns in (
        ("changes", ("at", "what", "quantity", "limit", "stop", "reason")),
        ("fills", ("at", "bar_start", "quantity", "price", "fee")),
    ):
        if told[name]:
            rows = [[row[column] for column in columns] for row in told[name]]
            print_table(name.capitalize(), columns, rows)
    if told["decision"] != "refused":
        why = f": {told['end_reason']}" if told["end_reason"] else ""
        when = "" if told["ended"] is None else f" at {told['ended']}"
        console.print(f"Its state is {told['state']}{when}, {told['filled']} filled{why}.",
                      markup=False)  # fmt: skip
    _print_proof(told["again"])


def _print_instant(told: Told) -> None:
    console.print(f"Run {told['run_id']}, {told['symbol']} at {told['at']}", markup=False)
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
        f", {name.replace('_', ' ')} {asked[name]:g}"
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
            prices = " ".join(
                f"{name} {bar[name]:g}" for name in ("open", "high", "low", "close", "volume")
            )
            yield f"{what}: {bar['symbol']} {bar['interval']}", f"{bar['start']}: {prices}", ""
    for one in seen["indicators"]:
        name = f"{one['name']}: " if one["name"] else ""
        yield f"{name}{one['indicator']}", _number(one["value"]), _number(one["before"])
    yield "last price", _number(seen["price"]), ""
    yield "held by the strategy", seen["strategy_held"], ""
    yield "held by the account", seen["held"], ""
    yield "working to buy, to sell", f"{seen['may_buy']}, {seen['may_sell']}", ""
    yield "equity", f"{seen['equity']:,.2f}", ""
    yield "cash", f"{seen['cash']:,.2f}", ""


def _number(value: float | None) -> str:
    return "not ready" if value is None else f"{value:.10g}"


def _print_decision(told: Told) -> None:
    if told["limits"]:
        columns = ("scope", "rule", "limit", "verdict")
        rows = [
            [one["scope"], one["rule"], value_text(one["limit"]), _verdict(one)]
            for one in told["limits"]
        ]
        print_table("Limits", columns, rows)
    elif not told["has_limits"]:
        console.print("No limit holds for it.")
    elif told["decision"] == "accepted":
        console.print("No limit was asked: nothing that it adds would open or increase a position.")
    else:
        console.print("It did not come to its limits.")
    why = f": {told['reason']}" if told["reason"] else ""
    console.print(f"It was {told['decision']}{why}.", markup=False)


def _verdict(one: Told) -> str:
    if one["approves"]:
        return "approves" if one["allows"] is None else f"approves, up to {one['allows']}"
    allows = "refuses" if not one["allows"] else f"allows {one['allows']}"
    return f"{allows}: {one['why']}"


def _print_proof(again: Told) -> None:
    if again["equal"]:
        console.print(f"Run again, its fingerprint is the same: {again['fingerprint']}")
    for note in again["notes"]:
        console.print(f"Note: {note}.", markup=False)


def _spec(ns: int) -> str:
    return "seconds" if ns % 1_000_000_000 == 0 else "microseconds"
