"""What a strategy author imports: `from app.strategies import Param, Strategy`."""

from app.core.bars import Bar
from app.core.calendar import TradingSession
from app.strategies.base import Strategy
from app.strategies.params import Param
from app.strategies.request import Bracket
from app.strategies.views import OrderView, PositionView

__all__ = ["Bar", "Bracket", "OrderView", "Param", "PositionView", "Strategy", "TradingSession"]
