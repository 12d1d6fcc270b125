"""What is demanded of a bench: each case that it has the powers for, or what it declares."""

from collections.abc import Iterable, Iterator

from tests.conformance.bench import Bench
from tests.conformance.case import Case


def pairs(
    benches: Iterable[type[Bench]], cases: Iterable[Case]
) -> Iterator[tuple[type[Bench], Case]]:
    """Each bench with each case that it has the powers for."""
    for bench in benches:
        yield from ((bench, case) for case in cases if not lacking(bench, case))


def lacking(bench: type[Bench], case: Case) -> frozenset[str]:
    """The powers a case needs and a bench has not: it is not about that bench."""
    return case.powers & frozenset(bench.lacks)


def declared(bench: type[Bench], case: Case) -> str:
    """What the venue declares it cannot do, of what a case is about; "" when it can."""
    if case.need is None or case.need.has(bench.abilities):
        return ""
    return case.need.says


def demand(kind: type[Bench], case: Case) -> None:
    """Play a case, or the refusal that stands in for it."""
    bench = kind(case.rows)
    try:
        if case.need is not None and declared(kind, case):
            case.need.refused(bench)
        else:
            case.play(bench)
    finally:
        bench.close()
