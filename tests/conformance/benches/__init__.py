"""The venues under test. A venue joins the suite by one line here."""

from typing import Final

from tests.conformance.bench import Bench
from tests.conformance.benches.binance import BinanceBench
from tests.conformance.benches.practice import InProcessBench, PracticeBench
from tests.conformance.benches.simulated import SimBench

BENCHES: Final[dict[str, type[Bench]]] = {
    bench.name: bench for bench in (PracticeBench, BinanceBench, InProcessBench, SimBench)
}
