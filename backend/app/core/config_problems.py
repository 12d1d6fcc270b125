"""From a validator's errors to what a person needs: what was found, what is allowed."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, get_args

import msgspec
from pydantic import BaseModel, ValidationError

from app.core.config_json import Fault, PathParts, Problem, json_path, shown
from app.core.errors import did_you_mean, of_comma

_QUOTED = re.compile(r"'([^']*)'")
_ALLOWED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "date_type": 'a date like "2024-11-29"',
    "tuple_type": "a list",
    "dict_type": "an object {{...}}",
    "model_type": "an object {{...}}",
    "none_required": "null",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "decimal_max_places": "a number of at most {decimal_places} decimals",
    "too_short": "at least {min_length} item",
    "too_long": "at most {max_length} items",
    "string_too_short": "text of at least {min_length} character",
    "string_too_long": "text of at most {max_length} characters",
    "literal_error": "{expected}",
}


class FieldFaults(ValueError):
    """Raised by a validator that found several faults inside its field, each at its own path."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(what for _, what in faults))
        self.faults = tuple(faults)


def raise_if_any(faults: Sequence[Fault]) -> None:
    """End a validator that collects."""
    if faults:
        raise FieldFaults(faults)


def explain(
    error: ValidationError, model: type[BaseModel], data: object, skip: Iterable[str]
) -> list[Problem]:
    """All problems in the order of the model's fields, but for the paths to skip."""
    faults: dict[str, _Fault] = {}
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # it is long enough, but for the items that are wrong themselves
        # A default is validated too: then a key of the config itself is not in the data.
        absent = item["type"] == "missing" or len(item["loc"]) == 1
        parts = _existing(item["loc"], data, missing=absent)
        inner = item.get("ctx", {}).get("error")
        if isinstance(inner, FieldFaults):
            for below, what in inner.faults:
                where = json_path((*parts, *below))
                faults.setdefault(where, _Fault()).sentences.append(what)
        else:
            _add(faults.setdefault(json_path(parts), _Fault()), item, model, parts)
    return [(where, fault.text()) for where, fault in faults.items() if where not in skip]


class _Fault(msgspec.Struct):
    """What is wrong at one path; a union leaves an alternative for each of its members."""

    sentences: list[str] = []
    found: str = ""
    alternatives: list[str] = []
    hint: str = ""

    def text(self) -> str:
        sentences = list(self.sentences)
        if self.alternatives:
            allowed = " or ".join(dict.fromkeys(self.alternatives))
            comma = of_comma(self.found.strip('"')) if "number" in allowed else ""
            sentences.append(f"found {self.found}, allowed is {allowed}.{self.hint or comma}")
        return " ".join(sentences)


def _add(fault: _Fault, item: Any, model: type[BaseModel], parts: PathParts) -> None:
    """Put one error of the validator into the words of this project."""
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing":
        fault.sentences.append("it is missing.")
    elif kind == "extra_forbidden":
        known = [*_model_at(model, parts[:-1]).model_fields]
        hint = did_you_mean(str(parts[-1]), known)
        fault.sentences.append(f"unknown key, allowed are {', '.join(known)}.{hint}")
    elif kind == "value_error":
        fault.sentences.append(str(context["error"]))
    else:
        kind = "date_type" if kind.startswith("date_") else kind
        fault.found = shown(item["input"])
        fault.alternatives.append(_ALLOWED.get(kind, item["msg"]).format(**context))
        if kind == "literal_error":
            fault.hint += did_you_mean(str(item["input"]), _QUOTED.findall(context["expected"]))


def _existing(location: Sequence[str | int], data: Any, missing: bool) -> PathParts:
    """The part of an error's location that is in the data; a union adds names of its own."""
    parts: list[str | int] = []
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            if not missing:
                continue
        parts.append(part)
    return tuple(parts)


def _model_at(model: type[BaseModel], parts: PathParts) -> type[BaseModel]:
    """The model of the object at a path."""
    for part in parts:
        if isinstance(part, str) and part in model.model_fields:  # else a name the user gave
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
