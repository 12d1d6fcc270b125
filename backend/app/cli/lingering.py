"""Threads that a strategy began and left: they do not keep a process whose command is done."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from app.managers.time_manager.clock import WallClock

GRACE_SECONDS = 3.0  # to end by themselves, as what a pool's workers have in hand does
_LIBRARY = str(Path(threading.__file__).parent)


def end_in_time(exit_code: int) -> None:
    """All is recorded and told: end with this code, as ever or when the grace is over.

    The interpreter waits for each thread that is no daemon, without a bound and without a word.
    """
    if not _left():
        return

    def watch() -> None:
        WallClock().wait(threading.Event(), GRACE_SECONDS)
        _leave(exit_code)

    signal.signal(signal.SIGINT, lambda number, frame: _leave(exit_code))
    threading.Thread(target=watch, name="leaving", daemon=True).start()


def _left() -> list[threading.Thread]:
    main = threading.main_thread()
    return [one for one in threading.enumerate() if not one.daemon and one is not main]


def _leave(exit_code: int) -> None:
    """End the process where threads still go on, and name them."""
    left = _left()
    if not left:
        return  # it is ending
    frames = sys._current_frames()
    for thread in left:
        print(
            f"warning: Thread '{thread.name}'{_place(frames.get(thread.ident or 0))} goes on though"
            " all is done: it was left behind. Begin it with daemon=True, or end it at the last"
            " on_session_close.",
            file=sys.stderr,
        )
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(exit_code)


def _place(frame: FrameType | None) -> str:
    """Where it is in the code that it was begun for: the outermost that is not Python's own."""
    place = ""
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith((_LIBRARY, "<")):
            place = f", {Path(code.co_filename).name}:{frame.f_lineno} in {code.co_name},"
        frame = frame.f_back
    return place
