"""What belongs to the user: settings, secrets, limits, strategies, configs, ports and sockets."""

import json
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

from app.cli.config_text import CONFIGS_FOLDER, SCHEMA
from app.cli.doctor.finding import Ground, Verdict, failing, ok, warning
from app.cli.doctor.store import stored_runs
from app.cli.system.real_money import REAL_MONEY, is_real
from app.cli.terminal.figures import count_text
from app.core.accounts import account_of
from app.core.errors import AppError
from app.core.folders import lets_others_write
from app.core.settings import ENV_FILE, PREFIX, Settings

CONNECT_SECONDS = 0.3


def check_credentials(ground: Ground) -> Iterator[Verdict]:
    """Which secrets are set, by name; and that nobody else may read their file, nor change what
    runs and trades.
    """
    names = [
        PREFIX + name.upper()
        for name in Settings.model_fields
        if hasattr(getattr(ground.settings, name), "get_secret_value")
    ]
    env = Path(ENV_FILE)
    if names and env.is_file() and env.stat().st_mode & 0o077:
        yield warning(f"{env} holds secrets and others may read it", f"chmod 600 {env}")
    settings = ground.settings
    for path in (env, ground.configs, settings.strategies_folder, settings.data_folder):
        if lets_others_write(path):
            remedy = f"chmod o-w {shlex.quote(str(path))}"
            yield warning(f"any user of this machine may change {path}", remedy)
    yield ok(f"set: {', '.join(names)}" if names else "none set, none needed")


def check_account_limits(ground: Ground) -> Iterator[Verdict]:
    """The account file can be read: without it nothing starts."""
    from app.core.account_limits import load_account_limits

    path = ground.settings.account_limits
    if path is None:
        yield ok("no account file")
        return
    try:
        load_account_limits(path)
    except AppError as error:
        yield failing(str(error), f"${{EDITOR:-vi}} {shlex.quote(str(path))}")
        return
    yield ok(f"{path}")


def check_strategies(ground: Ground) -> Iterator[Verdict]:
    """Every file of the strategies folder can be loaded."""
    from app.cli.strategies.facts import problems

    folder = ground.settings.strategies_folder
    if not folder.is_dir():
        yield ok(f"no folder {folder} yet: 'strategies new NAME' makes one")
        return
    count, broken = problems(folder)
    for use, problem in broken:
        yield warning(f"{use} cannot be loaded: {problem}", "./start_cli.sh strategies list")
    if not broken:
        yield ok(f"{count_text(count, 'file')} in {folder}, each can be loaded")


def check_configs(ground: Ground) -> Iterator[Verdict]:
    """Every session config is well formed."""
    from app.core.config import load_session_config

    paths = [x for x in sorted(ground.configs.glob("*.json")) if x.name != SCHEMA]
    if not paths:
        yield ok(f"none in {ground.configs}: './start_cli.sh config new' makes one")
        return
    wrong = 0
    for path in paths:
        try:
            load_session_config(path)
        except AppError as error:
            wrong += 1
            remedy = f"./start_cli.sh config check {shlex.quote(str(path))}"
            yield warning(" ".join(str(error).split()), remedy)
    if not wrong:
        yield ok(f"{len(paths)} in {CONFIGS_FOLDER}, each well formed")


def check_real_money(ground: Ground) -> Iterator[Verdict]:
    """Which runs without an end trade real money, and which configs would."""
    stored = stored_runs(ground)
    unfinished = [] if stored is None else stored.unfinished
    runs = [(run, goes_on) for run, goes_on in unfinished if is_real(run["config"])]
    for run, goes_on in runs:
        state = "goes on" if goes_on else "broke off"
        account = shlex.quote(account_of(run["config"]))
        steers = "status" if goes_on else f"recover --account {account} --dry-run"
        what = f"run {run['run_id']} trades {REAL_MONEY} and {state}"
        yield warning(what, f"./start_cli.sh system {steers}")
    names = [path.name for path in sorted(ground.configs.glob("*.json")) if _asks_for_it(path)]
    if names:
        yield warning(
            f"these configs trade {REAL_MONEY}: {', '.join(names)}",
            "./start_cli.sh config check " + shlex.quote(str(ground.configs / names[0])),
        )
    if not runs and not names:
        known = "no run and" if stored is not None else "runs are not known;"
        yield ok(f"{known} no config trades it")


def _asks_for_it(path: Path) -> bool:
    try:
        return is_real(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return False  # another check says what is wrong with it


def check_ports(ground: Ground) -> Iterator[Verdict]:
    """The practice venue's port is free, or something listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", ground.port))
        except OSError as error:
            yield warning(
                f"the practice venue's port {ground.port} is taken: {error.strerror}; that may "
                "be one that runs",
                "./start_cli.sh practice start --port 0",
            )
            return
    yield ok(f"{ground.port} is free for the practice venue")


def check_sockets(ground: Ground) -> Iterator[Verdict]:
    """Behind every control socket there is a session."""
    from app.managers.system_manager.control.sockets import SUFFIX, control_folder, is_listened_to

    folder = control_folder(ground.settings.data_folder)
    paths = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    stale = [path for path in paths if not is_listened_to(path, CONNECT_SECONDS)]
    for path in stale:
        yield warning(f"nobody listens at {path.name}", "./start_cli.sh system status")
    if not stale:
        yield ok(f"listening: {count_text(len(paths), 'session')}" if paths else "no session runs")
