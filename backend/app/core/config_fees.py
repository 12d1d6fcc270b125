"""The fees of a session config: a ready-made schedule by its name, or one in its parts."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

ReadyMade = Literal["zero", "ib_fixed", "ib_tiered", "binance_spot"]
# What is charged is worked out over one denominator: the decimals keep it a small one.
_Amount = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=12)]
_Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=12)]


class FeesConfig(BaseModel):
    """A fee schedule in its parts; what is left out is nothing, or as in the one it is `like`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    like: ReadyMade = "zero"
    per_share: _Amount | None = None
    minimum: _Amount | None = None  # once per order
    maximum: _Amount | None = None  # per order
    maximum_share: _Share | None = None  # of the order's value
    rate: _Share | None = None  # of the value filled
    maker_rate: _Share | None = None  # of the value filled as maker; None: as `rate`
    clearing_per_share: _Amount | None = None
    clearing_maximum_share: _Share | None = None  # of the order's value
    sale_rate: _Share | None = None  # of the value sold
    sale_per_share: _Amount | None = None
    sale_maximum: _Amount | None = None  # caps what is paid per share sold

    @property
    def parts(self) -> dict[str, Decimal]:
        """What is given, by its name; a `rate` alone is the maker's too."""
        given: dict[str, Decimal] = self.model_dump(exclude={"like"}, exclude_none=True)
        if self.rate is not None:
            given.setdefault("maker_rate", self.rate)
        return given


def _form(value: Any) -> str:
    return "parts" if isinstance(value, dict | FeesConfig) else "name"


# Told apart before it is read: a fault in a part is told as that, not as one of every form.
Fees = Annotated[
    Annotated[ReadyMade, Tag("name")] | Annotated[FeesConfig, Tag("parts")], Discriminator(_form)
]
