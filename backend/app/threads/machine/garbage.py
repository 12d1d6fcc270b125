"""Python's search for cyclic garbage: seldom in a replay at full speed, never long elsewhere."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000  # new objects between two searches; Python's own is 700


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What is given back by count alone goes at once as ever; cycles may wait a moment."""
    before = gc.get_threshold()
    if before[0]:  # 0: switched off, by whoever runs us
        gc.set_threshold(max(SELDOM, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def only_new_collected() -> Iterator[None]:
    """What stands already is not searched: with all libraries that takes 40 ms, which stops every
    thread, a kill too.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
