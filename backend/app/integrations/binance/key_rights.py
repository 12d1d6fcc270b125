"""What a key of Binance may do: too much or too little is refused, what is only unwise is told."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.venue import VenueRefused


def judged_rights(told: Mapping[str, Any]) -> Sequence[str]:
    """Warnings about a key whose rights Binance told; VenueRefused where it is not to be used."""
    if told["enableWithdrawals"] is not False:
        raise VenueRefused(
            "This key may withdraw from the account. Make one at Binance that may only trade."
        )
    if told["enableSpotAndMarginTrading"] is not True:
        raise VenueRefused(
            "This key may not trade. Allow 'Spot & Margin Trading' for it at Binance, and nothing"
            " else that moves money."
        )
    warnings = []
    if told.get("ipRestrict") is False:
        warnings.append(
            "Binance's key can be used from any address: restrict it to this machine's."
        )
    if told.get("enableInternalTransfer") or told.get("permitsUniversalTransfer"):
        warnings.append("Binance's key may move money between your accounts: take that from it.")
    return warnings
