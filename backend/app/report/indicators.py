"""The indicators of a run over its bars, as its strategies read them.

Nothing keeps them while a run goes on. The run's own data processor computes them once more, from
the same feed, session by session, with nobody behind it who trades.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from app.core.bars import Floats, Ints
from app.core.config import SessionConfig
from app.core.errors import AppError, ConfigError
from app.threads.data_processor import Processed, SessionPart
from app.threads.stream.plan import Declared

if TYPE_CHECKING:
    from app.managers.system_manager.wiring import Run as WiredRun
    from app.results.run import Run
    from app.results.sources import Sources

MOST_VALUES: Final = 2_000_000  # about five megabytes
_NEAR: Final = 2.0  # times the price: what is nearer lies over the candles


class Output(msgspec.Struct, frozen=True):
    """One line of an indicator."""

    label: str
    overlay: bool  # over the candles, else in a pane of its own
    values: Floats  # NaN while it is not ready


class Drawn(msgspec.Struct, frozen=True):
    """All of one symbol on one interval; `known_ns` is when each value was known."""

    symbol: str
    interval: str
    known_ns: Ints
    outputs: list[Output]


def indicators_of(run: "Run", sources: "Sources") -> tuple[list[Drawn], str]:
    """What there is to draw; or nothing, and why."""
    from app.managers.system_manager.why.retelling import unlogged

    try:
        with unlogged(), ready_again(run, sources) as again:
            if not again.plan.declared:
                return [], ""
            return _drawn(again), ""
    except AppError as error:
        return [], str(error).partition("\n")[0]


@contextmanager
def ready_again(run: "Run", sources: "Sources") -> "Iterator[WiredRun]":
    """The run, ready to be run again."""
    from app.managers.system_manager.journal.journal_feed import JournalFeed, RunJournal
    from app.managers.system_manager.rerun.rewiring import changed_strategies, wired_again
    from app.managers.system_manager.why.retelling import watched_replay
    from app.repositories.journal_reader import JOURNAL_FOLDER
    from app.threads.engines.watched_engine import Onlooker

    if (run.folder / JOURNAL_FOLDER).exists():
        journal = RunJournal(run.folder)
        feed = JournalFeed(journal)
        with wired_again(
            journal.header(), sources.time, sources.data.store, feed, lambda results: None
        ) as again:
            yield again
        return
    config = SessionConfig.model_validate(run.config)
    folder = sources.settings.strategies_folder
    again = watched_replay(config, None, Onlooker(), sources.data, sources.time, folder)
    for name in changed_strategies(again, run.facts.get("strategies") or {}):
        raise ConfigError(f"the file of the strategy {name} has changed since the run.")
    yield again


def _drawn(again: "WiredRun") -> list[Drawn]:
    """Session by session, as the stream brings them."""
    parts: dict[Declared, list[tuple[Ints, tuple[Floats, ...]]]] = {}
    prices: dict[int, list[float]] = {}
    under_way: dict[object, SessionPart] = {}
    for message in again.feed.messages():
        for checked in again.quality.step(message):
            for made in again.processor.step(checked):
                if isinstance(made, Processed):
                    for part in made.sessions:
                        under_way[part.session.date] = part
                    for date in [*under_way][:-1]:
                        _harvest(under_way.pop(date), parts, prices)
    for part in under_way.values():
        _harvest(part, parts, prices)
    return _by_symbol(again, parts, prices)


def _harvest(
    part: SessionPart,
    parts: dict[Declared, list[tuple[Ints, tuple[Floats, ...]]]],
    prices: dict[int, list[float]],
) -> None:
    """What a session came to."""
    for item, values in zip(part.declared, part.values, strict=True):
        window = part.windows[item.symbol, item.interval]
        today, rows = window.today, len(window)
        if today == rows:
            continue
        outputs = []
        for output in values.outputs:
            own = np.full(rows, np.nan)
            own[values.first_row :] = output[: rows - values.first_row]
            own[: values.first_ready] = np.nan
            outputs.append(own[today:])
        parts.setdefault(item, []).append((window.known_ns[today:], tuple(outputs)))
        prices.setdefault(item.symbol, []).append(float(window.close[-1]))


def _by_symbol(
    again: "WiredRun",
    parts: dict[Declared, list[tuple[Ints, tuple[Floats, ...]]]],
    prices: dict[int, list[float]],
) -> list[Drawn]:
    """Lines of one symbol and one interval together, as far as they fit."""
    found: dict[tuple[int, str], Drawn] = {}
    left = MOST_VALUES
    for item, own in parts.items():
        known = np.concatenate([known for known, _ in own])
        count = len(item.computation.outputs)
        left -= len(known) * count
        if left < 0:
            break
        price = float(np.median(prices[item.symbol]))
        outputs = []
        for place, name in enumerate(item.computation.outputs):
            values = np.concatenate([outputs[place] for _, outputs in own])
            label = item.computation.label + (f" {name}" if count > 1 else "")
            if item.interval != again.plan.base_interval:
                label += f" {item.interval}"
            outputs.append(Output(label, _lies_over(values, price, item), values))
        key = (item.symbol, item.interval)
        if key not in found:
            found[key] = Drawn(again.plan.symbols[item.symbol], item.interval, known, [])
        found[key].outputs.extend(outputs)
    return list(found.values())


def _lies_over(values: Floats, price: float, item: Declared) -> bool:
    """Whether it is a price, and near those of the bars."""
    ready = values[~np.isnan(values)]
    if not item.computation.price_units or not len(ready) or not price > 0:
        return False
    return price / _NEAR < float(np.median(ready)) < price * _NEAR
