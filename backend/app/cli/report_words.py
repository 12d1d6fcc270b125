"""What `report` can be asked for, by name: its tables as files, and what trades share."""

from typing import Final

TABLES: Final = ("orders", "fills", "trades", "equity", "sessions", "metrics")
SLICES: Final = ("strategy", "symbol", "side", "hour", "weekday", "month")
ALL_SLICES: Final = "all"
