"""An answer that is an error of Binance."""


class Wrong(Exception):
    """Raised where a request is turned down; `code` is one of Binance's documentation."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def told(self) -> dict[str, int | str]:
        """As Binance writes it."""
        return {"code": self.code, "msg": self.message}
