"""A strategy that raises: its own error, told with its own lines."""

import threading
from collections.abc import Collection

from app.core.errors import AppError, StrategyError, did_you_mean
from app.core.own_code import lines_of, said


class HookInterrupted(BaseException):
    """Raised in a hook from outside, as it did not return; its text says after how long."""

    text = "it did not return, and was interrupted"

    def __str__(self) -> str:
        return self.text


_NUMBERS = {
    "Indicator": ". An indicator's number is its value: write .value.",
    "PositionView": ". What a position holds is its quantity: write .quantity.",
}
_ORDER = ". Orders are given by order(symbol, quantity); a negative quantity sells."
_ELSEWHERE = {"buy": _ORDER, "sell": _ORDER, "short": _ORDER}  # as other programs name it


def is_pressed(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl+C. All else that a hook raises is the hook's; and so is this
    on any thread but the main one, to which alone it comes.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and isinstance(error, KeyboardInterrupt)


def astray(is_running: bool) -> StrategyError:
    """What was asked for, or given, where that cannot be: in setup, or by another thread."""
    if is_running:
        return StrategyError(
            "Orders and timers are given in hooks; this was asked for by a thread of its own, "
            f"'{threading.current_thread().name}', and nothing came of it."
        )
    return StrategyError("In setup() there is no market yet: ask and act from on_session_open on.")


def failure(
    name: str, where: str, moment: str, error: BaseException, sources: Collection[str]
) -> StrategyError:
    """The error to report for a strategy that raised in a hook; `sources` are its files.

    Ctrl+C, which is not the hook's, is raised on.
    """
    if is_pressed(error):
        raise error
    lines = lines_of(error, sources)
    what = said(error) if isinstance(error, AppError | HookInterrupted) else told(error)
    kind = type(error) if isinstance(error, StrategyError) else StrategyError
    return kind("\n".join([f"Strategy {name} failed in {where} at {moment}: {what}", *lines]))


def told(error: BaseException) -> str:
    """An error of theirs: its kind, what it says, and what was probably meant."""
    return f"{type(error).__name__}: {said(error)}".removesuffix(": ") + _meant(error)


def _meant(error: BaseException) -> str:
    """Where they took our objects for numbers, or mistook a name of ours."""
    try:
        if isinstance(error, TypeError):
            text = str(error)
            return next((hint for kind, hint in _NUMBERS.items() if f"'{kind}'" in text), "")
        if isinstance(error, AttributeError) and error.name is not None:
            if error.name in _ELSEWHERE and hasattr(error.obj, "order_target"):
                return _ELSEWHERE[error.name]
            return did_you_mean(error.name, [n for n in dir(error.obj) if n[0] != "_"])
    except Exception:  # an object of theirs that fails at that, too
        return ""
    return ""
