"""Has a command run in a warm process: as a script, in place of a new interpreter.

It imports next to nothing: it is started for each of these commands.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

LONGEST_BYTES = 1 << 20  # of a request
STREAMS = 3  # of a process: input, output, errors
PLACE = "WARM_PLACE"  # the variable that leads to the server


def ask(
    place: str,
    words: Sequence[str],
    folder: str,
    env: Mapping[str, str],
    streams: Sequence[int] = range(STREAMS),
) -> socket.socket:
    """Have a command run on these streams; the server tells its process, and then its exit code."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.connect(place)
    request = json.dumps([[*words], folder, {**env}]).encode()
    socket.send_fds(server, [request], streams)
    return server


def _run(words: Sequence[str]) -> int:
    """A command in place of this process: its streams, its signals, its end."""
    env = dict(os.environ)
    server = ask(env.pop(PLACE), words, os.getcwd(), env)
    pid = int(server.recv(LONGEST_BYTES))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: os.kill(pid, number))
    code = int(server.recv(LONGEST_BYTES))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
