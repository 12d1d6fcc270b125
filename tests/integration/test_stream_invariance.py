"""How a run is executed leaves no trace: block size, threads, pace, switching, hash seed."""

from hypothesis import given, settings
from tests.market import Outcome, execute
from tests.random_market import Spec, specs

BLOCKS = (1, 7, 390, 8192)


def differences(one: Outcome, other: Outcome) -> list[str]:
    """The fields in which two outcomes differ, with the first entry that does."""
    found = []
    for name in Outcome.__struct_fields__:
        left, right = getattr(one, name), getattr(other, name)
        if left == right:
            continue
        if isinstance(left, list):
            pairs = list(zip(left, right, strict=False))
            place = next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))
            left, right = left[place : place + 1], right[place : place + 1]
        found.append(f"{name}: {str(left)[:300]} against {str(right)[:300]}")
    return found


@given(specs())
@settings(max_examples=12)
def test_a_run_is_the_same_for_every_block_size(spec: Spec) -> None:
    outcomes = [execute(spec.config(block_rows), spec.market()) for block_rows in BLOCKS]
    for outcome in outcomes[:-1]:
        assert not differences(outcomes[-1], outcome)
