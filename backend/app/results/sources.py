"""Where finished runs and their bars are read from: the managers of one data folder, as needed."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import NotFoundError
from app.core.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.managers.data_manager import DataManager
    from app.managers.time_manager import TimeManager
    from app.repositories.run_repository import RunRepository


class Sources:
    """Reads the runs and bars of one data folder."""

    def __init__(self, settings: Settings, engine: "Engine | None" = None) -> None:
        self.settings = settings
        self._given = engine

    @property
    def runs(self) -> Path:
        """The folder of all runs' folders."""
        return self.settings.runs_folder

    def need_runs(self) -> None:
        """Reading makes no database where there was none."""
        if self.settings.database_url is None and not self.runs.is_dir():
            raise NotFoundError(
                f"There is no run in {self.settings.data_folder}. "
                "MISMARTERA_DATA_FOLDER says where data lie; 'system start CONFIG' makes a run."
            )

    @cached_property
    def engine(self) -> "Engine":
        """The database, at this program's schema."""
        from app.repositories.database import ensure_database, open_database, url_of

        if self._given is not None:
            return self._given
        engine = open_database(url_of(self.settings))
        ensure_database(engine)
        return engine

    @cached_property
    def repository(self) -> "RunRepository":
        from app.repositories.run_repository import RunRepository

        return RunRepository(self.engine)

    @cached_property
    def time(self) -> "TimeManager":
        from app.managers.time_manager import TimeManager

        return TimeManager(self.settings.data_folder)

    @cached_property
    def data(self) -> "DataManager":
        from app.managers.data_manager import DataManager

        folder = self.settings.data_folder
        return DataManager(folder=folder, time=self.time, engine_factory=lambda: self.engine)
