"""Which words are symbols."""

from pydantic import TypeAdapter, ValidationError

from app.core.config_account import Symbol, meant_symbol
from app.core.errors import UsageError

_SYMBOL: TypeAdapter[str] = TypeAdapter(Symbol)


def check_symbol(symbol: str) -> str:
    """The symbol itself when a session config could name it."""
    try:
        return _SYMBOL.validate_python(symbol)
    except ValidationError:
        raise UsageError(
            f"'{symbol[:40]}' is not a symbol: up to 32 capitals, digits and . / : _ -, such as"
            f" AAPL or BTC/USDT.{meant_symbol(symbol)}"
        ) from None
