"""Commands in processes of their own, forked from one that has the program in memory already.

A new interpreter spends most of a short command on imports, and the tests start a thousand of them.
What depends on how an interpreter starts (hash seed, encoding, what is imported) needs a new one.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tests import warm_client
from tests.warm_client import LONGEST_BYTES, PLACE, STREAMS, ask

_BOUND = "WARM_BOUND"  # and the one of a command that dies with whoever asked for it
# What the program imports when it needs it: for a table, a database, a calendar.
_LATE = (
    "alembic.command",
    "alembic.config",
    "pandas_market_calendars",
    "rich.console",
    "rich.table",
)


def run_warm(
    place: str, words: Sequence[str], folder: Path, env: Mapping[str, str], timeout_seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, as `subprocess.run` with its output captured."""
    with (
        open(os.devnull, "rb") as given,
        tempfile.TemporaryFile("w+b") as said,
        tempfile.TemporaryFile("w+b") as errors,
    ):
        streams = [stream.fileno() for stream in (given, said, errors)]
        with ask(place, words, str(folder), env, streams) as server:
            server.settimeout(timeout_seconds)
            pid = int(server.recv(LONGEST_BYTES))
            try:
                code = int(server.recv(LONGEST_BYTES))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([*words], timeout_seconds) from None
        texts = []
        for stream in (said, errors):
            stream.seek(0)
            texts.append(stream.read().decode())
    return subprocess.CompletedProcess([*words], code, *texts)


class _Asked(NamedTuple):
    """A command under way, and who asked for it."""

    pid: int
    process: int  # what its end is seen by
    client: socket.socket


def serve(place: str) -> list[str]:
    """Fork a process for each command that is asked for; only such a process returns, its words."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(place)
    listener.listen(64)
    print("ready", flush=True)
    events = select.poll()
    events.register(listener, select.POLLIN)
    under_way: dict[int, _Asked] = {}  # by what tells of it
    while True:
        *_, (number, _) = events.poll()  # one at a time: what comes next may be given its number
        if number != listener.fileno():
            _tell(number, under_way, events)
            continue
        client, _ = listener.accept()
        request, streams, *_ = socket.recv_fds(client, LONGEST_BYTES, STREAMS)
        if not request:  # gone already
            client.close()
            continue
        words, folder, env = json.loads(request)
        is_bound = bool(env.pop(_BOUND, ""))
        pid = os.fork()
        if pid == 0:
            listener.close()
            client.close()
            for asked in {*under_way.values()}:
                asked.client.close()
                os.close(asked.process)
            _settle(folder, env, streams, is_bound)
            own: list[str] = words
            return own
        for stream in streams:
            os.close(stream)  # else nobody sees that the command has closed its own
        with contextlib.suppress(OSError):
            client.send(str(pid).encode())
        asked = _Asked(pid, os.pidfd_open(pid), client)
        for told in (asked.process, *([client.fileno()] if is_bound else [])):
            under_way[told] = asked
            events.register(told, select.POLLIN)


def _tell(number: int, under_way: dict[int, _Asked], events: "select.poll") -> None:
    """The command has ended: its client is told how; or who asked is gone, and so is it then."""
    asked = under_way[number]
    if number != asked.process:
        events.unregister(number)
        del under_way[number]
        os.kill(asked.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # it has begun nothing of its own
            os.killpg(asked.pid, signal.SIGKILL)
        return
    status = os.waitpid(asked.pid, 0)[1]
    with contextlib.suppress(OSError):  # nobody is there who wants to know
        asked.client.send(str(os.waitstatus_to_exitcode(status)).encode())
    for told in [told for told, one in under_way.items() if one is asked]:
        events.unregister(told)
        del under_way[told]
    os.close(asked.process)
    asked.client.close()


def _settle(folder: str, env: Mapping[str, str], streams: Sequence[int], is_bound: bool) -> None:
    """In the process of the command: it has what a new one would have been given."""
    if is_bound:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    del sys.path[0]  # this server's folder; what is tested looks in none (`python -P`)


@contextlib.contextmanager
def warm_server(folder: Path) -> Iterator[str]:
    """A server while the tests need it; its place."""
    place = str(folder / "warm")
    look_script(folder).write_text(launcher(place, is_bound=True), encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.warm", "serve", place],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    yield place
    server.terminate()
    server.communicate()


def look_script(folder: Path) -> Path:
    """What starts the looks at strategies in warm processes, beside a server."""
    return folder / "look"


def launcher(place: str, is_bound: bool = False) -> str:
    """A script that runs its words as a command of the program."""
    own = f'"{sys.executable}" -ISE "{warm_client.__file__}"'
    bound = f"export {_BOUND}=1\n" if is_bound else ""
    return f'#!/bin/sh\nexport {PLACE}="{place}"\n{bound}exec {own} "$@"\n'


def look_for_libraries_once() -> None:
    """Loguru looks where libraries are for each sink, and a run makes two of them."""
    from loguru._better_exceptions import ExceptionFormatter

    ExceptionFormatter._get_lib_dirs = staticmethod(cache(ExceptionFormatter._get_lib_dirs))


def _import_all() -> None:
    import app

    for module in pkgutil.walk_packages(app.__path__, "app."):
        if ".migrations." not in module.name:
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)


def _end(code: int) -> None:
    """End as an interpreter does, but let the modules be: to unload them takes longer than most
    commands.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _, *given = sys.argv[1:]
    _import_all()
    looks = ["sh", str(look_script(Path(given[0]).parent)), "-m", "app.cli.strategies.child"]
    importlib.import_module("app.cli.strategies.probe").CHILD = looks  # type: ignore[attr-defined]
    look_for_libraries_once()
    gc.freeze()  # else the first collection copies all of it
    asked = serve(*given)
    if asked[:1] == ["-c"]:
        sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(asked[1], "<string>", "exec"), vars(sys.modules["__main__"]))
        _end(0)
    module = "app.cli.main"
    if asked[:1] == ["-m"]:
        _, module, *asked = asked
    sys.argv[1:] = asked
    _end(importlib.import_module(module).main())
