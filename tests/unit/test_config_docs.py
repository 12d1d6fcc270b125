"""docs/SESSION_CONFIGS.md: its configs say the least they can, every key and function is in it."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.core import config as config_module
from app.core import (
    config_account,
    config_breakers,
    config_fees,
    config_live,
    config_protection,
    config_risk,
    config_sizing,
)
from app.core.config import load_session_config
from app.core.config_json import InvalidConfigError
from app.services.indicators import faults, names

MODULES = (
    config_module, config_account, config_breakers, config_fees, config_live, config_protection,
    config_risk, config_sizing,
)  # fmt: skip
TEXT = (Path(__file__).parents[2] / "docs" / "SESSION_CONFIGS.md").read_text()
BLOCKS = re.findall(r"```json (\w+)\.json\n(.*?)```", TEXT, flags=re.DOTALL)
SMALLEST, RISK, BREAKERS, INDICATORS = [
    json.loads(body) for name, body in BLOCKS if name != "faulty"
]


def test_the_smallest_config_is_one_and_cannot_be_smaller(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(SMALLEST))
    load_session_config(path)
    for key in set(SMALLEST) - {"$schema"}:
        path.write_text(json.dumps({name: SMALLEST[name] for name in SMALLEST if name != key}))
        with pytest.raises(InvalidConfigError, match=f"{key}: it is missing"):
            load_session_config(path)


def test_the_indicators_shown_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**SMALLEST, **INDICATORS}))
    assert len(load_session_config(path, faults).indicators) == 4


def test_the_limits_shown_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    risk = RISK["risk"]
    names = {"symbols": ["AAPL", *risk["symbols"]], "strategies": [{"use": "a.b:SmaCross"}]}
    path.write_text(json.dumps({**SMALLEST, **names, **RISK}))
    config = load_session_config(path)
    assert not config.risk.symbols["RIVN"].allow_short
    path.write_text(json.dumps({**SMALLEST, **names, **RISK, "symbols": ["RIVM"]}))
    with pytest.raises(InvalidConfigError, match=r"risk\.symbols\.RIVN: .* Did you mean 'RIVM'"):
        load_session_config(path)


def test_the_breakers_shown_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**SMALLEST, **BREAKERS}))
    breakers = load_session_config(path).risk.breakers
    assert breakers.drawdown_percent is not None and breakers.drawdown_percent.then == "halted"
    risk = {"breakers": {"daily_los": {"at": 5}}}
    path.write_text(json.dumps({**SMALLEST, "risk": risk}))
    with pytest.raises(InvalidConfigError, match=r"breakers\.daily_los: .*'daily_loss'"):
        load_session_config(path)


def test_every_key_is_described() -> None:
    models = [
        thing
        for module in MODULES
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, BaseModel) and thing is not BaseModel
    ]
    keys = {key for model in models for key in model.model_fields}
    assert len(keys) > 30
    assert not [key for key in keys if f"`{key}`" not in TEXT and f'"{key}"' not in TEXT]


@pytest.mark.parametrize(
    ("part", "model"),
    [
        ("key", config_module.SessionConfig),
        ("key of `live`", config_live.LiveConfig),
        ("key of `account`", config_account.AccountConfig),
        ("key of `execution`", config_account.ExecutionConfig),
        ("key of `fees`", config_fees.FeesConfig),
        ("key of `risk`", config_risk.RiskConfig),
        ("key of `breakers`", config_breakers.Breakers),
        ("key of `protection`", config_protection.ProtectionConfig),
    ],
)
def test_every_key_has_a_row_with_its_default(part: str, model: type[BaseModel]) -> None:
    table = re.search(
        rf"^\| {re.escape(part)} \| default .*\n\|.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE
    )
    assert table is not None
    told = [[cell.strip() for cell in row.split("|")] for row in table[1].splitlines()]
    shown = {key: row[2].strip("`") for row in told for key in re.findall("`([a-z_]+)`", row[1])}
    fields = model.model_fields
    assert {*fields} <= {*shown} | {"notify", "slippage"} | (
        {"breakers"} if "risk" in part else set()
    )
    plain = {
        name: json.dumps(field.default)
        for name, field in fields.items()
        if type(field.default) in (bool, int, str, float) and name in shown
    }
    assert {name: shown[name].replace(".0", "") for name in plain} == {
        name: word.removesuffix(".0") for name, word in plain.items()
    }


def test_the_functions_of_ours_are_described() -> None:
    ours = [name for name in names() if f"| `{name}` |" in TEXT]
    assert ours == ["OPENING_RANGE", "PREVIOUS_DAY", "SESSION_VWAP", "VOLUME_RATIO"]
    assert f"All {len(names()) - len(ours)} functions of TA-Lib" in TEXT
