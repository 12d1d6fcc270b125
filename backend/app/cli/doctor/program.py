"""The program itself: Python, its packages, how it was set up, and how it was started."""

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.cli.doctor.finding import Ground, Verdict, failing, ok, warning

PACKAGE: Final = "mismartera"
AGAIN: Final = "rm -f .venv/.installed && ./start_cli.sh --setup"
_PART: Final = re.compile(r"(>=|<=|==|!=|<|>|~=)\s*([\w.]+)")
_POLYNOMIAL: Final = 0x04C11DB7


def check_python(ground: Ground) -> Iterator[Verdict]:
    """Its version is one this program is made for."""
    version = platform.python_version()
    wanted = importlib.metadata.metadata(PACKAGE)["Requires-Python"]
    where = f"Python {version} on {platform.system()} {platform.machine()}"
    if is_within(version, wanted):
        yield ok(f"{where}, {sys.executable}")
    else:
        yield failing(f"{where}, but {wanted} is needed", "rm -rf .venv && ./start_cli.sh --setup")


def check_packages(ground: Ground) -> Iterator[Verdict]:
    """What is installed is what is required."""
    extras = extras_of(ground.home)
    count = 0
    for line in importlib.metadata.requires(PACKAGE) or ():
        words, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        if extra is not None and extra[1] not in extras:
            continue
        count += 1
        fault = package_fault(words)
        if fault and extra is None:
            yield failing(fault, AGAIN)
        elif fault and extra is not None:
            yield warning(f"{fault} (extra {extra[1]})", f"{AGAIN} {extra[1]}")
    kinds = f"extras: {', '.join(extras)}" if extras else "no extras"
    yield ok(f"{count} packages required, {kinds}")


def package_fault(words: str) -> str | None:
    """What is wrong with one required package, given as `name>=1.2,<3`."""
    match = re.match(r"[\w.-]+", words)
    name = match[0] if match else words
    wanted = words[len(name) :].partition("]")[2] if "[" in words else words[len(name) :]
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    if is_within(version, wanted):
        return None
    return f"{name} is {version}, but {wanted.strip()} is needed"


def is_within(version: str, wanted: str) -> bool:
    """Whether a version satisfies bounds such as `>=3.11,<3.14`; other operators always do."""
    for operator, bound in _PART.findall(wanted):
        given, limit = _numbers(version), _numbers(bound)
        if (operator == ">=" and given < limit) or (operator == "<" and given >= limit):
            return False
    return True


def check_setup(ground: Ground) -> Iterator[Verdict]:
    """What the launcher installed is what is there now."""
    stamp = ground.home / ".venv" / ".installed"
    if not (ground.home / "start_cli.sh").exists():
        yield ok("installed as a package, without the launcher")
        return
    try:
        installed = stamp.read_text(encoding="utf-8").splitlines()[:1]
    except OSError:
        yield warning("the launcher has not set this folder up", "./start_cli.sh --setup")
        return
    key = setup_key(ground.home)
    if installed == [key]:
        yield ok("set up by the launcher, nothing has changed since")
    else:
        yield warning("requirements or the folder changed since set-up", "./start_cli.sh --setup")


def setup_key(home: Path) -> str:
    """What the launcher writes into its stamp: the folder, and a checksum of what it installs."""
    content = b"".join((home / x).read_bytes() for x in ("requirements.txt", "pyproject.toml"))
    # `$(cat ...)` between quotes is not trimmed by cksum: it reads the pipe as it is
    return f"{home} {posix_checksum(content)} {len(content)}"


def posix_checksum(content: bytes) -> int:
    """As the command `cksum` has it."""
    length = len(content)
    tail = length.to_bytes((length.bit_length() + 7) // 8, "little")
    crc = 0
    for byte in content + tail:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _row((crc >> 24) ^ byte)
    return crc ^ 0xFFFFFFFF


def extras_of(home: Path) -> list[str]:
    """The extras that the launcher installed."""
    try:
        lines = (home / ".venv" / ".installed").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return lines[1].split() if len(lines) > 1 else []


def check_hash_seed(ground: Ground) -> Iterator[Verdict]:
    """One order of sets in every run."""
    seed = os.environ.get("PYTHONHASHSEED", "")
    if seed.isdecimal():
        yield ok(f"PYTHONHASHSEED is {seed}")
    else:
        yield warning(
            "PYTHONHASHSEED is not set: no result depends on it, but runs differ in what sets "
            "print", "export PYTHONHASHSEED=0",
        )  # fmt: skip


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers, without zeros at the end: 3.1.0 is 3.1."""
    numbers = [int(part) for part in re.match(r"[\d.]*", version)[0].split(".") if part]  # type: ignore[index]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _row(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = ((value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value
