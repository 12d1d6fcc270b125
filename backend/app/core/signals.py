"""Signals of the process, handled by somebody for a while."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


@contextmanager
def handled_by(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Each by its handler, and then as before. For the main thread: no other may."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: a handler that is not Python's, which cannot be put back from here
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
