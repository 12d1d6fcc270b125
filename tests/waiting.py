"""Waiting for what another thread or process does, with a bound."""

import time
from collections.abc import Callable


def until(is_so: Callable[[], object], seconds: float = 20.0) -> None:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it did not come about in {seconds:g} s"
        time.sleep(0.005)
