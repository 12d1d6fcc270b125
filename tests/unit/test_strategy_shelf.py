"""Finding strategies by name without running any of their code."""

from pathlib import Path

import pytest

from app.core.errors import NotFoundError, UsageError
from app.repositories.strategy_shelf import Place, classes_in, places, use_named, words_for

MINE = "from app.strategies import Strategy\n\n\nclass {name}(Strategy):\n    pass\n"
SMA_CROSS = "app.strategies.examples.sma_cross:SmaCross"


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "dip.py", MINE.format(name="Dip"))
    write(tmp_path, "pair.py", MINE.format(name="Left") + MINE.format(name="Right"))
    write(tmp_path, "more/deep.py", MINE.format(name="Deep"))
    return tmp_path


def named(name: str, folder: Path, used: dict[str, list[str]] | None = None) -> str:
    return use_named(name, places(folder, used))


def test_examples_files_and_what_configs_use_are_on_the_shelf(folder: Path) -> None:
    used = {SMA_CROSS: ["one.json"], "dip.py:Dip": ["two.json"], "dip.py": ["one.json"]}
    found = {place.use: place for place in places(folder, used | {"house.rules:Own": ["x.json"]})}
    assert [place.kind for place in found.values()] == ["example"] * 3 + ["file"] * 3 + ["module"]
    assert found["app.strategies.examples.sma_cross"].configs == ("one.json",)
    assert found["dip.py"].configs == ("one.json", "two.json")
    assert found["more/deep.py"].stem == "deep"
    assert found["house.rules"] == Place("house.rules", "module", None, ("Own",), ("x.json",))


def test_files_of_tests_and_hidden_folders_are_not(folder: Path) -> None:
    for name in ("tests/test_dip.py", "test_dip.py", "conftest.py", ".old/a.py", "a b.py"):
        write(folder, name, MINE.format(name="No"))
    files = [place.use for place in places(folder) if place.kind == "file"]
    assert files == ["dip.py", "pair.py", "more/deep.py"]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert {place.kind for place in places(tmp_path / "nowhere")} == {"example"}


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("SmaCross", SMA_CROSS),
        ("sma_cross", SMA_CROSS),
        ("smacross", SMA_CROSS),
        (SMA_CROSS, SMA_CROSS),
        ("Dip", "dip.py:Dip"),
        ("DIP", "dip.py:Dip"),
        ("dip", "dip.py"),
        ("dip.py", "dip.py"),
        ("dip.py:", "dip.py"),
        ("pair", "pair.py"),
        ("Right", "pair.py:Right"),
        ("deep", "more/deep.py"),
        ("unheard/of.py:Any", "unheard/of.py:Any"),
    ],
)
def test_a_strategy_is_found_by_its_use_its_class_or_its_file(
    folder: Path, name: str, use: str
) -> None:
    assert named(name, folder) == use


def test_a_name_of_two_asks_for_one_of_them(folder: Path) -> None:
    write(folder, "other.py", MINE.format(name="Dip"))
    with pytest.raises(UsageError, match=r"'Dip' may be dip.py:Dip or other.py:Dip: write one"):
        named("Dip", folder)


def test_an_unknown_name_is_told_the_nearest(folder: Path) -> None:
    with pytest.raises(NotFoundError, match=r"'SmaCros'.*Did you mean 'SmaCross'\?"):
        named("SmaCros", folder)


def test_nothing_on_the_shelf_is_run(folder: Path) -> None:
    write(folder, "loud.py", f"open({str(folder / 'ran')!r}, 'w')\n" + MINE.format(name="Loud"))
    assert "Loud" in words_for(places(folder))
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("text", ["class A(:\n", "x = 'a\0b'", "\xff", "(" * 2000, "x = '\\d'\n"])
def test_text_that_is_no_python_has_no_classes_and_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.py").write_text(text, encoding="latin-1")
    assert classes_in(tmp_path / "bad.py") == ()
