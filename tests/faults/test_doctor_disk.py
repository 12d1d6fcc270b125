"""`doctor` on disks that are in trouble for real: mounted read-only, and full."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

PROGRAM = ("-m", "app.cli.main", "doctor", "--json", "--seconds", "30")
CHECKS = ("--only", "data folder", "--only", "disk space", "--only", "database")
READ_ONLY = 'mount --bind "{0}" "{0}" && mount -o remount,ro,bind "{0}"'
FULL = 'mount -t tmpfs -o size=64k tmpfs "{0}" && ! head -c 1M /dev/zero 2>&- >"{0}/filler"'


def looked(folder: Path, mounting: str) -> dict[str, dict[str, Any]]:
    """What is found of a data folder in a place of its own where this has been done to it."""
    data = folder / "data"
    data.mkdir()
    script = f'{mounting.format(data)} && exec "$@"'
    apart = ["unshare", "-m", "sh", "-c", script, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"]).returncode:
        pytest.skip("this machine lets nobody mount a folder")
    done = subprocess.run(
        [*apart, sys.executable, *PROGRAM, *CHECKS],
        cwd=folder,
        env={**os.environ, "MISMARTERA_DATA_FOLDER": str(data)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    return {one["check"]: one for one in json.loads(done.stdout)["findings"]}


def test_a_read_only_folder_is_told_and_nothing_else_breaks(tmp_path: Path) -> None:
    found = looked(tmp_path, READ_ONLY)
    assert found["data folder"]["state"] == "failing"
    assert found["data folder"]["what"].endswith("cannot be written: Read-only file system")
    assert found["data folder"]["remedy"].startswith("export MISMARTERA_DATA_FOLDER=")
    assert (found["disk space"]["state"], found["database"]["state"]) == ("ok", "ok")


def test_a_full_disk_is_told_by_its_room_and_by_what_it_refuses(tmp_path: Path) -> None:
    found = looked(tmp_path, FULL)
    assert found["data folder"]["what"].endswith("cannot be written: No space left on device")
    assert found["disk space"]["state"] == "failing"
    assert found["disk space"]["what"] == "0.0 GB free: runs cannot be recorded"
    assert found["disk space"]["remedy"] == f"du -sh {tmp_path / 'data'}/*"
