"""What a strategy author imports: `from app.strategies import Param, Strategy`."""

from app.core.bars import Bar
from app.core.calendar import TradingSession
from app.core.orders import Order
from app.strategies.base import Strategy
from app.strategies.params import Param

__all__ = ["Bar", "Order", "Param", "Strategy", "TradingSession"]
