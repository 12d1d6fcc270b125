"""What commands work with, each part made when it is first asked for."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import AppError, StateError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.core.settings import Settings
    from app.managers.data_manager import DataManager
    from app.managers.system_manager.control.client import ControlClient
    from app.managers.time_manager import TimeManager
    from app.repositories.account_locks import Holder

DEFAULT_MARKET = "XNYS"


class Context:
    """Settings, managers and database of one command, for one market."""

    def __init__(self, market: str = DEFAULT_MARKET) -> None:
        self.market = market

    @cached_property
    def settings(self) -> "Settings":
        """The validated settings; from here on the command logs as they say."""
        from app.core.logging import configure_logging
        from app.core.settings import read_settings

        settings = read_settings()
        configure_logging(settings.data_folder, settings.log_level, settings.secrets())
        return settings

    @cached_property
    def time(self) -> "TimeManager":
        from app.managers.time_manager import TimeManager

        return TimeManager(self.settings.data_folder, self.market)

    @cached_property
    def data(self) -> "DataManager":
        from app.managers.data_manager import DataManager

        return DataManager(
            folder=self.settings.data_folder, time=self.time, engine_factory=lambda: self.engine
        )

    @cached_property
    def engine(self) -> "Engine":
        """The database, at this program's schema."""
        from app.repositories.database import ensure_database

        engine = self.open_engine()
        ensure_database(engine)
        return engine

    def open_engine(self) -> "Engine":
        """The database as it is, its schema unchecked."""
        from app.repositories.database import open_database, url_of

        return open_database(url_of(self.settings))

    def trader(self, account: str) -> "Holder | None":
        """Who trades an account now: whoever holds it and lives."""
        from app.managers.time_manager import WallClock
        from app.repositories.account_locks import AccountLocks

        return AccountLocks(self.engine, WallClock()).trader(account)

    def session(self, run: str | None) -> "ControlClient":
        """A connection to the session of this run, or to the only one; `with` hangs up."""
        from app.managers.system_manager.control.client import connect

        return connect(self.settings.data_folder, run)

    def log_defect(self, error: Exception) -> Path:
        """Write the error's traceback to the log file alone; return where that is."""
        from loguru import logger

        from app.core.folders import can_only_read
        from app.core.logging import DEFAULT_LEVEL, configure_logging, log_path
        from app.core.settings import DEFAULT_DATA_FOLDER

        try:
            folder = self.settings.data_folder
        except AppError:  # the settings are faulty too; the defect matters more
            folder = DEFAULT_DATA_FOLDER
            configure_logging(folder, DEFAULT_LEVEL)
        if can_only_read(folder):
            raise StateError(f"{folder} can only be read")
        logger.bind(file_only=True).opt(exception=error).critical("A defect ended the command")
        return log_path(folder)
