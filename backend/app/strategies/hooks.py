"""A strategy's hooks as its class writes them: what would never run is refused at the import.

A hook of the wrong shape fails when it is first called, and `on_session_close` only then, in a
live session. One that is `async`, or has a `yield`, would be called and do nothing, silently.
"""

import difflib
import inspect
from collections.abc import Callable
from typing import Any

HOOKS = (
    "__init__", "setup", "on_session_open", "on_bar", "on_order", "on_position", "on_timer",
    "on_session_close", "save_state", "load_state",
)  # fmt: skip
_ALIKE = 0.85  # `on_bars` is, `on_bar_5m` is not


def hook_fault(cls: type, base: type) -> str:
    """What is wrong with the hooks that a class has of its own; "" where nothing is."""
    faults = (_fault(cls.__name__, name, cls, base) for name in HOOKS)
    return next(filter(None, faults), "") or _mistaken_name(cls, base)


def _fault(owner: str, name: str, cls: type, base: type) -> str:
    own, ours = inspect.getattr_static(cls, name), inspect.getattr_static(base, name)
    if own is ours:
        return ""
    words = list(inspect.signature(ours).parameters)
    right = f"write def {name}({', '.join(words)})"
    if name == "__init__":
        right = "write def setup(self), which is called once it is made"
    if isinstance(own, staticmethod | classmethod):
        own, words = own.__func__, words[isinstance(own, staticmethod) :]
    elif not callable(own) and not hasattr(own, "__get__"):
        return f"{owner}.{name} is {own!r}, and no method; {right}."
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(is_kind(own) for is_kind in kinds):
        return (
            f"{owner}.{name} is async or has a yield: called as a hook is, it would do nothing;"
            f" {right}, without either."
        )
    if inspect.isfunction(own) and not _takes(own, len(words)):
        return f"{owner}.{name}{_head(own)} cannot be called as the hook is; {right}."
    return ""


def _head(function: Callable[..., Any]) -> str:
    return f"({', '.join(inspect.signature(function, follow_wrapped=False).parameters)})"


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function, follow_wrapped=False).bind(*[None] * count)
    except TypeError:
        return False
    return True


def _mistaken_name(cls: type, base: type) -> str:
    """A method that was surely meant for a hook, where the class has not that hook itself."""
    missing = {
        _plain(name): name
        for name in HOOKS
        if inspect.getattr_static(cls, name) is inspect.getattr_static(base, name)
    }
    for name, value in vars(cls).items():
        if not inspect.isfunction(value) or name.startswith("_") or hasattr(base, name):
            continue
        if meant := difflib.get_close_matches(_plain(name), missing, 1, _ALIKE):
            return (
                f"{cls.__name__}.{name} is no hook, and nothing would call it. Did you mean"
                f" '{missing[meant[0]]}'? If not, give it another name."
            )
    return ""


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
