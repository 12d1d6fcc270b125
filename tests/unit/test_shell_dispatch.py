"""Where a command of the shell runs, by its words alone."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from app.cli.shell.dispatch import Dispatcher, Place, place_of
from app.cli.system import serving

CONFIG = {
    "name": "x",
    "symbols": ["SYN1"],
    "replay": {"start": "2024-11-01", "end": "2024-11-04"},
    "strategies": [{"use": "app.strategies.examples.sma_cross:SmaCross"}],
}


@pytest.fixture(autouse=True)
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paced = {**CONFIG, "replay": {"start": "2024-11-01", "end": "2024-11-04", "speed": 60}}
    live = {key: value for key, value in CONFIG.items() if key != "replay"} | {"mode": "live"}
    for name, content in {"max": CONFIG, "paced": paced, "live": live, "faulty": {}}.items():
        Path(f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("runs list", Place.HERE),
        ("system status", Place.HERE),
        ("system attach", Place.HERE),
        ("system start max.json", Place.CHILD),
        ("system start max.json --timeout 5 --band", Place.CHILD),
        ("system start paced.json", Place.BACKGROUND),
        ("system start --timeout 5 live.json", Place.BACKGROUND),
        ("system start paced.json --wait", Place.CHILD),
        ("system start max.json --detach", Place.HERE),
        ("system start faulty.json", Place.CHILD),
        ("system start not-there.json", Place.CHILD),
        ("system start", Place.CHILD),
        ("system start --help", Place.HERE),
        ("system recover", Place.BACKGROUND),
        ("system recover --account mine", Place.BACKGROUND),
        ("system recover --dry-run", Place.CHILD),
        ("system recover --give-up", Place.CHILD),
        ("system recover --detach", Place.HERE),
        ("practice start --port 0", Place.CHILD),
        ("verify 2026", Place.CHILD),
        ("runs rebuild 2026", Place.CHILD),
        ("runs orders 2026", Place.HERE),
        ("why 1 --run 2026", Place.CHILD),
        ("why-not SYN1 10:31 --run 2026", Place.CHILD),
        ("risk check max.json buy 1 SYN1", Place.CHILD),
        ("risk drill max.json", Place.CHILD),
        ("risk status", Place.HERE),
        ("config check max.json", Place.CHILD),
        ("config schema", Place.HERE),
    ],
)
def test_what_runs_strategies_or_serves_has_a_process_of_its_own(line: str, place: Place) -> None:
    assert place_of(line.split()) is place


class Told:
    """Sessions that were begun."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def standing(self) -> None:
        return None

    def begun(self, run_id: str) -> None:
        self.runs.append(run_id)

    def running_here(self) -> Sequence[str]:
        return self.runs

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def waiting(self) -> Sequence[tuple[str, str]]:
        return ()

    def close(self) -> None:
        pass


def test_a_session_that_goes_to_the_background_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "detached_here", [])
    monkeypatch.setattr("app.cli.shell.dispatch.detached_here", serving.detached_here)
    told = Told()
    here: list[Sequence[str]] = []
    child: list[Sequence[str]] = []

    def run_here(words: Sequence[str]) -> int:
        here.append(words)
        if "--detach" in words:
            serving.detached_here.append(serving.Detached("R1", None))  # type: ignore[arg-type]
        return 0

    def run_child(words: Sequence[str]) -> int:
        child.append(words)
        return 5

    dispatcher = Dispatcher(run_here, run_child, told)
    assert dispatcher.run(["system", "start", "paced.json"]) == 0
    assert here == [["system", "start", "paced.json", "--detach"]]
    assert told.runs == ["R1"]
    assert dispatcher.run(["runs", "list"]) == 0
    assert told.runs == ["R1"]
    assert dispatcher.run(["system", "start", "max.json"]) == 5
    assert child == [["system", "start", "max.json"]]
