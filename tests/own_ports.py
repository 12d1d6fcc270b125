"""Ports that a test can leave free, or take again: the machine deals them to nobody.

Who listens at port 0, and each connection that goes out, gets one from 32,768 up; tests run side
by side, so such a port may be another's as soon as it is free.
"""

import os
import socket
from contextlib import ExitStack
from itertools import cycle

_OURS = range(20_000, 32_000)
_AT = os.getpid() * 97 % len(_OURS)  # each process begins elsewhere
_turn = cycle([*_OURS[_AT:], *_OURS[:_AT]])


def free_ports(number: int) -> int:
    """The first of so many ports in a row that are free, and are not soon given again."""
    while True:
        first = next(_turn)
        try:
            with ExitStack() as held:
                for port in range(first, first + number):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        for _ in range(1, number):
            next(_turn)
        return first
