"""Lines of the shell without its prompt: of an argument, a file, or a pipe."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import Run


def test_lines_run_one_after_the_other(cli: Run) -> None:
    done = cli("shell", "-c", "version; data list")
    assert done.returncode == 0
    assert done.stdout.startswith("MisMartera ")
    assert "import-csv" in done.stdout  # of an empty store: how bars come into it


def test_lines_run_where_the_shell_s_folder_cannot_be_made(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shell").write_text("in its place")
    assert cli("shell", "-c", "version").stdout.startswith("MisMartera ")


def test_the_first_line_that_fails_ends_them_and_is_the_exit_code(cli: Run) -> None:
    done = cli("shell", "-c", "runs show nothing; version; data show")
    assert (done.returncode, done.stdout) == (3, "")
    assert "There is no run 'nothing'" in done.stderr


def test_keep_going_runs_on_and_still_tells_of_the_first_failure(cli: Run) -> None:
    done = cli("shell", "--keep-going", "-c", "runs show nothing; data show\nversion")
    assert done.returncode == 3
    assert done.stdout.startswith("MisMartera ")
    assert "Not run: data show" in done.stderr  # a line ends where it fails


def test_a_script_s_lines_run_and_a_faulty_one_is_named_by_its_place(
    cli: Run, tmp_path: Path
) -> None:
    (tmp_path / "morning.txt").write_text(
        "# every morning\nversion\n\nruns show nothing\nversion\n"
    )
    done = cli("shell", "--script", "morning.txt")
    assert done.returncode == 3
    assert done.stdout.count("MisMartera ") == 1
    assert "morning.txt:4" in done.stderr


def test_json_is_an_answer_a_line(cli: Run) -> None:
    done = cli("shell", "--json", "-c", "version; runs list")
    version, runs = map(json.loads, done.stdout.splitlines())
    assert "version" in version
    assert runs == []


def test_lines_come_from_a_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli.main", "shell"],
        input="version\nexit\ndata list\n",
        cwd=tmp_path,
        env={**os.environ, "MISMARTERA_DATA_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "> version\n> exit\n")
    assert done.stdout.splitlines()[-1].startswith("MisMartera ")
