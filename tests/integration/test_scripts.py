"""What a script, a notebook or a worker does from Python: configs as dicts, strategies without a
file, errors across processes.
"""

import datetime as dt
import linecache
import pickle
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.system_house import SystemHouse, stored_market, system_house

from app.core.config_json import InvalidConfigError
from app.core.errors import AppError, NotFoundError, StrategyError
from app.strategies import Strategy
from app.strategies.loader import LoadError, load_strategy, source_hash, text_hash

__all__ = ["stored_market", "system_house"]

TYPED = """
from app.strategies import Param, Strategy

class Typed(Strategy):
    size = Param(10, low=1)

    def on_bar(self, bar):
        self.order_target(bar.symbol, self.size if self.now.minute % 20 else 1 // (self.size - 7))
"""


def words(**parts: Any) -> dict[str, Any]:
    """A config as a script writes it."""
    base = {
        "name": "script",
        "symbols": ("AAA", "BBB"),
        "replay": {"start": "2024-06-03", "end": "2024-06-04"},
        "strategies": [{"use": "trader.py"}],
    }
    return {**base, **parts}


@pytest.fixture(params=["cell", "prompt"])
def typed(request: pytest.FixtureRequest) -> Iterator[str]:
    """`use` of a strategy in a module without a file; Python remembers a cell, a prompt is gone."""
    name, file = f"typed_at_a_{request.param}", f"<{request.param} 1>"
    module = ModuleType(name)
    sys.modules[name] = module
    if request.param == "cell":
        linecache.cache[file] = (len(TYPED), None, TYPED.splitlines(keepends=True), file)
    exec(compile(TYPED, file, "exec"), vars(module))
    yield f"{name}:Typed"
    del sys.modules[name]
    linecache.cache.pop(file, None)


def test_a_dict_runs_as_the_file_that_it_would_be(system_house: SystemHouse) -> None:
    account = {"cash": Decimal("50000.5"), "leverage": np.int64(3)}
    dates = {"start": pd.Timestamp("2024-06-03"), "end": dt.date(2024, 6, 4)}
    given = words(account=account, symbols=np.array(["AAA", "BBB"]), replay=dates)
    system = system_house.system
    once = system.run(given)
    assert system.config is not None
    assert (system.config.account.cash, system.config.account.leverage) == (Decimal("50000.5"), 3)
    file = system_house.file(system.config)
    assert system.run(file).fingerprint == once.fingerprint
    assert system.start(given) and system.wait(20) is not None
    assert system.check(given) == system.check(system.config)


def test_all_that_is_wrong_with_a_dict_is_told_in_our_words(system_house: SystemHouse) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        system_house.system.run(words(symbol=["AAA"], account={"cash": float("nan")}))
    assert str(caught.value).splitlines()[0] == "The session config has 2 problems:"
    assert [where for where, _ in caught.value.problems] == ["account.cash", "symbol"]
    assert "Did you mean 'symbols'?" in str(caught.value)
    assert system_house.system.run(words()).state == "finished"


@pytest.mark.parametrize("what", [{1, 2}, object(), {("a", "b"): 1}])
def test_what_no_file_can_hold_is_refused(system_house: SystemHouse, what: object) -> None:
    with pytest.raises(InvalidConfigError, match="all of it: JSON cannot hold it: "):
        system_house.system.run(words(account=what))


def test_a_class_in_the_place_of_its_name_is_answered_with_that(system_house: SystemHouse) -> None:
    with pytest.raises(InvalidConfigError, match=r"by text, 'app\.strategies\.base:Strategy'\."):
        system_house.system.run(words(strategies=[{"use": Strategy}]))


def test_a_strategy_that_was_typed_runs_and_is_known_by_its_text(
    system_house: SystemHouse, typed: str
) -> None:
    use = [{"use": typed, "params": {"size": np.int64(20)}}]
    assert system_house.system.run(words(strategies=use)).fills > 0
    is_cell = "cell" in typed
    kind = load_strategy(typed, Path("nowhere"))
    assert source_hash(kind) == (text_hash(TYPED) if is_cell else "")


def test_a_typed_strategy_that_fails_is_told_with_its_lines(
    system_house: SystemHouse, typed: str
) -> None:
    use = [{"use": typed, "params": {"size": 7}}]
    with pytest.raises(StrategyError, match=r"failed in on_bar .*\n  <\w+ 1>:8 in on_bar: "):
        system_house.system.run(words(strategies=use))


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("there is none"),
        LoadError("mine.py", "it is empty."),
        InvalidConfigError(Path("x.json"), [("symbols", "it is missing.")]),
    ],
)
def test_a_worker_raises_an_error_as_it_was(error: AppError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_who_checks_types_finds_ours() -> None:
    assert (files("app") / "py.typed").is_file()
