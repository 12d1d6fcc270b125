"""The screens that the docs show, taken from the shell in a real terminal.

`make screens` writes them to docs/screens, and to each page behind the mark `<!-- screen NAME -->`.
Ids of runs, the machine's clock and its processes are made the same each time.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.shell_house import TAB, ShellHouse, ShellTerminal, config_text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screens"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SIZE = (34, 80)
_MARKED = re.compile(r"(<!-- screen ([a-z-]+) -->\n```text\n)(.*?)(```\n)", re.DOTALL)
_SAME = (
    (re.compile(r"\d{8}-\d{6}-"), "20260105-143000-"),
    (re.compile(r"idle \d\d:\d\d:\d\d E[DS]T"), "idle 14:30:00 EST"),
    (re.compile(r"as process \d+"), "as process 4711"),
    (re.compile(r"took [\d,.]+ s\n"), ""),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d( +│)$", re.MULTILINE), r"2026-01-05 09:30\1"),
)
_VOLATILE = re.compile(r"^│ (?:replay seconds|bars per second) .*\n", re.MULTILINE)


def screens() -> dict[str, str]:
    """Each by its name, as the docs have it."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: same(text) for name, text in _taken(Path(folder))}


def same(text: str) -> str:
    """Without what differs from one time to the next."""
    for pattern, word in _SAME:
        text = pattern.sub(word, text)
    return _VOLATILE.sub("", text)


def marked(page: str, found: dict[str, str]) -> str:
    """A page with the screens of today behind its marks."""
    return _MARKED.sub(lambda match: f"{match[1]}{found[match[2]]}{match[4]}", page)


def _taken(folder: Path) -> Iterator[tuple[str, str]]:
    (folder / "session_configs").mkdir()
    shutil.copy(ROOT / "session_configs" / "example_session.json", folder / "session_configs")
    for name, parts in (("paced", {"speed": 1}), ("ten", {}), ("five", {"params": {"fast": 5}})):
        text = config_text(name, "2024-11-04", **parts)  # type: ignore[arg-type]
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    house = ShellHouse(folder)
    try:
        with _shell(house) as shell:
            yield "greeting", _shown(shell)
            for line in ("system start ten.json", "system start five.json"):
                shell.run(line)
        with _shell(house) as shell:
            shell.type("data ")
            shell.type(TAB)
            shell.wait_for("quality")
            yield "completion", _shown(shell)
        yield from _of_a_session(house)
        yield from _of_pages(house)
    finally:
        house.close()


def _of_a_session(house: ShellHouse) -> Iterator[tuple[str, str]]:
    with _shell(house) as shell:
        shell.run("clear")
        shell.run("system start paced.json")
        shell.wait_for("started:")
        shell.run("system pause")
        shell.wait_for("  paused")
        shell.run("system step --count 60")
        shell.wait_for("10:22:00")
        shell.type("report com")
        shell.wait_until(lambda: shell.typed() == "report com", "a line under the events")
        yield "session", _shown(shell)
        shell.interrupt()
        for name, line in (("data-session", "data session --once"), ("watch", "watch SYN1 --once")):
            shell.run("clear")
            shell.run(line)
            yield name, _shown(shell)
        shell.run("system stop")


def _of_pages(house: ShellHouse) -> Iterator[tuple[str, str]]:
    with _shell(house) as shell:
        ten, five = (_run_of(house, name) for name in ("ten", "five"))
        for name, line in (
            ("help", "help system start"),
            ("compare", f"report compare {ten} {five}"),
        ):
            shell.run("clear")
            out = shell.run(line)
            yield name, "\n".join([f"> {line}", *out]).rstrip() + "\n"


def _run_of(house: ShellHouse, name: str) -> str:
    return next(run["run_id"] for run in house.runs() if run["run_id"].endswith(f"-{name}"))


@contextmanager
def _shell(house: ShellHouse) -> Iterator[ShellTerminal]:
    """With the data folder as a clone has it, so that no path is of this machine."""
    shell = house.open(size=SIZE, MISMARTERA_DATA_FOLDER="data", MISMARTERA_LOG_LEVEL="ERROR")
    shell.ready()
    yield shell
    shell.close()


def _shown(shell: ShellTerminal) -> str:
    return "\n".join(shell.lines).rstrip() + "\n"


def main() -> int:
    """Take all of them, and write what has changed."""
    found = screens()
    FOLDER.mkdir(exist_ok=True)
    for name, text in found.items():
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(marked(text, found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
