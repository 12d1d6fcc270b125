"""`why` and `why-not`: a decision of a past run, told by running it once more."""

from typing import TYPE_CHECKING

import typer

from app.cli.context import DEFAULT_MARKET, Context
from app.cli.runs.moments import Moments
from app.cli.runs.why_text import Told, as_told, local, print_instant, print_order
from app.cli.terminal.output import print_json
from app.cli.terminal.progress import counting
from app.core.errors import NotFoundError, did_you_mean
from app.core.money import from_units
from app.core.orders import BEGAN, FEE, FILLED, INSTANT, PRICE, UNITS, happened_ns

if TYPE_CHECKING:
    from app.core.bars import Bar
    from app.managers.system_manager.why.retelling import Proof
    from app.managers.system_manager.why.sights import Proposed, Sight
    from app.managers.system_manager.why.tracing import OrderTracer
    from app.threads.engines.watched_engine import Witness


class Teller(Moments):
    """One run told again, in the time of its market."""

    def __init__(self, run_id: str) -> None:
        from app.managers.system_manager.why.retelling import Retelling
        from app.repositories.run_repository import RunRepository

        self._repository = RunRepository(Context().engine)
        row = dict(self._repository.get_run(run_id))
        context = Context(row["config"].get("market", DEFAULT_MARKET))
        super().__init__(context.time)
        self.run = Retelling(row, context.settings, context.data, context.time)

    def tell(self, witness: "Witness") -> "Proof":
        """Run it again; on a terminal with how far it is."""
        with counting("running it again", self.run.unit) as on_count:
            return self.run.tell(witness, on_count)

    def is_on_record(self, tracer: "OrderTracer") -> bool | None:
        """Whether the order is on record as it is told; None where it is on none yet."""
        from app.managers.system_manager.why.retelling import is_on_record

        order = tracer.order
        assert order is not None
        found = self._repository.get_orders(self.run.run_id, order.order_id)
        if not found:
            return None
        filled = [dict(one) for one in self._repository.get_fills(self.run.run_id, order.order_id)]
        return is_on_record(order, tracer.fills, dict(found[0]), filled)

    def seen(self, sight: "Sight") -> Told:
        """What a strategy saw, for scripts."""
        return {
            "strategy": sight.strategy,
            "at": self.at(sight.at_ns),
            "hook": sight.hook,
            "bar": self._bar(sight.bar),
            "last_bar": self._bar(sight.last_bar),
            "indicators": [as_told(one) for one in sight.indicators],
            **as_told(sight.standing),
        }

    def proposal(self, one: "Proposed") -> Told:
        """What became of a proposal, for scripts."""
        return {
            "order_id": one.order_id,
            "symbol": one.symbol,
            "what": "amendment" if one.is_amendment else "order",
            "seen": self.seen(one.seen),
            "asked": as_told(one.asked),
            "has_limits": one.has_limits,
            "limits": [as_told(limit) for limit in one.limits],
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
    from app.managers.system_manager.why.tracing import OrderTracer

    teller, tracer = Teller(run_id), OrderTracer(order_id)
    proof = teller.tell(tracer)
    if tracer.order is None:
        raise NotFoundError(
            f"Run {teller.run.run_id} has no order {order_id} of a strategy: "
            + _given_by(tracer.orders_seen, teller.run.run_id)
        )
    told = _order_told(teller, tracer, proof)
    if as_json:
        print_json(told)
    else:
        print_order(told)
    _end(proof)


def _given_by(last: int, run_id: str) -> str:
    if not last:
        return "they gave none. 'why-not SYMBOL TIME' shows what they saw at an instant."
    return f"the last is {last}. 'runs orders {run_id}' lists them."


def why_not(symbol: str, time: str, run_id: str, as_json: bool) -> None:
    """What strategies saw of a symbol at an instant, and what they proposed."""
    from app.managers.system_manager.why.tracing import InstantTracer

    teller = Teller(run_id)
    symbols = teller.run.config.symbols
    if symbol not in symbols:
        hint = did_you_mean(symbol, symbols)
        raise NotFoundError(
            f"Run {teller.run.run_id} has no symbol '{symbol}', it has {', '.join(symbols)}.{hint}"
            " Another run is named by --run."
        )
    tracer = InstantTracer(symbol, teller.ns_of(time))
    proof = teller.tell(tracer)
    if not tracer.seen and not tracer.proposed:
        sides = [
            local(teller.at(ns)) for ns in (tracer.before_ns, tracer.after_ns) if ns is not None
        ]
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
        "again": again_told(proof),
    }
    if as_json:
        print_json(told)
    else:
        print_instant(told)
    _end(proof)


def _order_told(teller: Teller, tracer: "OrderTracer", proof: "Proof") -> Told:
    first, *amendments = tracer.proposed
    order = tracer.order
    assert order is not None
    ended_ns = order.ended_ns
    if ended_ns and order.state == FILLED:
        ended_ns = max(ended_ns, *map(happened_ns, tracer.fills))
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
                "at": teller.at(happened_ns(fill)),
                "bar_start": teller.at(fill[BEGAN]),
                "quantity": from_units(fill[UNITS]),
                "price": fill[PRICE],
                "fee": from_units(fill[FEE]),
                "instant": teller.at(fill[INSTANT]),
            }
            for fill in tracer.fills
        ],
        "state": order.state,
        "filled": abs(from_units(order.filled_units)),
        "ended": teller.at(ended_ns) if ended_ns else None,
        "end_reason": order.reason or None,
        "again": {**again_told(proof), "order_equal": teller.is_on_record(tracer)},
    }


def again_told(proof: "Proof") -> Told:
    """Whether a run that was run again was the same, for scripts."""
    return {
        "equal": proof.equal,
        "fingerprint": proof.fingerprint,
        "recorded": proof.recorded,
        "changed": list(proof.changed),
        "notes": list(proof.notes),
    }


def _end(proof: "Proof") -> None:
    if proof.equal is False:
        raise typer.Exit(1)
