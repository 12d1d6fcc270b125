"""Ctrl+C while a record is being closed: it waits for nobody, and may not cut the record short."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.core.signals import handled_by


@contextmanager
def undisturbed(heard: list[int]) -> Iterator[None]:
    """No Ctrl+C, SIGTERM or closed terminal reaches this thread meanwhile: they are `heard`, and
    others never hear of them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with handled_by(dict.fromkeys(asked, lambda number, frame: heard.append(number))):
        yield


def let_through(heard: Sequence[int]) -> None:
    """What was heard does what it does to any program of Python: it ends a script, or its loop.

    Whoever handles them in another way, as commands do, ends after a run without them.
    """
    for number in heard:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.raise_signal(number)
