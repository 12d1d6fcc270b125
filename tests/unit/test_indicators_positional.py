"""Values given without a name go to the parameters in their order."""

import pytest

from app.core.errors import ConfigError
from app.services.indicators import positional_params


def weighted(close: object, volume: object, bars: int = 3, power: float = 1.0) -> object:
    return (close, volume, bars, power)


def test_values_take_the_names_of_the_parameters_in_order() -> None:
    assert positional_params("SMA", [10], {}) == {"timeperiod": 10}
    assert positional_params("BBANDS", [20, 2.0], {"matype": 1}) == {
        "timeperiod": 20, "nbdevup": 2.0, "matype": 1,
    }  # fmt: skip
    assert positional_params("OPENING_RANGE", [5], {}) == {"minutes": 5}
    assert positional_params(weighted, [5], {"power": 2.0}, columns=2) == {"bars": 5, "power": 2.0}


def test_without_values_the_params_stay_as_they_are() -> None:
    assert positional_params("NO_SUCH", [], {"x": 1}) == {"x": 1}


@pytest.mark.parametrize(
    ("indicator", "values", "params", "text"),
    [
        ("SMA", [10, 20], {}, "given 2 values; its parameters: timeperiod"),
        ("TRANGE", [10], {}, "its parameters: none"),
        ("SESSION_VWAP", [10], {}, "its parameters: none"),
        ("SMA", [10], {"timeperiod": 5}, "given timeperiod twice"),
        ("SMAA", [10], {}, "not in the catalogue of indicators. Did you mean 'SMA'"),
    ],
)
def test_values_that_stand_for_nothing_are_refused(
    indicator: str, values: list[object], params: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        positional_params(indicator, values, params)


def test_a_function_is_named_by_its_name() -> None:
    with pytest.raises(ConfigError, match="'weighted' was given 4 values"):
        positional_params(weighted, [1, 2, 3, 4], {})
