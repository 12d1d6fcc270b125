"""Approvals that are sure: bounds in place of most rules, and only the others are asked.

It decides nothing by itself: where it is not sure, every rule is asked.
"""

from collections.abc import Sequence

from app.managers.execution_manager.exposure import Holdings
from app.managers.execution_manager.moment import Moment
from app.services.risk.bounds import Bounds
from app.services.risk.catalogue import Limit
from app.services.risk.facts import Ask, Market


class SureBounds:
    """Of the limits of one portfolio that narrow bounds; worked out once a moment."""

    def __init__(
        self, limits: Sequence[Limit], portfolio: Holdings, moment: Moment, market: Market
    ) -> None:
        self._portfolio = portfolio
        self._moment = moment
        self._market = market
        self._always = Bounds()
        for limit in limits:
            if limit.narrow is not None:
                limit.narrow(self._always, limit.most)
        self._now = [
            (limit.narrow_now, limit.most) for limit in limits if limit.narrow_now is not None
        ]
        self._state = -1
        self._bounds = self._always

    def clear(self, ask: Ask) -> bool:
        """Whether all those limits approve; False where it takes more to tell."""
        if self._state != self._moment.state:
            self._narrow()
        return self._portfolio.is_within(ask, self._bounds)

    def _narrow(self) -> None:
        self._state = self._moment.state
        if self._now:
            self._bounds = bounds = self._always.copy()
            for narrow, most in self._now:
                narrow(bounds, self._portfolio, self._market, most)
