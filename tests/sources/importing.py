"""A month of minutes through the peer at its limit, killed often: `make imports KILLS=20`.

Others at the same address use nearly all of the weight that a minute may have, so that an import
has to wait for the next minute all the time; the peer's time runs faster than ours. One import is
left alone, others are killed at random moments and given again until they are done. They leave the
same files, and nobody is turned away.
"""

import argparse
import random
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from app.cli.terminal.output import print_table
from app.core.bars import BarColumns
from app.core.intervals import MINUTE_NS
from app.integrations.binance.peer.weights import Weights
from app.managers.time_manager import TimeManager
from app.repositories.bar_store import BarStore
from tests.data_house import same_bars
from tests.fetch_house import BTC, Import, MinutePeer, files_of, minutes
from tests.warm import warm_server

RATE = 600.0  # of the peer's time
OTHERS = 5_940  # of the 6,000 of weight in each minute; an import weighs 109
MOST_SECONDS = 4.0  # until a kill


class Crowd(Weights):
    """Counts what others ask for, at the beginning of each minute."""

    def add(self, weight: int, now_ns: int) -> None:
        is_new = now_ns // MINUTE_NS != self.minute
        super().add(weight + OTHERS * is_new, now_ns)


class Imported(msgspec.Struct):
    """What an import came to."""

    seconds: float
    starts: int
    pages: int
    turned_away: int
    bars: int


def imported(warm: str, folder: Path, peer: MinutePeer, kills: int, rng: random.Random) -> Imported:
    """One that is killed so often, if it lasts so long."""
    folder.mkdir()
    pages, refused, began = peer.pages, peer.refused, time.monotonic()
    starts = 0
    while True:
        running = Import(warm, folder, peer)
        starts += 1
        if starts <= kills:
            time.sleep(rng.uniform(0.05, MOST_SECONDS))
            with suppress(ProcessLookupError):  # it is done
                running.kill()
        code, _, errors = running.end()
        if code == 0:
            break
        assert code == -9, errors
    seconds = time.monotonic() - began
    bars = bars_in(folder / "data")
    return Imported(seconds, starts, peer.pages - pages, peer.refused - refused, len(bars))


def bars_in(folder: Path) -> BarColumns:
    store = BarStore(folder, TimeManager(folder).zone)
    return store.columns("24/7", BTC, "1m", 0, 1 << 62)


def run(days: int, kills: int, seed: int) -> int:
    """As many imports as it takes for the kills, each killed up to five times."""
    rng = random.Random(seed)
    rows = []
    with tempfile.TemporaryDirectory() as text, warm_server(Path(text)) as warm:
        folder = Path(text)
        peer = MinutePeer(days * 1_440)
        peer.weights.__class__ = Crowd
        peer.run(RATE)
        whole = imported(warm, folder / "whole", peer, 0, rng)
        rows.append(("left alone", whole))
        assert same_bars(bars_in(folder / "whole" / "data"), minutes(days * 1_440))
        done = 0
        while done < kills:
            name = f"killed {len(rows)}"
            found = imported(warm, folder / name, peer, min(5, kills - done), rng)
            done += found.starts - 1
            rows.append((name, found))
            assert files_of(folder / name / "data") == files_of(folder / "whole" / "data"), name
        peer.close()
    columns = ("import", "seconds", "started", "pages", "turned away", "bars")
    print_table(
        f"{days} days of minutes, {done} kills: equal to the bit",
        columns,
        [
            (name, f"{one.seconds:.1f}", one.starts, one.pages, one.turned_away, f"{one.bars:,}")
            for name, one in rows
        ],
    )
    return int(any(one.turned_away for _, one in rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return run(given.days, given.kills, given.seed)


if __name__ == "__main__":
    sys.exit(main())
