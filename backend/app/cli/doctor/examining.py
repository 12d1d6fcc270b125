"""Runs the checks, each apart from the others: one that raises or hangs is a finding as well."""

import os
import shlex
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from app.cli.config_text import CONFIGS_FOLDER
from app.cli.doctor import folder, machine, program, standing, store
from app.cli.doctor.finding import Check, Finding, Ground
from app.core.called import as_called
from app.core.errors import ConfigError, UsageError, did_you_mean
from app.core.settings import ENV_FILE, NO_FILE, Settings, read_settings
from app.managers.time_manager.clock import WallClock

PRACTICE_PORT: Final = 8790
HOME: Final = Path(__file__).resolve().parents[4]
THEIRS_SECONDS: Final = 10.0  # for what strategies' own code may take besides

ALWAYS: Final[Mapping[str, Check]] = {
    "python": program.check_python,
    "packages": program.check_packages,
    "set-up": program.check_setup,
    "hash seed": program.check_hash_seed,
    "clock": machine.check_clock,
    "time zones": machine.check_zones,
    "open files": machine.check_open_files,
    "terminal": machine.check_terminal,
}
BY_SETTINGS: Final[Mapping[str, Check]] = {
    "data folder": folder.check_folder,
    "disk space": folder.check_room,
    "database": store.check_database,
    "runs": store.check_runs,
    "calendars": store.check_calendars,
    "bars": store.check_bars,
    "account limits": standing.check_account_limits,
    "credentials": standing.check_credentials,
    "strategies": standing.check_strategies,
    "session configs": standing.check_configs,
    "real money": standing.check_real_money,
    "ports": standing.check_ports,
    "control sockets": standing.check_sockets,
}

NAMES: Final = ("settings", *ALWAYS, *BY_SETTINGS)


def examined(only: Sequence[str] | None, seconds: float) -> list[Finding]:
    """What every check found, or some, in the order of the checks."""
    for name in only or ():
        if name not in NAMES:
            hint = did_you_mean(name, NAMES)
            raise UsageError(f"There is no check '{name}', but {', '.join(NAMES)}.{hint}")
    try:
        settings, faults = read_settings(), []
    except ConfigError as error:
        settings, faults = Settings.model_construct(), _setting_faults(error)
    ground = Ground(settings, HOME, CONFIGS_FOLDER, PRACTICE_PORT)
    found = faults or [Finding("settings", "ok", "environment and .env can be used")]
    checks = {**ALWAYS} if faults else {**ALWAYS, **BY_SETTINGS}
    wanted = {name: check for name, check in checks.items() if not only or name in only}
    found += each_apart(wanted, ground, seconds)
    return [_here(one) for one in found if not only or one.check in only or faults]


def _here(found: Finding) -> Finding:
    """The same with commands as they are typed here."""
    remedy = None if found.remedy is None else as_called(found.remedy)
    return msgspec.structs.replace(found, what=as_called(found.what), remedy=remedy)


def each_apart(checks: Mapping[str, Check], ground: Ground, most_seconds: float) -> list[Finding]:
    """Each check on a thread of its own; what is not back in time is left behind."""
    looks = [_Look(name, check, ground) for name, check in checks.items()]
    _import_first()  # on this thread: modules that import one another are not for several
    for look in looks:
        look.start()
    clock = WallClock()
    since_ns = clock.monotonic_ns()
    found: list[Finding] = []
    for look in sorted(looks, key=lambda look: look.check is standing.check_strategies):
        passed_seconds = (clock.monotonic_ns() - since_ns) / 1e9
        is_theirs = look.check is standing.check_strategies
        limit_seconds = most_seconds + THEIRS_SECONDS * is_theirs
        look.join(max(limit_seconds - passed_seconds, 0.0))
        found += look.result(limit_seconds)
    names = list(checks)
    return sorted(found, key=lambda finding: names.index(finding.check))


class _Look(threading.Thread):
    """One check."""

    def __init__(self, name: str, check: Check, ground: Ground) -> None:
        super().__init__(name=f"doctor {name}", daemon=True)
        self.topic, self.check, self._ground = name, check, ground
        self._found: list[Finding] | None = None

    def run(self) -> None:
        try:
            self._found = [Finding(self.topic, *told) for told in self.check(self._ground)]
        except Exception as error:
            what = f"it could not be looked at: {type(error).__name__}: {error}"
            self._found = [Finding(self.topic, "failing", what, _look_closer(self.topic))]

    def result(self, seconds: float) -> Sequence[Finding]:
        """What was found so far."""
        if self._found is not None:
            return self._found
        what = f"it did not come to an end within {seconds:g} s"
        return [Finding(self.topic, "failing", what, _look_closer(self.topic))]


def _look_closer(topic: str) -> str:
    return f"./start_cli.sh doctor --only {shlex.quote(topic)} --seconds 30"


def _import_first() -> None:
    pass


def _setting_faults(error: ConfigError) -> list[Finding]:
    """A finding for each setting that cannot be used."""
    lines = str(error).splitlines()
    faults = [line.strip() for line in lines[1:]] or lines
    return [Finding("settings", "failing", fault, _setting_remedy(fault)) for fault in faults]


def _setting_remedy(fault: str) -> str:
    if NO_FILE in fault:
        return f"mv {ENV_FILE} {ENV_FILE}.aside"
    name = fault.split(" ", 1)[0].rstrip(":")
    given = next((one for one in os.environ if one.upper() == name), None)
    return f"unset {given}" if given else "${EDITOR:-vi} .env"
