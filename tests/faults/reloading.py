"""A live run whose strategy is reloaded, well and badly: `python -m tests.faults.reloading`.

A practice venue and a trader in processes of their own, paced. Each bar of its sessions must have
reached the code in force, once; orders are audited against the venue; `verify` says equal.
"""

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.cli.terminal.output import print_table
from app.core.errors import AppError
from app.core.messages import Bars, Command
from app.managers.system_manager.control.client import connect
from app.managers.system_manager.journal.journal_feed import RunJournal
from app.threads.stream.reloading import reload_of
from tests.faults.killed_audit import Audit, audit, check_flat, check_verified
from tests.faults.killed_house import House, wait_for
from tests.faults.reload_texts import BAD, GOOD, HOOK_SECONDS, Kind, text_of
from tests.faults.soaking import Nights

FILE = "reloaded.py"
NAME = "reloaded"
RATE = 60.0
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 240.0
_SAW = re.compile(r"saw (\S+) (\d+) (\d+)")


class Reloaded(msgspec.Struct):
    """What it came to."""

    taken: Counter[str]
    refused: Counter[str]
    bars: int
    sessions: int
    seconds: list[float]  # each reload's
    audit: Audit | None = None


class ReloadHouse(House):
    """With one strategy that is reloaded."""

    def __init__(self, folder: Path, **given: Any) -> None:
        super().__init__(folder, phases=(0,), **given)
        self.version = 0
        self.write(GOOD["plain"])
        content = msgspec.json.decode(self.config.read_bytes())
        content["strategies"] = [{"use": FILE, "name": NAME}]
        content["derived_intervals"] = ["5m"]
        content["history"] = {"1m": 1, "5m": 1}
        content["engine"] = {"hook_seconds": HOOK_SECONDS}
        self.config.write_bytes(msgspec.json.encode(content))

    def write(self, kind: Kind) -> None:
        """Put code of a kind in the strategies folder."""
        self.version += 1
        text = text_of(kind, self.version)
        (self.folder / "strategies" / FILE).write_text(text, encoding="utf-8")

    def ask(self, asked: dict[str, Any]) -> str:
        """Ask the run for that; why it is refused at once, or ""."""

        def answered() -> str | None:
            with connect(self.data) as client:
                try:
                    client.ask("reload", msgspec.json.encode(asked).decode())
                except AppError as error:
                    return None if "catches up" in str(error) else str(error)
            return ""

        return wait_for(answered, "a run that has caught up")

    def ask_reload(self, kind: Kind) -> None:
        """Ask the run to take that code."""
        self.write(kind)
        params = {"phase": None, **kind.params}
        why_not = self.ask({"strategy": NAME, "params": params, "fresh": kind.fresh})
        assert not why_not, why_not

    def reload(self, kind: Kind) -> str:
        """Have the run take that code; why it is refused, or ""."""
        end = time.monotonic() + PATIENCE_SECONDS
        self.ask_reload(kind)
        with connect(self.data) as client:
            try:
                while not client.ask("reloaded"):
                    assert time.monotonic() < end, "nothing came of a reload"
                    time.sleep(LOOK_SECONDS)
            except AppError as error:
                return str(error)
        return ""

    def journal(self) -> RunJournal:
        """Of the one run."""
        return RunJournal(self.data / "runs" / self.run_id())


def reload_often(
    house: ReloadHouse, kinds: Sequence[tuple[str, Kind]], *, is_one_day: bool = False
) -> Reloaded:
    """One after the other, over as many sessions as it takes, and end in order."""
    house.start()
    house.wait_ready()
    nights, taken, refused = Nights(house), Counter[str](), Counter[str]()
    seconds: list[float] = []
    assert house.trader is not None
    for name, kind in kinds:
        if not is_one_day:
            nights.skip()
        begun = time.monotonic()
        why = house.reload(kind)
        seconds.append(time.monotonic() - begun)
        assert house.trader.poll() is None, house.log()
        if kind.says:
            assert kind.says in why, f"{name}: {kind.says!r} does not stand in {why!r}"
        else:
            assert not why, f"{name}: {why}"
        (refused if kind.says else taken)[name] += 1
    while not (is_one_day or nights.is_day()):  # what is closed now finds bars
        nights.skip()
        time.sleep(LOOK_SECONDS)
    assert house.stop() == 0, house.log()
    bars = check_bars(house)
    check_flat(house)
    found = audit(house)
    check_verified(house, "pool")
    assert "Traceback" not in house.log()
    return Reloaded(taken, refused, bars, nights.passed + 1, seconds, found)


def check_bars(house: ReloadHouse) -> int:
    """Each bar was shown once, by the code that was in force; how many there were."""
    saw = [(symbol, int(ns), int(n)) for symbol, ns, n in _SAW.findall(house.log())]
    expected = [*_expected(house.journal())]
    assert Counter(saw) == Counter(expected), (
        f"lost: {[*(Counter(expected) - Counter(saw))][:5]}, "
        f"too many: {[*(Counter(saw) - Counter(expected))][:5]}"
    )
    return len(saw)


def _expected(journal: RunJournal) -> Iterator[tuple[str, int, int]]:
    """The bars of a journal's blocks, with the version that was in force."""
    symbols, version = journal.header().session_config.symbols, 1
    taken = {one.sequence for one in journal.reloads() if not one.refused}
    for message in journal.inputs():
        if isinstance(message, Bars):
            block = message.block
            for symbol, start_ns in zip(
                block.symbol.tolist(), block.start_ns.tolist(), strict=True
            ):
                yield symbols[symbol], start_ns, version
        elif isinstance(message, Command) and message.sequence in taken:
            found = re.search(r"VERSION = (\d+)", reload_of(message).text)
            assert found is not None
            version = int(found[1])


def mixed(count: int, seed: int) -> list[tuple[str, Kind]]:
    """So many, half of them good."""
    good, bad = [(f"good {name}", kind) for name, kind in GOOD.items()], [*BAD.items()]
    drawn = [
        (good if number % 2 else bad)[number // 2 % len(good if number % 2 else bad)]
        for number in range(count)
    ]
    random.Random(seed).shuffle(drawn)
    return drawn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.reloading", description=__doc__)
    parser.add_argument("--reloads", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=RATE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reloads-") as folder:
        begun = time.monotonic()
        with ReloadHouse(Path(folder), rate=given.rate, live={"sessions": 38}) as house:
            found = reload_often(house, mixed(given.reloads, given.seed))
        minutes = (time.monotonic() - begun) / 60
    assert found.audit is not None
    rows = [
        ("minutes", f"{minutes:.0f}"),
        ("sessions", found.sessions),
        ("taken", sum(found.taken.values())),
        ("refused", sum(found.refused.values())),
        ("seconds of one, the middle and the longest",
         f"{sorted(found.seconds)[len(found.seconds) // 2]:.1f} {max(found.seconds):.1f}"),
        ("bars, each shown once by the code in force", found.bars),
        ("orders at the venue", found.audit.at_venue),
        ("executions", found.audit.executions),
        ("lost or doubled", 0),
        ("verify", "equal"),
    ]  # fmt: skip
    print_table("Reloads", ("figure", "value"), rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
