"""Ctrl+C while a record is being closed: it waits for nobody, and may not cut the record short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.signals import handled_by


@contextmanager
def undisturbed() -> Iterator[None]:
    """No Ctrl+C, SIGTERM or closed terminal reaches this thread meanwhile; others never hear of
    them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with handled_by(dict.fromkeys(asked, signal.SIG_IGN)):
        yield
