"""The program, where a peer on this machine stands for the real exchange: `-m ... URL words`."""

import sys

from app.cli.main import main as run_command
from app.cli.system import serving
from app.integrations.binance import endpoints


def main() -> int:
    """What it starts in the background is the same."""
    url, *words = sys.argv[1:]
    found = endpoints.endpoints_of(url)  # which takes an address of this machine alone
    assert found.tells_rate
    endpoints.REAL = found  # type: ignore[misc]
    serving.PROGRAM = (sys.executable, "-m", "tests.real_launcher", url)  # type: ignore[misc]
    sys.argv = ["mismartera", *words]
    return run_command()


if __name__ == "__main__":
    sys.exit(main())
