"""Where the control sockets of sessions are: one file a run, for its owner alone."""

import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.core.errors import StateError

SUFFIX = ".sock"
_LONGEST_BYTES = 103  # of a local socket's path, on macOS; Linux has four more
_EARLY = ".new"
_WAITING_CLIENTS = 64
_PEER = struct.Struct("3i")  # pid, uid, gid


def control_folder(data_folder: Path) -> Path:
    """The folder of a data folder's sockets, which may not be there."""
    return data_folder.resolve() / "control"  # a strategy may go to another folder


def make_control_folder(data_folder: Path) -> Path:
    """The same, made so that its owner alone can enter it."""
    folder = control_folder(data_folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StateError(
            f"{folder} cannot be made for its owner alone: {error.strerror}."
        ) from error
    return folder


def listen_at(path: Path) -> socket.socket:
    """Listen there. The file appears when it can be connected to, and not before."""
    early = path.with_name(f"{os.getpid()}{_EARLY}")
    early.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path.parent, len(f"/{early.name}")) as folder:
            server.bind(str(folder / early.name))
        early.chmod(0o600)
        server.listen(_WAITING_CLIENTS)
        server.setblocking(False)
        early.replace(path)
    except OSError as error:
        server.close()
        early.unlink(missing_ok=True)
        raise StateError(f"The socket {path} cannot be made: {error.strerror or error}.") from error
    return server


def connect_to(path: Path, timeout_seconds: float) -> socket.socket | None:
    """A connection; None when nobody listens, and then the dead session's file is removed."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout_seconds)
    try:
        with _short(path) as address:
            client.connect(str(address))
    except (ConnectionRefusedError, FileNotFoundError):
        client.close()
        with suppress(OSError):
            path.unlink()
        return None
    except OSError as error:
        client.close()
        raise StateError(f"{path} cannot be connected to: {error.strerror or error}.") from error
    return client


def is_listened_to(path: Path, timeout_seconds: float) -> bool:
    """Whether a process has this socket; unlike `connect_to` this leaves the file as it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_seconds)
        try:
            with _short(path) as address:
                client.connect(str(address))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            pass  # busy, or somebody else's
    return True


def is_own(client: socket.socket) -> bool:
    """Whether the process at the other end is this user's."""
    if not hasattr(socket, "SO_PEERCRED"):  # then the modes of file and folder have to do
        return True
    found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return bool(_PEER.unpack(found)[1] == os.geteuid())


@contextmanager
def _short(path: Path, spare_bytes: int = 0) -> Iterator[Path]:
    """The path, or where it is too long for a socket a link to it, in a folder for the moment."""
    if len(os.fsencode(path)) + spare_bytes <= _LONGEST_BYTES:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "c")
        link.symlink_to(path.absolute())
        yield link
