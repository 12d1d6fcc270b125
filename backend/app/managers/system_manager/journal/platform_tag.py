"""The platform a run was made on: equal tags promise equal fingerprints."""

import hashlib
import platform
from functools import cache
from importlib import import_module
from importlib.metadata import version

LIBRARIES = ("numpy", "TA-Lib", "pandas-market-calendars", "pyarrow")

_version = cache(version)  # each is looked up in files


def library_versions() -> dict[str, str]:
    """Versions of what a run's numbers depend on."""
    return {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}


def platform_tag() -> str:
    """Architecture, a digest of the CPU's features as numpy uses them, and library versions."""
    umath = import_module("numpy._core._multiarray_umath")  # untyped
    features = ",".join(sorted(name for name, has in umath.__cpu_features__.items() if has))
    digest = hashlib.sha256(features.encode()).hexdigest()[:8]
    libraries = "-".join(f"{name}{number}" for name, number in library_versions().items())
    return f"{platform.machine()}-{digest}-{libraries}"
