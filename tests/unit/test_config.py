"""Session configs: what is valid loads whole; what is not is refused with every fault's path."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from config_cases import BROKEN_FILES, CASES, GONE, VALID, spoiled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.config import SessionConfig, export_schema, load_session_config
from app.core.config_json import InvalidConfigError
from app.core.errors import ConfigError, NotFoundError, UsageError
from app.services.indicators import faults

CONFIGS = Path(__file__).parents[2] / "session_configs"


def load(folder: Path, content: object) -> SessionConfig:
    """Load a file that holds this, the indicators checked against the catalogue."""
    path = folder / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return load_session_config(path, faults)


def problems(folder: Path, content: object) -> dict[str, str]:
    with pytest.raises(InvalidConfigError) as caught:
        load(folder, content)
    return dict(caught.value.problems)


def test_the_cases_are_many() -> None:
    assert len(CASES) + len(BROKEN_FILES) >= 250


@pytest.mark.parametrize(("path", "value", "where", "text"), CASES)
def test_a_fault_is_named_by_its_path_alone(
    tmp_path: Path, path: tuple[str | int, ...], value: object, where: str, text: str
) -> None:
    found = problems(tmp_path, spoiled(path, value))
    assert text in " ".join(what for at, what in found.items() if where in at)
    assert value is not GONE or list(found) == [where]


@pytest.mark.parametrize(("content", "text"), BROKEN_FILES)
def test_a_file_that_is_no_config_says_why(tmp_path: Path, content: bytes, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, content)
    assert text in str(caught.value)
    assert "config.json" in str(caught.value)
    assert all(line.isprintable() for line in str(caught.value).split("\n"))


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    config = spoiled(("mode",), "lvie")
    config["symbols"] = ["AAA", "bbb"]
    config["replay"]["end"] = "2024-01-01"
    config["derived_intervals"] = ["5m", "7s"]
    config["indicators"][0]["params"] = {"timeperiod": 0, "period": 1}
    config["strategies"][1]["use"] = "x"
    config["engin"] = {}
    found = problems(tmp_path, config)
    assert set(found) == {
        "mode", "symbols[1]", "replay.end", "derived_intervals[1]", "strategies[1].use", "engin",
        "indicators[0].params.timeperiod", "indicators[0].params.period",
    }  # fmt: skip


def test_a_valid_config_loads_and_survives_a_round_trip(tmp_path: Path) -> None:
    config = load(tmp_path, VALID)
    assert config.account.cash == Decimal(100_000)
    assert [strategy.label for strategy in config.strategies] == ["SmaCross", "second"]
    assert config.replayed.speed == 60.0
    assert config.indicators[1].inputs == ("close", "open")
    assert load(tmp_path, config.model_dump(mode="json")) == config
    assert load(tmp_path, config.model_dump_json().encode()) == config


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    keys = ("name", "symbols", "replay", "strategies")
    config = load(tmp_path, {key: VALID[key] for key in keys})
    assert (config.mode, config.market, config.base_interval) == ("replay", "XNYS", "1m")
    assert config.account.cash == Decimal(100_000)
    assert config.engine.runner == "pool"


def test_money_is_read_as_it_is_written(tmp_path: Path) -> None:
    for written in (b"0.1", b'"0.1"', b"100000.10", b"1e5"):
        content = json.dumps(spoiled(("account", "cash"), 7)).encode()
        config = load(tmp_path, content.replace(b'"cash": 7', b'"cash": ' + written))
        assert config.account.cash == Decimal(written.decode().strip('"'))


def test_a_config_cannot_be_changed(tmp_path: Path) -> None:
    config = load(tmp_path, VALID)
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"  # type: ignore[misc]


def test_the_schema_key_and_a_byte_order_mark_are_let_pass(tmp_path: Path) -> None:
    content = json.dumps({"$schema": "./schema.json", **VALID}).encode("utf-8-sig")
    assert load(tmp_path, content) == load(tmp_path, VALID)


def test_a_daily_history_needs_no_daily_interval(tmp_path: Path) -> None:
    config = spoiled(("derived_intervals",), ["5m", "1h"])
    assert load(tmp_path, config).history["1d"] == 250


def test_the_same_class_may_run_twice_under_two_names(tmp_path: Path) -> None:
    use = "app.strategies.examples.sma_cross:SmaCross"
    both = [{"use": use, "name": "a"}, {"use": use, "name": "b"}]
    labels = [part.label for part in load(tmp_path, spoiled(("strategies",), both)).strategies]
    assert labels == ["a", "b"]


def test_many_faults_are_counted_but_not_all_shown(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="has 200 problems") as caught:
        load(tmp_path, spoiled(("symbols",), ["a"] * 200))
    assert str(caught.value).endswith("and 150 more.")
    assert len(caught.value.problems) == 200


def test_a_path_without_a_readable_file_is_told_apart(tmp_path: Path) -> None:
    for name in ("no.json", "no/no.json", "x" * 100):
        with pytest.raises(NotFoundError, match="There is no file"):
            load_session_config(tmp_path / name)
    with pytest.raises(ConfigError, match="is not a file"):
        load_session_config(tmp_path)
    for name in ("a\0b.json", "x" * 5000):
        with pytest.raises((ConfigError, NotFoundError)):
            load_session_config(tmp_path / name)


def test_without_the_catalogue_indicators_are_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(spoiled(("indicators", 0, "name"), "MINE")))
    assert load_session_config(path).indicators[0].name == "MINE"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["1m", "5m", "1d", "all", "max", "AAPL", "2024-11-01", "a.b:C", "SMA"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "use", "params", "start", "x"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def paths_of(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything in a JSON value."""
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    below = [inner for key, item in items for inner in paths_of(item, (*path, key))]
    return [path, *below]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(paths_of(VALID)[1:]), value=JSON)
def test_any_value_anywhere_loads_or_is_refused(
    tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    try:
        config = load(tmp_path, spoiled(path, value))
    except InvalidConfigError as error:
        assert error.problems
        assert str(path[0]) in str(error) or path[0] in ("base_interval", "derived_intervals")
        assert all(line.isprintable() for line in str(error).split("\n"))
    else:
        assert load(tmp_path, config.model_dump(mode="json")) == config


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=60) | st.integers(0, 700).map(lambda cut: json.dumps(VALID)[:cut].encode())
)
def test_any_bytes_are_refused_without_another_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, content)


def test_the_published_schema_is_current() -> None:
    published = json.loads((CONFIGS / "schema.json").read_text())
    assert published == export_schema(), "run: config schema --output session_configs/schema.json"


def test_the_schema_names_every_key_and_refuses_others() -> None:
    schema = export_schema()
    assert set(schema["properties"]) == {"$schema", *SessionConfig.model_fields}
    assert schema["additionalProperties"] is False
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values())


@pytest.mark.parametrize(
    "path", sorted(set(CONFIGS.glob("*.json")) - {CONFIGS / "schema.json"}), ids=lambda p: p.stem
)
def test_each_example_is_valid_and_names_the_schema(path: Path) -> None:
    assert load_session_config(path, faults).symbols
    assert json.loads(path.read_text())["$schema"] == "./schema.json"


def test_checking_does_not_change_what_was_given(tmp_path: Path) -> None:
    before = copy.deepcopy(VALID)
    load(tmp_path, VALID)
    assert before == VALID


def live_config(**live: Any) -> dict[str, Any]:
    """A live config whose orders are simulated unless said otherwise."""
    config = {key: value for key, value in VALID.items() if key != "replay"}
    return {**config, "mode": "live", "live": live}


def test_a_live_config_needs_nothing_but_its_mode(tmp_path: Path) -> None:
    config = live_config()
    del config["live"]
    loaded = load(tmp_path, config)
    assert (loaded.lived.venue, loaded.lived.broker, loaded.lived.sessions) == (
        "practice",
        "paper",
        1,
    )
    with pytest.raises(UsageError, match="'test' is no replay"):
        _ = loaded.replayed


def test_where_a_venue_fills_nothing_is_said_of_how_fills_are_simulated(tmp_path: Path) -> None:
    paper, venue = live_config(broker="paper"), live_config(broker="venue")
    for config in (paper, venue):
        config["execution"] = {"fees": "ib_fixed"}
    assert load(tmp_path, paper).execution.fees == "ib_fixed"
    assert problems(tmp_path, venue) == {
        "execution": "orders go to the venue, which fills and charges; leave it out."
    }
    del venue["execution"]
    assert load(tmp_path, venue).lived.broker == "venue"
