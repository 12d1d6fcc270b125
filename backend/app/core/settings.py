"""Settings from the environment and `.env`: where things lie and how loudly we log."""

from functools import lru_cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting has a working default; names in the environment carry the prefix MISMARTERA_."""

    model_config = SettingsConfigDict(env_prefix="MISMARTERA_", env_file=".env", extra="ignore", frozen=True)

    data_folder: Path = Path("data")
    strategies_folder: Path = Path("strategies")
    database_url: str | None = None  # SQLite in the data folder
    log_level: str = "INFO"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
