"""A live run in processes of its own: a practice venue that lives, and a trader to be killed."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import IO, Any, TypeVar

from app.core.errors import AppError
from app.core.message_codec import decode_message, is_one_of
from app.core.messages import Bars, BrokerNews, Command, Message
from app.core.order_events import Resumed
from app.core.venue import Venue
from app.managers.system_manager.control.client import connect
from app.repositories import journal_format as form
from app.repositories.journal_format import Record
from app.repositories.journal_reader import JOURNAL_FOLDER, JournalReader
from app.threads.stream.commands import RECOVER
from tests.faults.grounds import STOCKS, Ground
from tests.processes import PIPE, PROGRAM, Process, begin, run

ROOT = Path(__file__).resolve().parents[2]
AT = STOCKS.at
PHASES = (0, 3, 6)  # one strategy each
RATE = 120.0
PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.02
SELDOM_SECONDS = 0.2  # between looks at what takes a while: they cost the traders the processor

Found = TypeVar("Found")


def wait_for(
    look: Callable[[], Found | None],
    what: str,
    seconds: float = PATIENCE_SECONDS,
    every: float = _LOOK_SECONDS,
) -> Found:
    """Look again and again until there is something."""
    end = time.monotonic() + seconds
    while (found := look()) is None:
        assert time.monotonic() < end, f"Waited {seconds:g} s in vain for {what}."
        time.sleep(every)
    return found


class EndedByItself(AssertionError):
    """A trader that was to run."""


def _has_caught_up(message: Message) -> bool:
    events = message.events if isinstance(message, BrokerNews) else ()
    return any(isinstance(one, Resumed) and one.source == "start" for one in events)


class House:
    """One venue, and one trader after another on the same data folder."""

    def __init__(
        self,
        folder: Path,
        at: str = "",
        rate: float = RATE,
        live: dict[str, Any] | None = None,
        program: Sequence[str] = PROGRAM,
        symbols: Sequence[str] = (),
        phases: Sequence[int] = PHASES,
        market: str = "",
        is_cold: bool = False,
        ground: Ground = STOCKS,
    ) -> None:
        self.ground = ground
        symbols, market = symbols or ground.symbols, market or ground.market
        strategy = Path(__file__).with_name(ground.strategy)
        self.folder, self.data = folder, folder / "data"
        self.program, self.is_cold = program, is_cold
        self._files: list[IO[bytes]] = []
        self.starts = 0
        self._known: list[str] = []  # runs there were before the latest start
        self.trader: Process | None = None
        (folder / "strategies").mkdir(parents=True, exist_ok=True)
        shutil.copy(strategy, folder / "strategies" / strategy.name)
        self.environment = {
            **os.environ,
            "MISMARTERA_DATA_FOLDER": str(self.data),
            "MISMARTERA_STRATEGIES_FOLDER": str(folder / "strategies"),
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join((str(ROOT / "backend"), str(ROOT))),
        }
        words = ["--symbols", ",".join(symbols), "--at", at or ground.at, "--rate", str(rate)]
        self.venue_process, told = self._start_venue([*words, "--market", market])
        self.url = str(told["url"])
        self.environment |= ground.keys(told)
        self.adapter: Venue = ground.opened(told)
        self.config = folder / "restless.json"
        content = {
            "name": "restless",
            "mode": "live",
            "market": market,
            "symbols": list(symbols),
            "account": dict(ground.account),
            "live": {
                "venue": ground.venue,
                "url": self.url,
                "broker": "venue",
                "on_stop": "flatten",
                "sessions": ground.sessions,
                **(live or {}),
            },
            "strategies": [
                {"use": strategy.name, "name": f"restless {phase}", "params": {"phase": phase}}
                for phase in phases
            ],
        }
        self.config.write_text(json.dumps(content), encoding="utf-8")

    def _start_venue(self, more: Sequence[str]) -> tuple[Process, dict[str, Any]]:
        words = ["practice", "start", *self.ground.words(), *more, "--port", "0", "--json"]
        words += ["--books", str(self.folder / "books")]
        errors = self._file("venue.log")
        process = begin(words, self.folder, self.environment, stdout=PIPE, stderr=errors)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (self.folder / "venue.log").read_text(encoding="utf-8")
        return process, json.loads(line)

    # -- the trader ------------------------------------------------------------------------------

    def start(self, program: Sequence[str] | None = None, **environment: str) -> float:
        """Start a trader; when that was, by the monotonic clock."""
        self.starts += 1
        self._known = self.run_ids()
        log = self._file(f"trader-{self.starts}.log")
        begun = time.monotonic()
        self.trader = begin(
            [*(program or self.program), "system", "start", str(self.config), "--json"],
            self.folder,
            {**self.environment, **environment},
            is_cold=self.is_cold,
            stdout=log,
            stderr=log,
        )
        return begun

    def log(self) -> str:
        """What the latest trader wrote."""
        return (self.folder / f"trader-{self.starts}.log").read_text(encoding="utf-8")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self.trader is not None
        self.trader.kill()
        self.trader.wait(20)

    def wait_trader(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end; the exit code."""
        assert self.trader is not None
        return self.trader.wait(seconds)

    def stop(self) -> int:
        """End the run in order; the trader's exit code."""

        def asked() -> bool | None:
            with suppress(AppError), connect(self.data) as client:
                client.ask("stop")
                return True
            return None

        wait_for(asked, "the control socket")
        return self.wait_trader()

    def run_ids(self) -> list[str]:
        """All runs, the latest last."""
        folders = [path for path in (self.data / "runs").glob("*") if path.is_dir()]
        return [path.name for path in sorted(folders, key=lambda path: path.stat().st_ctime_ns)]

    def run_id(self) -> str:
        """The one run there is."""
        (run_id,) = self.run_ids()
        return run_id

    def journal_of(self, run_id: str) -> Path:
        return self.data / "runs" / run_id / JOURNAL_FOLDER

    # -- its journal -----------------------------------------------------------------------------

    @property
    def _journal(self) -> Path:
        """Of a run that began with the latest start, else of the one that goes on."""
        new = [run_id for run_id in self.run_ids() if run_id not in self._known]
        return self.journal_of((new or self.run_ids())[-1])

    def has_new_run(self) -> bool:
        """Whether the latest start has begun one."""
        return bool(set(self.run_ids()) - set(self._known))

    def inputs(self) -> Iterator[Message]:
        """What is durable of the run's inputs."""
        return (decode_message(record.payload) for record in self._records())

    def _records(self) -> Iterator[Record]:
        """The same, not decoded."""
        return (record for record in JournalReader(self._journal) if record.kind == form.INPUT)

    def last_input(self) -> int:
        """The number of the last durable input; 0 when there is no journal yet."""
        last = 0
        with suppress(AppError, IndexError, OSError):
            for record in self._records():
                last = record.sequence
        return last

    def wait_ready(self, after: int = 0, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait until the run takes entries, behind input `after` and the mark of a recovery if it
        is one; the moment, by the monotonic clock.
        """
        size = -1

        def look() -> float | None:
            nonlocal size
            assert self.trader is not None
            if self.trader.poll() is not None:
                raise EndedByItself(f"The trader ended by itself: {self.log()}")
            now, now_size = time.monotonic(), self._journal_bytes()
            if now_size == size or (after == 0 and not self.has_new_run()):
                return None
            size = now_size
            recovered = after == 0
            with suppress(AppError, IndexError, OSError):
                for record in self._records():
                    if record.sequence <= after or is_one_of(record.payload, Bars):
                        continue
                    message = decode_message(record.payload)
                    if isinstance(message, Command) and message.name == RECOVER:
                        recovered = True
                    if recovered and _has_caught_up(message):
                        return now
            return None

        return wait_for(look, f"entries behind input {after}", seconds)

    def trader_ends_before_ready(self) -> bool:
        """Wait for either."""
        try:
            self.wait_ready()
        except EndedByItself:
            return True
        return False

    def _journal_bytes(self) -> int:
        with suppress(IndexError, OSError):
            return sum(path.stat().st_size for path in self._journal.iterdir())
        return 0

    # -- its surroundings ------------------------------------------------------------------------

    def command(self, *words: str) -> CompletedProcess[str]:
        """Another command on the same data."""
        return run(words, self.folder, self.environment, timeout=120)

    def close(self) -> None:
        """End what still runs."""
        self.adapter.close()
        for process in (self.trader, self.venue_process):
            if process is not None:
                process.kill()
                process.wait(20)
        assert self.venue_process.stdout is not None
        self.venue_process.stdout.close()
        for file in self._files:
            file.close()

    def __enter__(self) -> "House":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _file(self, name: str) -> IO[bytes]:
        self._files.append((self.folder / name).open("wb"))
        return self._files[-1]
