"""Control sockets where the system takes no longer path than macOS does."""

import os
import socket
from pathlib import Path

import pytest

from app.managers.system_manager.control import sockets

MACOS_BYTES = 103


class ShortSocket(socket.socket):
    """Refuses as macOS does."""

    def bind(self, address: object) -> None:
        super().bind(self._short(address))

    def connect(self, address: object) -> None:
        super().connect(self._short(address))

    def _short(self, address: object) -> str:
        assert isinstance(address, str)
        if len(os.fsencode(address)) > MACOS_BYTES:
            raise OSError("AF_UNIX path too long")
        return address


@pytest.mark.parametrize("length", [MACOS_BYTES - 4, *range(MACOS_BYTES, MACOS_BYTES + 6), 300])
def test_a_path_of_any_length_can_be_listened_at(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(socket, "socket", ShortSocket)
    monkeypatch.setenv("TMPDIR", "/tmp")
    base = tmp_path_factory.mktemp("s")
    missing = length - len(str(base)) - len("/run.sock") - 1
    names = ["x" * min(200, missing - at) for at in range(0, missing, 201)]
    folder = Path(base, *names)
    folder.mkdir(parents=True)
    path = folder / "run.sock"
    listener = sockets.listen_at(path)
    client = sockets.connect_to(path, 1.0)
    assert client is not None
    client.close()
    assert sockets.is_listened_to(path, 1.0)
    listener.close()
    assert not sockets.is_listened_to(path, 1.0)
    assert os.listdir(folder) == ["run.sock"]
    assert sockets.connect_to(path, 1.0) is None
    assert os.listdir(folder) == []
