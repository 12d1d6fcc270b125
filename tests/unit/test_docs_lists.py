"""Lists that the documentation shows are the program's own: what is added here is added there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.crash_launcher import POINTS
from tests.faults.kinds import KINDS

from app.cli.doctor.examining import NAMES
from app.cli.practice.commands import PRACTICE
from app.cli.shell.aliases import BUILT_IN
from app.cli.shell.dispatch import IN_A_CHILD
from app.cli.shell.outbox import SHOWN
from app.cli.shell.words import SHELL_WORDS
from app.cli.tree import node
from app.core import errors
from app.core.order_views import OrderData
from app.core.orders import TRANSITIONS
from app.core.session_data import (
    BarData,
    GivenOrder,
    IndicatorData,
    PositionData,
    QualityData,
    SessionData,
    SymbolData,
)
from app.core.settings import Settings
from app.core.venue import Abilities, Venue, VenueRefused
from app.integrations.binance.peer import faults as of_binance
from app.integrations.binance.problems import UNCLEAR_CODES
from app.integrations.practice.venue import faults as of_practice
from app.managers.execution_manager.live import refused_stops
from app.repositories.journal_format import KIND_NAMES
from app.results import columns
from app.strategies.views import OrderView
from app.threads.watch.watchdog import HOOK_HANGS, LEFT_BEHIND

ROOT = Path(__file__).parents[2]
APP = ROOT / "backend" / "app"
_WORD = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str, head: str) -> Iterator[list[str]]:
    """The cells below each heading that begins so."""
    found = re.findall(rf"^{re.escape(head)}.*\n\|[-|: ]+\n((?:\|.*\n)+)", page(name), re.MULTILINE)
    assert found, f"{name} has no table that begins with {head}"
    for line in "".join(found).splitlines():
        yield [cell.strip() for cell in line.replace(r"\|", "¦").strip("|").split("|")]


def words(name: str, head: str, column: int = 0) -> set[str]:
    """What stands in backquotes in a column of such tables."""
    return {word for row in rows(name, head) for word in _WORD.findall(row[column])}


def constants(folder: str) -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted((APP / folder).rglob("*.py")):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, one


# -- the command line ------------------------------------------------------------------------------


def test_every_check_of_doctor_is_described() -> None:
    assert words("docs/CLI.md", "| check | what") == {*NAMES}


def test_every_exit_code_is_described() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.AppError)}
    told = {int(row[0]) for row in rows("docs/CLI.md", "| exit code | meaning")}
    assert told == {0, *codes, errors.EXIT_INTERRUPTED}


def test_every_setting_has_its_default_in_the_example_file() -> None:
    shown = dict(re.findall(r"^#(MISMARTERA_\w+)=(.*)$", page(".env.example"), re.MULTILINE))
    assert {*shown} == {f"MISMARTERA_{name.upper()}" for name in Settings.model_fields}
    for name in ("data_folder", "strategies_folder"):
        default = str(Settings.model_fields[name].default)
        assert shown[f"MISMARTERA_{name.upper()}"] == default
        assert f"| `MISMARTERA_{name.upper()}` | `{default}` |" in page("docs/CLI.md")


def test_every_part_of_a_session_s_data_is_described() -> None:
    told = {word.removeprefix("symbols[].") for word in words("docs/CLI.md", "| key | what it is")}
    assert told == {*SessionData.__struct_fields__, *SymbolData.__struct_fields__} - {"symbols"}
    within = words("docs/CLI.md", "| key | what it is", 1)
    for part in (BarData, IndicatorData, PositionData, QualityData):
        assert {*part.__struct_fields__} <= within, part
    own = {*GivenOrder.__struct_fields__} - {*OrderData.__struct_fields__}
    assert own <= within


def test_every_option_of_a_practice_venue_is_described() -> None:
    command = node((PRACTICE, "start"))
    assert command is not None
    names = {name for one in command.options for name in one.names}
    told = {word.split()[0] for word in words("docs/PRACTICE.md", "| option | default")}
    assert told == names
    shown = {
        row[0].split()[0].strip("`"): row[1]
        for row in rows("docs/PRACTICE.md", "| option | default")
    }
    defaults = {one.names[0]: one.default for one in command.options if one.default}
    assert {name: shown[name].strip("`") for name in defaults} == defaults


def test_every_make_target_is_described() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE)) - {"help"}
    told = page("CONTRIBUTING.md") + page("docs/RELIABILITY.md")
    assert {one for one in targets if not re.search(rf"`(make )?{one}\b", told)} == set()


def test_every_word_of_the_shell_is_described() -> None:
    told = words("docs/SHELL.md", "| word | what it does")
    assert {one.split()[0] for one in told} >= {*SHELL_WORDS}
    assert [one for one in SHOWN if f"`events {one}`" not in page("docs/SHELL.md")] == []
    text = page("docs/SHELL.md")
    assert ", ".join(f"`{name}`" for name in [*BUILT_IN][:-1]) in text
    within = text[text.index("## Where commands run") : text.index("Ctrl+C reaches them")]
    assert {*_WORD.findall(within)} == {" ".join(one) for one in IN_A_CHILD}


# -- live runs -------------------------------------------------------------------------------------


def _alarms() -> Iterator[str]:
    """What alarms are called where they are raised."""
    for folder in ("managers", "threads"):
        for path, one in constants(folder):
            what: ast.AST | None = None
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.args:
                called = one.func.attr, path.stem
                if called[0] in ("alarm", "_alarm") or called == ("_tell", "line_aftermath"):
                    what = one.args[0]
            elif path.stem == "exit_warnings" and isinstance(one, ast.Return):
                what = one.value.elts[0] if isinstance(one.value, ast.Tuple) else None
            if isinstance(what, ast.Constant):
                yield str(what.value)


def test_every_alarm_is_described() -> None:
    named = {HOOK_HANGS, LEFT_BEHIND, "risk: NAME", "risk: NAME cleared", "strategy NAME stopped"}
    alarms = {*_alarms()} | named
    assert len(alarms) > 40
    told = [_WORD.findall(" ".join(row)) for row in rows("docs/LIVE.md", "| alarm | what it tells")]
    assert alarms == {word for row in told for word in row if word in alarms or word == row[0]}


def test_every_refusal_is_described() -> None:
    begins = re.compile(r"([a-z]+(?:_[a-z]+)+): ")
    found = {
        match[1]
        for folder in ("managers/execution_manager", "services")
        for _, one in constants(folder)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
        and (match := begins.match(one.value))
    }  # fmt: skip
    told = {one.rstrip(":") for one in words("docs/RISK.md", "| a reason begins with")}
    assert found - {"time_stop", "one_exit"} == {one for one in told if "_" in one}


def test_every_change_of_an_order_is_described() -> None:
    found = {refused_stops.AT_MARKET, refused_stops.GIVEN_ANEW, refused_stops.WAITS}
    for _, one in constants("managers/execution_manager"):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            place = {"note": 0, "_give": 1}.get(one.func.attr, len(one.args))
            what = one.args[place] if place < len(one.args) else None
            if isinstance(what, ast.Constant) and isinstance(what.value, str):
                found.add(what.value)
    assert words("docs/FINISHED_RUNS.md", "| what | |") == found


def test_every_state_and_property_of_an_order_is_described() -> None:
    assert words("docs/STRATEGIES.md", "| `state` | |") == {*TRANSITIONS}
    text = page("docs/STRATEGIES.md")
    properties = [name for name, one in vars(OrderView).items() if isinstance(one, property)]
    assert [name for name in properties if f"`{name}`" not in text] == []


def test_every_kind_of_record_is_described() -> None:
    told = {row[0] for row in rows("docs/ARCHITECTURE.md", "| kind | what is in it")}
    assert told == {*KIND_NAMES.values()}


# -- venues ----------------------------------------------------------------------------------------


def test_every_fault_of_the_menus_is_described() -> None:
    told = words("docs/PRACTICE.md", "| kind | what goes wrong")
    assert told == {*of_practice.PLACES, *of_binance.PLACES} and "id_rollback" in told
    assert f"Routes: `{' '.join(of_practice.ROUTES)}`" in " ".join(page("docs/PRACTICE.md").split())


def test_the_codes_after_which_nothing_is_known_are_described() -> None:
    (row,) = [row for row in rows("docs/BINANCE.md", "| what comes") if row[0].startswith("-1000")]
    assert [int(code) for code in re.findall(r"-\d{4}", row[0])] == [*UNCLEAR_CODES]


def test_what_an_adapter_says_is_described() -> None:
    kinds = {kind for kind in VenueRefused.__subclasses__() if kind.__module__ == Venue.__module__}
    assert words("docs/ADAPTERS.md", "| | it means") >= {kind.__name__ for kind in kinds}
    assert words("docs/ADAPTERS.md", "| field | when") == {*Abilities.__struct_fields__}


# -- finished runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("equity", columns.EquityColumns),
        ("sessions", columns.SessionColumns),
        ("orders", columns.OrderColumns),
        ("fills", columns.FillColumns),
        ("trades", columns.TradeColumns),
    ],
)
def test_every_column_of_a_finished_run_is_described(
    table: str, kind: type[columns.Columns]
) -> None:
    (row,) = [
        row for row in rows("docs/FINISHED_RUNS.md", "| frame, `columns`") if row[0] == f"`{table}`"
    ]
    own = {re.sub("_(ns|units)$", "", name) for name in kind.__struct_fields__}
    assert own <= {*_WORD.findall(" ".join(row))}


def test_the_faults_and_the_points_of_death_are_counted() -> None:
    assert f"each of {len(POINTS)} named points" in page("docs/RELIABILITY.md")
    assert f"schedules of {len(KINDS) - 1} kinds of faults" in page("docs/RELIABILITY.md")
    assert f"`F01` to `{max(KINDS)}` are listed" in page("docs/FAULTS.md")


# -- the house -------------------------------------------------------------------------------------


def test_every_file_that_the_architecture_names_is_there() -> None:
    there = [str(path) for folder in (APP, ROOT / "tests") for path in folder.rglob("*.py")]
    named = re.findall(r"`([a-z_/{},]+\.py)`", page("docs/ARCHITECTURE.md"))
    assert len(named) > 50
    assert [one for one in named if not any(path.endswith(f"/{one}") for path in there)] == []


@pytest.mark.parametrize(
    "room", ["cli", "threads", "managers/system_manager", "managers/execution_manager"]
)
def test_every_folder_of_a_room_is_described(room: str) -> None:
    folders = {path.parent.name for path in (APP / room).glob("*/__init__.py")}
    assert len(folders) > 5
    assert {one for one in folders if f"`{one}/`" not in page("docs/ARCHITECTURE.md")} == set()
