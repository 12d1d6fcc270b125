"""A strategy that raises: its own error, told with its own lines."""

import traceback
from collections.abc import Collection
from pathlib import Path

from app.core.errors import AppError, StrategyError


class HookInterrupted(BaseException):
    """Raised in a hook from outside, as it did not return; its text says after how long."""

    text = "it did not return, and was interrupted"

    def __str__(self) -> str:
        return self.text


# What a hook may raise that ends its run in order; Ctrl+C is not the hook's.
HOOK_ERRORS = (Exception, SystemExit, HookInterrupted)

_MOST_LINES = 12  # a recursion without end has a thousand


def failure(
    name: str, where: str, moment: str, error: BaseException, sources: Collection[str]
) -> StrategyError:
    """The error to report for a strategy that raised in a hook; `sources` are its files."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in sources]
    lines = [f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}" for f in frames]
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines[half:-half] = [f"  ... {len(lines) - _MOST_LINES} more calls"]
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    if isinstance(error, AppError | HookInterrupted):
        what = str(error)
    kind = type(error) if isinstance(error, StrategyError) else StrategyError
    return kind("\n".join([f"Strategy {name} failed in {where} at {moment}: {what}", *lines]))
