"""The one source of time: calendars, sessions, clocks, timers."""

from app.managers.time_manager.clock import OffsetClock, SessionClock, WallClock
from app.managers.time_manager.time_manager import CalendarImport, TimeManager
from app.managers.time_manager.timers import Timer, Timers

__all__ = [
    "CalendarImport",
    "OffsetClock",
    "SessionClock",
    "TimeManager",
    "Timer",
    "Timers",
    "WallClock",
]
