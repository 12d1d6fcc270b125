"""A strategy that raises: its own error, told with its own lines."""

import traceback
from pathlib import Path

from app.core.errors import AppError, StrategyError


def failure(name: str, where: str, moment: str, error: Exception, source: str) -> StrategyError:
    """The error to report for a strategy that raised in a hook; `source` is its file."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == source]
    lines = [f"  {Path(f.filename).name}:{f.lineno} in {f.name}: {f.line}" for f in frames]
    what = str(error) if isinstance(error, AppError) else f"{type(error).__name__}: {error}"
    kind = type(error) if isinstance(error, StrategyError) else StrategyError
    return kind("\n".join([f"Strategy {name} failed in {where} at {moment}: {what}", *lines]))
