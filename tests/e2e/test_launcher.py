"""`start_cli.sh` as a shell runs it, on a copy whose installation is only pretended."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTING_UP = "Setting up .venv"

# Stands for uv: notes what it was asked, and makes a .venv whose Python is this one.
FAKE_UV = """#!/bin/bash
echo "$*" >> "{log}"
sleep {seconds}
if [ "$1" = venv ]; then
  mkdir -p "${{@: -1}}/bin"
  printf '#!/bin/bash\\nexec {python} "$@"\\n' > "${{@: -1}}/bin/python"
  chmod +x "${{@: -1}}/bin/python"
fi
exit {exit_code}
"""


SMA_CROSS = "app.strategies.examples.sma_cross:SmaCross"


class Clone:
    """A folder with the launcher and what it reads, and a pretended uv before everything else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "my clone"  # a space, as folders of users have
        self.tools = folder / "tools"
        self.log = folder / "uv.log"
        self.folder.mkdir()
        self.tools.mkdir()
        for name in ("start_cli.sh", "requirements.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        self.fake_uv()

    def fake_uv(self, exit_code: int = 0, seconds: float = 0) -> None:
        uv = self.tools / "uv"
        uv.write_text(
            FAKE_UV.format(
                log=self.log, python=sys.executable, exit_code=exit_code, seconds=seconds
            ),
            encoding="utf-8",
        )
        uv.chmod(uv.stat().st_mode | stat.S_IXUSR)

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        path = f"{self.tools}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            [str(self.folder / "start_cli.sh"), *words],
            env={**os.environ, "PATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def installs(self) -> list[str]:
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith("pip install")]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_start_sets_up_and_the_next_is_quiet(clone: Clone) -> None:
    code, out, err = clone.run("version")
    assert (code, out.startswith("MisMartera "), err.count("\n")) == (0, True, 1)
    assert SETTING_UP in err
    assert clone.run("version")[2] == ""
    assert len(clone.installs()) == 1


def test_without_words_it_lists_the_commands(clone: Clone) -> None:
    code, out, _ = clone.run()
    assert code == 0
    assert "Commands:" in out


def test_the_exit_code_is_the_command_s(clone: Clone) -> None:
    assert clone.run("nonsense")[0] == 2


def test_words_reach_the_command_as_they_are(clone: Clone) -> None:
    assert "No such command 'a  b*'" in clone.run("a  b*")[2]


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_requirements_install_again(clone: Clone, name: str) -> None:
    clone.run("--setup")
    with (clone.folder / name).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert SETTING_UP in clone.run("--setup")[2]
    assert clone.run("--setup")[2] == ""


def test_a_moved_clone_installs_again(clone: Clone) -> None:
    clone.run("--setup")
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    assert SETTING_UP in clone.run("--setup")[2]


def test_an_extra_is_added_once_and_kept(clone: Clone) -> None:
    clone.run("--setup")
    assert SETTING_UP in clone.run("--setup", "dev")[2]
    assert clone.run("--setup", "dev")[2] == ""
    assert clone.run("version")[2] == ""
    (clone.folder / "requirements.txt").write_text("# changed\n", encoding="utf-8")
    clone.run("version")
    assert [line.endswith("[dev]") for line in clone.installs()] == [False, True, True]


def test_a_failed_installation_is_said_and_tried_again(clone: Clone) -> None:
    clone.run("--setup")
    (clone.folder / "requirements.txt").write_text("# changed\n", encoding="utf-8")
    clone.fake_uv(exit_code=1)
    code, _, err = clone.run("version")
    assert code == 1
    assert "error: the installation failed" in err
    clone.fake_uv()
    assert clone.run("version")[0] == 0


def test_two_first_starts_at_once_install_once(clone: Clone) -> None:
    clone.fake_uv(seconds=0.7)
    both = [clone.start("version"), clone.start("version")]
    ends = [(process.communicate(timeout=60), process.returncode) for process in both]
    assert [code for _, code in ends] == [0, 0]
    assert len(clone.installs()) == 1
    assert not (clone.folder / ".venv.lock").exists()


def test_a_lock_whose_owner_is_gone_is_taken_over(clone: Clone) -> None:
    lock = clone.folder / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(str(2**22 + 1), encoding="utf-8")
    assert clone.run("version")[0] == 0


def test_a_folder_that_cannot_be_locked_is_told_at_once(clone: Clone) -> None:
    (clone.folder / ".venv.lock").touch()  # refused to root too, unlike a folder without rights
    code, _, err = clone.run("version")
    assert (code, err) == (1, f"error: nothing can be set up in {clone.folder}: File exists.\n")


def test_cdpath_leads_it_nowhere_else(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / clone.folder.name).mkdir(parents=True)
    done = subprocess.run(
        ["bash", f"{clone.folder.name}/start_cli.sh", "version"],
        cwd=tmp_path,
        env={
            **os.environ,
            "CDPATH": str(tmp_path / "elsewhere"),
            "PATH": f"{clone.tools}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
    )
    assert done.stdout.startswith(b"MisMartera "), done.stderr


def test_an_extra_that_there_is_not_is_refused_with_those_that_there_are(clone: Clone) -> None:
    code, _, err = clone.run("--setup", "postgress")
    assert code == 1
    assert err.startswith("error: there is no extra 'postgress', but postgres binance dev ")
    assert clone.installs() == []


def test_the_targets_of_make_are_listed_by_awk_alone(tmp_path: Path) -> None:
    for tool in ("sh", "awk"):  # the sed of macOS knows no tab
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    make = [shutil.which("make") or "make", "-s", "help"]
    done = subprocess.run(make, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True)
    lines = done.stdout.decode().splitlines()
    assert "  help                list the targets" in lines
    assert all(line[22] != " " == line[21] for line in lines)


def test_without_a_usable_python_it_says_what_to_install(clone: Clone, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in ("bash", "cat", "cksum", "mkdir", "rm", "sed", "sleep", "env"):
        (bare / tool).symlink_to(shutil.which(tool) or "")
    code, _, err = clone.run("version", PATH=str(bare))
    assert code == 1
    assert "no Python 3.11, 3.12 or 3.13 found" in err
    assert not (clone.folder / ".venv.lock").exists()


def test_the_hash_seed_is_fixed_unless_given(clone: Clone) -> None:
    clone.run("--setup")
    python = clone.folder / ".venv" / "bin" / "python"
    python.write_text('#!/bin/bash\necho "seed $PYTHONHASHSEED"\n', encoding="utf-8")
    assert clone.run("version")[1] == "seed 0\n"
    assert clone.run("version", PYTHONHASHSEED="7")[1] == "seed 7\n"


def test_it_can_be_started_from_anywhere_and_through_links(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "start").symlink_to(f"../{clone.folder.name}/start_cli.sh")
    link = tmp_path / "trade"
    link.symlink_to(tmp_path / "bin" / "start")
    readlink = clone.tools / "readlink"  # as that of an older macOS
    readlink.write_text(f'#!/bin/bash\n[[ $1 != -* ]] && exec {shutil.which("readlink")} "$1"\n')
    readlink.chmod(0o755)
    path = f"{clone.tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [link, "version"],
        cwd="/",
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"MisMartera ")


def test_no_code_of_the_folder_it_is_run_in_is_run(clone: Clone, tmp_path: Path) -> None:
    clone.run("--setup")
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    for name in ("msgspec", "numpy", "json", "app"):  # of bars that somebody else has packed, say
        code = "import pathlib; pathlib.Path('ran').touch()"
        (downloads / f"{name}.py").write_text(code, encoding="utf-8")
    data = {"MISMARTERA_DATA_FOLDER": str(downloads / "data"), "PWD": str(downloads)}
    config = f"""{{"name": "x", "symbols": ["SYN1"], "strategies": [{{"use": "{SMA_CROSS}"}}],
        "replay": {{"start": "2024-11-01", "end": "2024-12-13"}}}}"""
    (downloads / "x.json").write_text(config, encoding="utf-8")
    # looked at in a process of its own, and run in one
    for words in ("strategies list", "data sample", "system start x.json --detach", "system stop"):
        done = subprocess.run(
            [clone.folder / "start_cli.sh", *words.split()],
            cwd=downloads,
            env={**os.environ, **data},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert words == "system stop" or (done.returncode, done.stderr) == (0, ""), words
        assert "cannot be used" not in done.stdout
    assert not (downloads / "ran").exists()
