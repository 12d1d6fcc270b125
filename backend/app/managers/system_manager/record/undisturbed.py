"""Ctrl+C while a record is being closed: it waits for nobody, and may not cut the record short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """No Ctrl+C and no SIGTERM reaches this thread meanwhile; others never hear of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: a handler that is not Python's, which cannot be put back from here
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
