"""Text as it may be shown: it cannot steer the terminal."""


def printable(text: str) -> str:
    """Text that cannot steer a terminal; line breaks stay."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
