"""A config's file read as a model: one error lists all that is wrong with it."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from app.core.config_json import InvalidConfigError, clean, json_path, read_json
from app.core.config_problems import explain

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_config(
    path: Path,
    model: type[ModelT],
    context: Mapping[str, Any] | None = None,
    ignored: Collection[str] = (),
) -> ModelT:
    """What a JSON file says; keys that are `ignored` are for others."""
    return config_of(path, read_json(path), model, context, ignored)


def config_of(
    path: Path | None,
    words: object,
    model: type[ModelT],
    context: Mapping[str, Any] | None = None,
    ignored: Collection[str] = (),
) -> ModelT:
    """What words say that are a file's, or are to be."""
    value, faults = clean(words)
    if not isinstance(value, dict):
        raise InvalidConfigError(path, [("", "it must be one JSON object: {...}.")])
    value = {key: part for key, part in value.items() if key not in ignored}
    problems = [(json_path(parts), what) for parts, what in faults.items()]
    try:
        found = model.model_validate_json(json.dumps(value), strict=True, context=context)
    except ValidationError as error:
        known = {where for where, _ in problems}
        problems += explain(error, model, value, skip=known)
        raise InvalidConfigError(path, problems) from None
    if problems:
        raise InvalidConfigError(path, problems)
    return found
