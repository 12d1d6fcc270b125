"""What `doctor` reads of versions, and of the launcher's stamp."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.doctor.finding import Ground
from app.cli.doctor.program import (
    check_packages,
    check_setup,
    is_within,
    package_fault,
    posix_checksum,
    setup_key,
)
from app.core.settings import Settings


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("3.11.7", ">=3.11,<3.14", True),
        ("3.14.0", ">=3.11,<3.14", False),
        ("3.10.13", "<3.14,>=3.11", False),
        ("2.4", ">=2.4.0", True),
        ("2.4.0rc1", ">=2.4", True),
        ("17.1", ">=17,<18", True),
        ("18", ">=17,<18", False),
        ("1.0", "", True),
        ("10.0", ">=9.1", True),
    ],
)
def test_a_version_is_held_against_its_bounds(version: str, wanted: str, fits: bool) -> None:
    assert is_within(version, wanted) is fits


VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=4)


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_by_their_numbers(left: list[int], right: list[int]) -> None:
    size = max(len(left), len(right))
    is_less = left + [0] * (size - len(left)) < right + [0] * (size - len(right))
    version, bound = ".".join(map(str, left)), ".".join(map(str, right))
    assert is_within(version, f"<{bound}") is is_less
    assert is_within(version, f">={bound}") is not is_less


def test_a_package_is_there_and_new_enough_or_its_fault_is_named() -> None:
    assert package_fault("numpy>=2.4") is None
    assert package_fault("psycopg[binary]>=3") is None
    fault = package_fault("numpy>=99")
    assert fault is not None and fault.endswith("but >=99 is needed")
    assert package_fault("no-such-package>=1") == "no-such-package is not installed"


def home_with_stamp(folder: Path, first_line: str, extras: str) -> Ground:
    (folder / ".venv").mkdir()
    for name in ("start_cli.sh", "requirements.txt", "pyproject.toml"):
        (folder / name).write_text(f"{name}\n", encoding="utf-8")
    stamp = f"{first_line}\n{extras}\n"
    (folder / ".venv" / ".installed").write_text(stamp, encoding="utf-8")
    return Ground(Settings(), folder, folder, 0)


def test_a_stamp_of_other_requirements_asks_for_a_set_up(tmp_path: Path) -> None:
    ground = home_with_stamp(tmp_path, "elsewhere 1 2", "dev")
    assert [told[0] for told in check_setup(ground)] == ["warning"]
    stamp = tmp_path / ".venv" / ".installed"
    stamp.write_text(f"{setup_key(tmp_path)}\ndev\n", encoding="utf-8")
    assert [told[0] for told in check_setup(ground)] == ["ok"]
    stamp.unlink()
    assert [told[2] for told in check_setup(ground)] == ["./start_cli.sh --setup"]


def test_packages_of_an_extra_count_where_it_was_installed(tmp_path: Path) -> None:
    ground = home_with_stamp(tmp_path, "", "")
    plain = list(check_packages(ground))[-1][1]
    (tmp_path / ".venv" / ".installed").write_text("\ndev\n", encoding="utf-8")
    both = list(check_packages(ground))[-1][1]
    assert plain.endswith(", no extras") and both.endswith(", extras: dev")
    assert int(both.split()[0]) > int(plain.split()[0])


@pytest.mark.parametrize("content", [b"", b"a", b"x" * 70_000, bytes(range(256)) * 3])
def test_the_checksum_is_that_of_the_command_the_launcher_uses(content: bytes) -> None:
    done = subprocess.run(["cksum"], input=content, capture_output=True, check=True)
    assert done.stdout.split()[:2] == [
        str(posix_checksum(content)).encode(),
        str(len(content)).encode(),
    ]


def test_the_key_is_the_one_the_launcher_writes(tmp_path: Path) -> None:
    home_with_stamp(tmp_path, "", "")
    key = '"$home $(cat "$home/requirements.txt" "$home/pyproject.toml" | cksum)"'
    done = subprocess.run(
        ["bash", "-c", f"home=$PWD; echo {key}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{setup_key(tmp_path)}\n"
    launcher = (Path(__file__).parents[2] / "start_cli.sh").read_text(encoding="utf-8")
    assert f"key={key}" in launcher
