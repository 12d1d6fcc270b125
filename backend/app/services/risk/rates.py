"""What limits of a rate say."""

from app.services.risk.verdict import Verdict


def over_rate(left: int, most: int, when: str) -> Verdict | None:
    """One more is asked for than have left already; None while it may leave too."""
    return None if left < most else Verdict(0, f"{left + 1} {when} is over {most}")
