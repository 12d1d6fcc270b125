"""What somebody should know of a session: each alarm goes to the log, the latest are kept."""

from collections import deque
from collections.abc import Callable

from loguru import logger

from app.managers.system_manager.control.messages import Alarm

_KEPT = 20


class Alarms:
    """A Notifier whose alarms can be read again; from any thread."""

    def __init__(self, now_text: Callable[[], str]) -> None:
        self._now_text = now_text
        self._latest: deque[Alarm] = deque(maxlen=_KEPT)
        self.on_alarm: Callable[[Alarm], None] | None = None  # quick, and raises nothing
        self.notify: Callable[[str, str], None] | None = None  # of a live run; it logs and keeps

    def alarm(self, what: str, details: str) -> None:
        """Tell of it."""
        if self.notify is not None:
            self.notify(what, details)
            return
        logger.warning("Alarm, {}: {}", what, details)
        self.keep(what, details)

    def keep(self, what: str, details: str) -> None:
        """Tell whoever is attached of what the log has."""
        alarm = Alarm(self._now_text(), what, details)
        self._latest.append(alarm)
        if self.on_alarm is not None:
            self.on_alarm(alarm)

    def latest(self) -> tuple[Alarm, ...]:
        """The newest last."""
        return tuple(self._latest.copy())
