"""Every block of the documentation is run, in order, in a folder of its page's own.

A `console` block holds commands after `$ ` and what they print, with `...` for what is left out.
One that ends in ` &` goes on beside the others to the page's end; a practice venue so started, and
the example that trades at it, get a free port.
A `json` or `python` block with a file name after the language is written to that file; a `python`
block without one is executed. A `text` block is a picture. Links between pages lead somewhere.
"""

import os
import re
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.own_ports import free_ports
from tests.warm import launcher

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md"))
)
BLOCK = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)

# What differs from run to run or from machine to machine, and is as long each time.
PASSING = (
    (r"\d{8}-\d{6}(?=-[a-z])", "<run>"),
    (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "<time>"),
    (r"\b(_\w+):\d+ ", r"\1:<line> "),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"\bprocess \d+\b", "process <pid>"),
    (r"\b127\.0\.0\.1:\d+\b", "127.0.0.1:<port>"),
    (r"(replay seconds|bars per second)( +│) [\d.,]+ +│", r"\1\2 <speed> │"),
    (r"[ \t]+$", ""),
)


# Pages of live runs: what they show takes as long as it takes.
LIVE = ("docs/LIVE.md", "docs/PRACTICE.md")


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.live] * (page in LIVE)) for page in PAGES]
)
def test_the_blocks_of_a_page_do_what_they_show(page: str, tmp_path: Path, warm: str) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text())
    with ExitStack() as beside:
        _do_blocks(page, blocks, tmp_path, launcher(warm), beside)


def _do_blocks(
    page: str,
    blocks: list[tuple[str, str, str]],
    tmp_path: Path,
    launcher: str,
    beside: ExitStack,
) -> None:
    if any(kind == "console" or (kind, file) == ("python", "") for kind, file, _ in blocks):
        _furnish(tmp_path, launcher)
    for kind, file, body in blocks:
        if file:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(body)
        elif kind == "console":
            _run_console(body, tmp_path, beside)
        elif kind == "python":
            done = _run(["./start_cli.sh", "-c", body], tmp_path)
            assert done.returncode == 0, f"{body}\n{done.stdout}"
        elif kind != "text":
            pytest.fail(f"{page} holds a block that cannot be run: {kind or 'no language'}\n{body}")


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_fence_is_closed(page: str) -> None:
    text = (ROOT / page).read_text()
    assert text.count("\n```") + text.startswith("```") == 2 * len(BLOCK.findall(text))


def _furnish(folder: Path, launcher: str) -> None:
    """What a clone has: the launcher, the examples, and no data."""
    (folder / "start_cli.sh").write_text(launcher)
    (folder / "start_cli.sh").chmod(0o755)
    shutil.copytree(ROOT / "session_configs", folder / "session_configs")
    (folder / "port").write_text(str(free_ports(1)))
    live = folder / "session_configs" / "practice_live.json"
    url = f'"url": "http://127.0.0.1:{(folder / "port").read_text()}"'
    live.write_text(live.read_text().replace('"broker":', f'{url}, "broker":'))


def _run(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MISMARTERA_")}
    return subprocess.run(
        words,
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def _begin_beside(command: str, shown: str, folder: Path, beside: ExitStack) -> None:
    """A command that goes on, once it has said what is shown."""
    words = command.removesuffix(" &").split()
    if "practice" in words:
        words += ["--port", (folder / "port").read_text()]
    process = subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    beside.callback(process.communicate, timeout=20)
    beside.callback(process.send_signal, signal.SIGTERM)
    assert process.stdout is not None
    said = "".join(process.stdout.readline() for _ in shown.splitlines())
    assert _matches(shown, said), f"$ {command}\n{said}"


def _run_console(body: str, folder: Path, beside: ExitStack) -> None:
    """Each command prints what stands below it; one that is shown to fail does."""
    _, *parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    assert parts, f"a console block without a command:\n{body}"
    for part in parts:
        command, _, shown = part.partition("\n")
        if command.endswith(" &"):
            _begin_beside(command, shown, folder, beside)
            continue
        done = _run(["bash", "-c", command], folder)
        assert _matches(shown, done.stdout), f"$ {command}\n{done.stdout}"
        fails = re.search(r'^(error: |{"error": )', shown, flags=re.MULTILINE) is not None
        assert (done.returncode != 0) == fails, f"$ {command} ended with {done.returncode}"


def _matches(shown: str, printed: str) -> bool:
    pattern = re.escape(_settled(shown)).replace(re.escape("..."), ".*?")
    return re.fullmatch(pattern, _settled(printed), flags=re.DOTALL) is not None


def _settled(text: str) -> str:
    for pattern, replacement in PASSING:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip()
