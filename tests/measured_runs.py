"""Runs that are opened and measured as soon as they have ended."""

import json
from typing import Any

from app import open_run
from app.results import Run
from tests.system_house import SystemHouse


def run(house: SystemHouse, **parts: Any) -> Run:
    parts.setdefault("end", "2024-06-05")
    return open_run(house.system.run(house.config(**parts)).run_id, data_folder=house.folder)


def check_defined(found: Run) -> dict[str, Any]:
    """Every figure is a number, or none with a reason."""
    told = found.metrics.as_json()
    json.dumps(told, allow_nan=False)
    for one in found.metrics:
        assert (one.value is None) == bool(one.reason), one
    assert told["undefined"].keys() == {one.name for one in found.metrics if one.value is None}
    return told
