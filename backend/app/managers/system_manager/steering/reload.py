"""What people ask over the control socket of a session's strategies' code."""

from collections.abc import Callable

import msgspec

from app.core.errors import UsageError
from app.managers.system_manager.run_session import RunSession


class ReloadCommands:
    """The commands about the code of one session's strategies."""

    def __init__(self, session: RunSession) -> None:
        self._session = session

    def commands(self) -> dict[str, Callable[[str], str]]:
        """By their names."""
        return {"reload": self._reload, "reloaded": self._reloaded}

    def _reload(self, value: str) -> str:
        """Begin it."""
        from app.managers.system_manager.strategies.reloading import Asked

        try:
            asked = msgspec.json.decode(value, type=Asked)
        except msgspec.MsgspecError as error:
            raise UsageError(f"What is to be reloaded cannot be read: {error}.") from None
        return self._session.reloads.ask(asked)

    def _reloaded(self, value: str) -> str:
        """What came of it, as JSON; "" until that is known, so that nobody waits here."""
        outcome = self._session.reloads.outcome()
        return "" if outcome is None else msgspec.json.encode(outcome).decode()
