"""Ctrl+C while a record is being closed: it waits for nobody, and may not cut the record short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.signals import handled_by


@contextmanager
def undisturbed() -> Iterator[None]:
    """No Ctrl+C and no SIGTERM reaches this thread meanwhile; others never hear of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with handled_by(dict.fromkeys((signal.SIGINT, signal.SIGTERM), signal.SIG_IGN)):
        yield
