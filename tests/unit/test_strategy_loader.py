"""Finding a strategy class: every way to name it, and every way to name it wrongly."""

import hashlib
import inspect
import os
import sys
from pathlib import Path

import pytest

from app.core.errors import ConfigError
from app.strategies.examples.sma_cross import SmaCross
from app.strategies.loader import load_strategy, source_hash

ONE = """from app.strategies import Strategy
class Mine(Strategy):
    number = {number}
"""
TWO = """from app.strategies import Strategy
class Base(Strategy):
    pass
class Real(Base):
    pass
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(use: str, folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_strategy(use, folder)
    return str(caught.value)


# -- by file -----------------------------------------------------------------------------------


def test_a_file_with_one_strategy_needs_no_class_name(tmp_path: Path) -> None:
    write(tmp_path, "mine.py", ONE.format(number=1))
    assert load_strategy("mine.py", tmp_path).__name__ == "Mine"
    assert load_strategy("mine.py:Mine", tmp_path).__name__ == "Mine"


def test_a_file_may_lie_deeper_in_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "deep/er/mine.py", ONE.format(number=1))
    assert load_strategy("deep/er/mine.py", tmp_path).__name__ == "Mine"


def test_a_file_of_several_wants_a_class_name(tmp_path: Path) -> None:
    write(tmp_path, "two.py", TWO)
    assert refusal("two.py", tmp_path) == (
        "strategies use 'two.py': it has Base, Real; name one: two.py:Base."
    )
    assert load_strategy("two.py:Real", tmp_path).__name__ == "Real"


def test_a_strategy_that_is_imported_does_not_count_but_can_be_named(tmp_path: Path) -> None:
    text = "from app.strategies.examples.sma_cross import SmaCross\n" + ONE.format(number=1)
    write(tmp_path, "mine.py", text)
    assert load_strategy("mine.py", tmp_path).__name__ == "Mine"
    assert load_strategy("mine.py:SmaCross", tmp_path) is SmaCross


def test_a_second_name_for_a_class_makes_no_second_strategy(tmp_path: Path) -> None:
    write(tmp_path, "mine.py", ONE.format(number=1) + "Alias = Mine\n")
    assert load_strategy("mine.py", tmp_path).__name__ == "Mine"


@pytest.mark.parametrize("text", ["", "x = 1\n", "from app.strategies import Strategy\n"])
def test_a_file_without_a_strategy_says_so(tmp_path: Path, text: str) -> None:
    write(tmp_path, "empty.py", text)
    assert refusal("empty.py", tmp_path) == (
        "strategies use 'empty.py': there is no class in it that is a Strategy."
    )


@pytest.mark.parametrize(
    ("use", "end"),
    [
        ("mine.py:Mien", "no strategy 'Mien' there. Did you mean 'Mine'?"),
        ("mine.py:Other", "no strategy 'Other' there."),
        ("mine.py:helper", "no strategy 'helper' there."),
        ("mine.py:Plain", "no strategy 'Plain' there."),
        ("mine.py:Strategy", "no strategy 'Strategy' there."),
    ],
)
def test_a_name_that_is_no_strategy_of_the_file_is_refused(
    tmp_path: Path, use: str, end: str
) -> None:
    extra = "def helper():\n    pass\nclass Plain:\n    pass\n"
    write(tmp_path, "mine.py", ONE.format(number=1) + extra)
    assert refusal(use, tmp_path) == f"strategies use '{use}': {end}"


def test_a_file_that_is_not_there_is_named_with_the_closest(tmp_path: Path) -> None:
    write(tmp_path, "breakout.py", ONE.format(number=1))
    assert refusal("brekout.py", tmp_path) == (
        f"strategies use 'brekout.py': there is no such file in {tmp_path}. "
        "Did you mean 'breakout.py'?"
    )


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    assert refusal("mine.py", folder) == (
        f"strategies use 'mine.py': there is no such file in {folder}."
    )


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").mkdir()
    assert "there is no such file" in refusal("mine.py", tmp_path)


@pytest.mark.parametrize("name", ["../outside.py", "deep/../../outside.py"])
def test_a_file_outside_the_folder_is_never_run(tmp_path: Path, name: str) -> None:
    ran = tmp_path / "ran"
    write(tmp_path, "outside.py", f"open({str(ran)!r}, 'w')\n")
    folder = tmp_path / "strategies"
    folder.mkdir()
    assert refusal(name, folder) == f"strategies use '{name}': the file must lie in {folder}."
    assert refusal(str(tmp_path / "outside.py"), folder).endswith(f"must lie in {folder}.")
    assert not ran.exists()


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside.py", ONE.format(number=1))
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "link.py").symlink_to(outside)
    assert refusal("link.py", folder).endswith(f"the file must lie in {folder}.")


def test_a_link_within_the_folder_and_to_the_folder_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "real/mine.py", ONE.format(number=1))
    (tmp_path / "real" / "link.py").symlink_to("mine.py")
    (tmp_path / "strategies").symlink_to(tmp_path / "real")
    assert load_strategy("link.py", tmp_path / "strategies").__name__ == "Mine"


def test_links_in_a_circle_and_names_too_long_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("b.py")
    (tmp_path / "b.py").symlink_to("a.py")
    assert refusal("a.py", tmp_path).startswith("strategies use 'a.py': it cannot be opened: ")
    long = "x" * 300 + ".py"
    assert refusal(long, tmp_path).startswith(f"strategies use '{long}': it cannot be opened: ")


# -- files that do not import --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("x = 1\ny = 1 / 0\n", " (bad.py, line 2): ZeroDivisionError: division by zero"),
        ("import nothing_such\n", " (bad.py, line 1): ModuleNotFoundError: No module named "),
        ("\n\nraise ValueError\n", " (bad.py, line 3): ValueError"),
        ("import sys\nsys.exit('no more')\n", " (bad.py, line 2): SystemExit: no more"),
        ("import json\njson.loads('[')\n", " (bad.py, line 2): JSONDecodeError: Expecting value"),
        ("def f():\n    g()\nf()\n", " (bad.py, line 2): NameError: name 'g' is not defined"),
        (
            "from app.strategies import Param, Strategy\nclass A(Strategy):\n    x = Param(None)\n",
            " (bad.py, line 3): ConfigError: A Param's default is a number",
        ),
        ("x = 1\nclass A(:\n", ": SyntaxError: invalid syntax (bad.py, line 2)"),
        ("x = 1\n   y = 2\n", ": IndentationError: unexpected indent (bad.py, line 2)"),
        ("x = 'a\0b'\n", "source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_does_not_import_says_why_and_where(
    tmp_path: Path, text: str, end: str
) -> None:
    write(tmp_path, "bad.py", text)
    message = refusal("bad.py", tmp_path)
    assert message.startswith("strategies use 'bad.py': it does not import")
    assert end in message
    assert "\n" not in message


def test_a_file_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_bytes(b"name = '\xff'\n")
    assert "it does not import: SyntaxError: (unicode error)" in refusal("bad.py", tmp_path)


def test_the_line_is_that_of_the_file_and_not_of_what_it_called(tmp_path: Path) -> None:
    write(tmp_path, "bad.py", "import decimal\n\nx = decimal.Decimal('x')\n")
    assert "(bad.py, line 3): InvalidOperation" in refusal("bad.py", tmp_path)


def test_an_interrupt_during_an_import_passes_through(tmp_path: Path) -> None:
    write(tmp_path, "slow.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_strategy("slow.py", tmp_path)


def test_a_file_that_failed_leaves_no_module_behind(tmp_path: Path) -> None:
    write(tmp_path, "bad.py", "1 / 0\n")
    before = set(sys.modules)
    refusal("bad.py", tmp_path)
    assert set(sys.modules) == before


# -- a file that changes, and files of one name --------------------------------------------------


def test_an_edit_within_the_same_second_and_of_the_same_size_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py", ONE.format(number=1))
    times = path.stat()
    assert load_strategy("mine.py", tmp_path).number == 1  # type: ignore[attr-defined]
    write(tmp_path, "mine.py", ONE.format(number=2))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert load_strategy("mine.py", tmp_path).number == 2  # type: ignore[attr-defined]


def test_the_folder_is_left_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "mine.py", ONE.format(number=1))
    load_strategy("mine.py", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_files_of_one_name_in_two_folders_keep_their_own_source(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{sub}/mine.py", ONE.format(number=sub)) for sub in "12"]
    kinds = [load_strategy(f"{sub}/mine.py", tmp_path) for sub in "12"]
    assert [kind.number for kind in kinds] == [1, 2]  # type: ignore[attr-defined]
    assert [inspect.getsourcefile(kind) for kind in kinds] == [str(path) for path in paths]
    assert [source_hash(kind) for kind in kinds] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    ]


def test_a_file_named_like_a_library_shadows_nothing(tmp_path: Path) -> None:
    write(tmp_path, "decimal.py", ONE.format(number=1))
    kind = load_strategy("decimal.py", tmp_path)
    assert kind.__name__ == "Mine"
    import decimal

    assert decimal.Decimal(1) == 1


def test_what_a_file_declares_can_be_looked_up_by_its_module(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass(slots=True)\nclass State:\n    held: int = 0\n" + ONE.format(number=1)
    )
    write(tmp_path, "mine.py", text)
    kind = load_strategy("mine.py", tmp_path)
    assert sys.modules[kind.__module__].State().held == 0


# -- by module ---------------------------------------------------------------------------------


def test_a_class_of_an_installed_module_is_found(tmp_path: Path) -> None:
    assert load_strategy("app.strategies.examples.sma_cross:SmaCross", tmp_path) is SmaCross
    path = inspect.getsourcefile(SmaCross)
    assert path is not None
    assert source_hash(SmaCross) == hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("use", "text"),
    [
        ("app.nowhere:A", "strategies use 'app.nowhere:A': there is no module 'app.nowhere'."),
        ("nowhere.at.all:A", "strategies use 'nowhere.at.all:A': there is no module "),
        (
            "app.strategies.examples.sma_cross:SmaCros",
            "no strategy 'SmaCros' there. Did you mean 'SmaCross'?",
        ),
        ("app.strategies:Strategy", "no strategy 'Strategy' there."),
        ("app.core.errors:AppError", "no strategy 'AppError' there."),
        ("app.core.money", ": write package.module:Class, or file.py of "),
        ("sma_cross", ": write package.module:Class, or file.py of "),
        ("app.core.money:", ": write package.module:Class, or file.py of "),
    ],
)
def test_a_module_that_is_not_there_or_has_no_such_class_is_refused(
    tmp_path: Path, use: str, text: str
) -> None:
    assert text in refusal(use, tmp_path)


def test_of_a_module_that_is_not_there_it_is_told_where_one_would_be_found(tmp_path: Path) -> None:
    nowhere = "It is neither installed, nor in this folder, nor on PYTHONPATH."
    assert refusal("mine.rules:A", tmp_path).endswith(nowhere)
    own = f"A file of your own belongs in {tmp_path} and is given as 'mine.py:A'."
    assert refusal("mine:A", tmp_path).endswith(f"{nowhere} {own}")
    write(tmp_path, "mine.py", "")
    assert refusal("mine:A", tmp_path).endswith(
        f"There is a mine.py in {tmp_path}: write 'mine.py:A'."
    )


def test_a_module_that_fails_names_the_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "failing_package/__init__.py", "")
    write(tmp_path, "failing_package/rules.py", "import math\nmath.sqrt(-1)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal("failing_package.rules:A", tmp_path) == (
        "strategies use 'failing_package.rules:A': it does not import (rules.py, line 2): "
        "ValueError: math domain error"
    )


def test_a_library_that_a_module_misses_is_told_from_the_module_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "needy_rules.py", "import nothing_such.part\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refusal("needy_rules:A", tmp_path) == (
        "strategies use 'needy_rules:A': nothing_such is not installed."
    )


def test_a_class_is_a_strategy_only_by_inheritance(tmp_path: Path) -> None:
    write(tmp_path, "plain.py", "class Plain:\n    def on_bar(self, bar):\n        pass\n")
    assert "there is no class in it that is a Strategy" in refusal("plain.py", tmp_path)
