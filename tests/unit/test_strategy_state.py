"""What strategies save: plain values, asked for at each close, and loaded again at once."""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.market import differences, execute, wired
from tests.random_market import Spec

from app.core.errors import StrategyError
from app.core.message_codec import decode, encode
from app.strategies import Bar, Strategy, TradingSession
from app.strategies.state import plain_state

SPEC = Spec(
    seed=11, base="1m", sessions=3, history=1, minutes=24, half_days=frozenset({1}), gapless=False,
    broken=False, extended=False, keep=(1.0, 1.0), empty=frozenset(), actions=(),
    strategies=("Reader",), declared={}, participation=None, allow_short=True,
)  # fmt: skip
HERE = "tests.unit.test_strategy_state"

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


@given(state=st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
@settings(max_examples=80)
def test_plain_values_come_back_as_they_were(state: dict[str, Any]) -> None:
    saved = plain_state(state)
    assert saved == state
    assert decode(encode({"mine": saved}), dict[str, dict[str, Any]]) == {"mine": state}
    assert json.loads(json.dumps(saved)) == state


def test_a_saved_state_is_a_copy_and_its_tuples_are_lists() -> None:
    mine = {"days": [1, 2], "pair": (1, "a")}
    saved = plain_state(mine)
    mine["days"] = []
    assert saved == {"days": [1, 2], "pair": [1, "a"]}


def endless() -> dict[str, Any]:
    state: dict[str, Any] = {}
    state["a"] = state
    return state


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (None, r"gave a NoneType; give a dict"),
        ([1], r"gave a list; give a dict"),
        ({"a": {1: 2}}, r"a dict with the key 1 at 'a'; keys are text"),
        ({1: 2}, r"a dict with the key 1 at the top; keys are text"),
        ({"a": [0, {"b": {1, 2}}]}, r"a set at 'a\[1\].b'. What can be saved is None, true or"),
        ({"a": float("nan")}, r"nan, which is no finite number, at 'a'"),
        ({"a": 1 << 63}, r"a whole number of more than 64 bits at 'a'"),
        ({"a": np.float64(1)}, r"a numpy.float64 \(float\(\) or int\(\) or .tolist\(\) makes it"),
        ({"a": Decimal(1)}, r"a decimal.Decimal \(str\(\) keeps it\) at 'a'"),
        ({"a": dt.date(2024, 1, 2)}, r"a datetime.date \(.isoformat\(\) makes it text\) at 'a'"),
        (endless(), r"values more than 32 deep, at a\.a\.a"),
    ],
)
def test_what_cannot_be_saved_is_named_with_its_place(state: object, what: str) -> None:
    with pytest.raises(
        StrategyError, match=f"^save_state gave .*{what}" if what[0] == "a" else what
    ):
        plain_state(state)


# -- in a run --------------------------------------------------------------------------------------


class Counting(Strategy):
    """Trades by how many bars it has seen; its count goes through its state at each close."""

    def setup(self) -> None:
        self.count = 0
        self.loaded: list[int] = []

    def on_bar(self, bar: Bar) -> None:
        self.count += 1
        self.order_target(bar.symbol, self.count % 5)

    def on_session_close(self, session: TradingSession) -> None:
        self.count += 100

    def save_state(self) -> Mapping[str, Any]:
        return {"count": self.count}

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.loaded.append(state["count"])
        self.count = state["count"]


class Forgetful(Counting):
    """Loads something else."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.count = 0


class Unplain(Counting):
    """Saves what cannot be."""

    def save_state(self) -> Mapping[str, Any]:
        return {"last": self.now}


class Eager(Counting):
    """Gives orders where there is nothing to give."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        self.order(self.symbols[0], 1)


class Silent(Counting):
    """The same, without the hooks."""

    save_state = Strategy.save_state
    load_state = Strategy.load_state


class Half(Strategy):
    """Has one of the two."""

    def save_state(self) -> Mapping[str, Any]:
        return {}


def config_of(name: str, block_rows: int = 8_192) -> Any:
    config = SPEC.config()
    item = config.strategies[0].model_copy(update={"use": f"{HERE}:{name}", "params": {}})
    engine = config.engine.model_copy(update={"block_rows": block_rows})
    return config.model_copy(update={"strategies": (item,), "engine": engine})


def test_each_close_saves_and_loads_whatever_the_block_size() -> None:
    runs = []
    for rows in (1, 7, 8_192):
        run, _ = wired(config_of("Counting", rows), SPEC.market())
        run.execute()
        strategy: Any = run.seats[0].strategy
        runs.append(strategy.loaded)
    assert runs[0] == runs[1] == runs[2]
    assert len(runs[0]) == SPEC.sessions - SPEC.history
    assert runs[0] == sorted(runs[0])
    assert runs[0][0] > 100, "after on_session_close"


def test_a_strategy_that_saves_decides_as_one_that_does_not() -> None:
    saving, silent = (execute(config_of(name), SPEC.market()) for name in ("Counting", "Silent"))
    assert saving.orders
    assert not differences(saving, silent)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Forgetful", "failed in load_state at .*it does not bring back .*: count differs"),
        ("Unplain", "failed in save_state at .*gave a datetime.datetime .* at 'last'"),
        ("Eager", "failed in load_state at .*proposes something; do that in on_session_close"),
    ],
)
def test_a_wrong_state_ends_the_run_at_the_first_close(name: str, what: str) -> None:
    run, _ = wired(config_of(name), SPEC.market())
    with pytest.raises(StrategyError, match=what):
        run.execute()
    assert run.engine.sessions == 1


def test_one_hook_without_the_other_is_refused_before_the_run() -> None:
    with pytest.raises(StrategyError, match="Half has save_state, but no load_state; define both"):
        wired(config_of("Half"), SPEC.market())
