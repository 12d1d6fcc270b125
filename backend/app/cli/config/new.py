"""`config new`: asks what a run is to be, and writes a session config that is right."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from app.cli.config.draft import BY_MODE, Draft, number
from app.cli.config.stock import Stock, stock_of
from app.cli.config_text import CONFIGS_FOLDER
from app.cli.context import Context
from app.cli.strategies.facts import Facts, facts_of, listed
from app.cli.terminal.asking import Asker, one_of
from app.core.errors import ConfigError, UsageError, did_you_mean
from app.strategies.params import Param

DEFAULT_STRATEGY: Final = "SmaCross"
_SETTING: Final[tuple[str, ...]] = ("market", "symbols", "base_interval")
_TRUTHS: Final = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}


class Course:
    """One course through the questions."""

    def __init__(
        self, asker: Asker, path: Path | None, params: Mapping[str, str], market: str | None
    ) -> None:
        self.asker = asker
        self.draft = Draft(path or Path("new"))
        self.notes: list[str] = []
        self._path = path
        self._params = params
        self._market = market
        self._stock: Stock = stock_of(market)

    def run(self) -> Path:
        """Ask everything; the file it is to be."""
        stem = self._path.stem if self._path else "my run"
        self._put("name", "What is the run called", stem, str, "name")
        mode = self.asker.ask("mode", "Replay history, or trade live", "replay", one_of(*BY_MODE))
        self.draft.put(mode, "mode")
        if self._stock.market != "XNYS" or self._market:
            self.draft.put(self._stock.market, "market")
        self._symbols()
        {"replay": self._dates, "live": self._venue}[mode]()
        if self._stock.interval != "1m":
            self.draft.put(self._stock.interval, "base_interval")
        facts = self._strategy()
        self._put("cash", "Cash of the account", "100000", number, "account", "cash")
        self._limits(facts)
        self.draft.config()
        return self._path or usual_path(self.draft.words["name"])

    def _put(
        self, key: str, question: str, default: str, parse: Callable[[str], Any], *parts: str
    ) -> None:
        """Ask for a value of the config, until it is one."""
        self.asker.ask(key, question, default, lambda text: self.draft.put(parse(text), *parts))

    def _symbols(self) -> None:
        self.asker.say(self._stock.told())
        usual = list(self._stock.ranges)[:2]
        self._put("symbols", "Symbols", " ".join(usual), _symbol_list, "symbols")

    def _dates(self) -> None:
        symbols = self.draft.words["symbols"]
        self._stock = self._stock.having(symbols)
        start, end = self._stock.dates(symbols)
        self._put("start", "First date", str(start), str, "replay", "start")
        earliest = dt.date.fromisoformat(self.draft.words["replay"]["start"])
        self.asker.ask("end", "Last date", str(max(end, earliest)), self._put_end)
        given = self.draft.words["replay"]
        range_ = (dt.date.fromisoformat(given["start"]), dt.date.fromisoformat(given["end"]))
        self._note(*self._stock.lacks(symbols, *range_))

    def _put_end(self, text: str) -> None:
        """Take the last date, if the market has a session by then."""
        self.draft.put(text, "replay", "end")
        start = dt.date.fromisoformat(self.draft.words["replay"]["start"])
        time = Context(self._stock.market).time
        if not time.sessions_between(start, dt.date.fromisoformat(text)):
            raise UsageError(f"{self._stock.market} has no session from {start} to {text}.")

    def _venue(self) -> None:
        from app.integrations.registry import VENUES

        self._put("venue", "Venue", "practice", one_of(*VENUES), "live", "venue")
        question = "Orders are simulated (paper), or go to the venue (venue)"
        self._put("broker", question, "paper", one_of("paper", "venue"), "live", "broker")
        self._put("sessions", "How many sessions", "1", number, "live", "sessions")

    def _strategy(self) -> Facts:
        words = self.draft.words
        setting: Facts = {key: words[key] for key in _SETTING if key in words}
        rows: list[Facts] = []
        if self.asker.asks:
            rows = [row for row in listed() if row["problem"] is None]
        for count, row in enumerate(rows, 1):
            self.asker.say(f"  {count}  {row['class']}: {row['doc'].partition(chr(10))[0]}")
        own = [row["use"] for row in rows if row["where"] == "file"]

        def check(text: str) -> Facts:
            is_number = text.isdecimal() and 1 <= int(text) <= len(rows)
            facts = facts_of(rows[int(text) - 1]["use"] if is_number else text, setting)
            if facts["problem"]:
                raise UsageError(str(facts["problem"]))
            return facts

        question = "Strategy, by its number or name"
        facts = self.asker.ask("strategy", question, [*own, DEFAULT_STRATEGY][0], check)
        params = self._ask_params(facts)
        given = {"use": facts["use"], **({"params": params} if params else {})}
        self.draft.put([given], "strategies")
        return facts

    def _ask_params(self, facts: Facts) -> dict[str, Any]:
        """Each parameter, by the rules it has; all are written down, for who changes them later."""
        known = {item["name"]: item for item in facts["params"]}
        for name in self._params:
            if name not in known:
                has = ", ".join(known) or "none"
                near = did_you_mean(name, known)
                raise UsageError(
                    f"--param {name}: {facts['class']} has no such one, but {has}.{near}"
                )
        asker = Asker({f"param {k}": v for k, v in self._params.items()}, self.asker.asks)
        return {
            name: asker.ask(
                f"param {name}", f"  {name}, {item['allowed']}", _text(item["default"]),
                _check_of(item),
            )
            for name, item in known.items()
        }  # fmt: skip

    def _limits(self, facts: Facts) -> None:
        """Sizes, limits of risk and exits: what a beginner should have thought of."""
        asks = self.asker.agrees
        if facts["asks_for_sizes"]:
            question = "It asks for sizes: per cent of equity to enter with"
            self._put("size-percent", question, "10", _share_of_equity, "sizing")
        places = [
            ("max-position-percent", "Bound what one symbol may be worth", "Per cent of equity",
             "25", "risk", "max_position_percent"),
            ("max-daily-loss-percent", "Stop entries after a loss in one day", "Per cent of equity",
             "3", "risk", "max_daily_loss_percent"),
        ]  # fmt: skip
        if not facts["protection"]:
            places += [
                ("stop-loss-percent", "Protect each position by a stop-loss",
                 "Per cent below the entry", "2", "protection", "stop_loss_percent"),
                ("flat-minutes", "Be flat before each close", "Minutes before it", "10",
                 "protection", "flat_before_close_minutes"),
            ]  # fmt: skip
        for key, bound, question, default, *parts in places:
            if asks(key, f"{bound}?"):
                self._put(key, question, default, number, *parts)

    def _note(self, *lines: str) -> None:
        self.notes += lines
        for line in lines:
            self.asker.say(f"  {line}")


def usual_path(name: str) -> Path:
    """Where a config of this name goes: a file that is not there yet."""
    stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "run"
    path, count = CONFIGS_FOLDER / f"{stem}.json", 1
    while path.exists():
        count += 1
        path = CONFIGS_FOLDER / f"{stem}_{count}.json"
    return path


def _symbol_list(text: str) -> list[str]:
    return [word.upper() for word in re.split(r"[,\s]+", text) if word]


def _share_of_equity(text: str) -> dict[str, Any]:
    return {"method": "percent_equity", "percent": number(text)}


def _check_of(item: Mapping[str, Any]) -> Callable[[str], Any]:
    """The strategy's own check of one parameter, made again from what it told."""
    param = Param(
        item["default"], low=item["low"], high=item["high"], choices=tuple(item["choices"])
    )

    def check(text: str) -> Any:
        value: object = text
        if isinstance(param.default, bool):
            value = _TRUTHS.get(text.lower(), text)
        elif not isinstance(param.default, str):
            value = number(text)
        try:
            return param.check(value)
        except ConfigError as error:
            raise ConfigError(f"{item['name']}: {error}") from None

    return check


def _text(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
