"""The code that strategies are reloaded with: kinds that are taken, and kinds that are refused."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

HOOK_SECONDS: Final = 1.0  # of the run; then what hangs is interrupted

_TEXT = '''
"""A restless strategy that remembers, and says which bars it was shown, and by which code."""

{imports}
from app.strategies import Bar, Param, Strategy

VERSION = {version}
MOST = 60


class Reloaded(Strategy):
    phase = Param(0, low=0, high=7)
    {fields}

    def setup(self) -> None:
        self.turns = dict.fromkeys(self.symbols, self.phase)
        {setup}

    def on_bar(self, bar: Bar) -> None:
        symbol = bar.symbol
        if bar.interval != "1m":
            return
        self.log(f"saw {{symbol}} {{bar.start_ns}} {{VERSION}}")
        turn = self.turns[symbol] = self.turns[symbol] + 1
        {on_bar}
        if abs(self.position(symbol).quantity) > MOST:
            self.close(symbol)
        elif turn % 5 == 0:
            self.bracket(symbol, 9, target=bar.close + 0.2, stop=bar.close - 0.2)
        elif turn % 5 == 1:
            self.order(symbol, 7, limit=round(bar.close - 0.02, 2))
        elif turn % 5 == 2:
            self.order_target(symbol, -8)
        elif turn % 5 == 3:
            for order in self.orders(symbol)[:2]:
                self.cancel(order)

    def save_state(self) -> dict:
        return {{"turns": self.turns{saves}}}

    def load_state(self, state: dict) -> None:
        self.turns = dict(state["turns"])
        {load}
'''


class Kind(msgspec.Struct, frozen=True):
    """What is odd about some code; `says` stands in the refusal, "": it is taken."""

    says: str = ""
    edit: Callable[[str], str] = str
    parts: dict[str, str] = {}
    params: dict[str, Any] = {}
    fresh: bool = False


def _cut(text: str) -> str:
    return text.replace("def on_bar(self, bar: Bar) -> None:", "def on_bar(self, bar: Bar -> None:")


def _without_state(text: str) -> str:
    return text[: text.index("    def save_state")]


_IN_RUN = 'if not sys.argv[0].endswith("shadow.py"): raise KeyError("only in the run")'
GOOD: Final = {
    "plain": Kind(),
    "indicator": Kind(
        parts={
            "setup": "self.mean = self.indicator('SMA', 3 + VERSION % 17)",
            "on_bar": "self.level = self.mean[0] if self.mean.ready else 0.0",
        }
    ),
    "indicators": Kind(
        parts={
            "setup": "self.means = [self.indicator(n, 9, interval=i) "
            "for n in ('SMA', 'EMA', 'RSI') for i in ('1m', '5m')]",
            "on_bar": "self.levels = [one[0] for one in self.means if one.ready]",
        }
    ),
    "intervals": Kind(parts={"fields": 'intervals = ("1m", "5m")'}),
    "params": Kind(params={"phase": 3}),
    "fresh": Kind(fresh=True),
}
BAD: Final = {
    "syntax": Kind("SyntaxError", edit=_cut),
    "import": Kind("ModuleNotFoundError", parts={"imports": "import no_such_module"}),
    "params": Kind("phase: 9 is not", params={"phase": 9}),
    "unknown": Kind("no such parameter", params={"phases": 1}),
    "setup": Kind("ZeroDivisionError", parts={"setup": "1 / 0"}),
    "stuck": Kind("did not return", parts={"setup": "while True: pass"}),
    "bar": Kind("IndexError", parts={"on_bar": "[][turn]"}),
    "hangs": Kind("did not return", parts={"on_bar": "while turn > 2: pass"}),
    "memory": Kind(
        "failed in setup", parts={"setup": "self.all = [bytearray(10**8) for _ in range(10**6)]"}
    ),
    "exits": Kind("ended by itself", parts={"imports": "import os; os._exit(3)"}),
    "state": Kind("KeyError", parts={"load": 'self.other = state["other"]'}),
    "forgets": Kind(
        "does not bring back", parts={"saves": ', "n": self.n', "setup": "self.n = 0",
                                      "load": "self.n = state.get('n', 0) + 1"}
    ),
    "ignores": Kind("does not bring back", parts={"load": "self.turns = dict.fromkeys(state, 0)"}),
    "stateless": Kind("has no save_state", edit=_without_state),
    "in the run": Kind("only in the run", parts={"imports": "import sys", "load": _IN_RUN}),
    "interval": Kind("asks for 7m bars", parts={"fields": 'intervals = ("1m", "7m")'}),
    "history": Kind("never be ready", parts={"setup": "self.indicator('SMA', 5000)"}),
    "protection": Kind(
        "is not what protects", parts={"fields": 'protection = {"stop_loss_percent": 2}'}
    ),
    "none": Kind("no class in it", edit=lambda text: "VALUE = 1"),
}  # fmt: skip


def text_of(kind: Kind, version: int) -> str:
    """The file."""
    parts = dict.fromkeys(("imports", "fields", "setup", "on_bar", "saves", "load"), "")
    return kind.edit(_TEXT.format(version=version, **{**parts, **kind.parts}))
