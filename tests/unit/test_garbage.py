"""How often Python looks for cyclic garbage while a run goes on, and where."""

import gc
from collections.abc import Iterator

import pytest

from app.threads.machine.garbage import SELDOM, only_new_collected, seldom_collected


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("before", "within"),
    [((700, 10, 10), SELDOM), ((10**6, 5, 5), 10**6), ((0, 10, 10), 0)],
)
def test_it_is_seldom_within_and_as_before_afterwards(
    before: tuple[int, int, int], within: int
) -> None:
    gc.set_threshold(*before)
    with pytest.raises(ValueError), seldom_collected():
        assert gc.get_threshold() == (within, *before[1:])
        raise ValueError
    assert gc.get_threshold() == before


def test_what_stood_before_a_live_run_is_not_searched_within_and_is_afterwards() -> None:
    before = gc.get_freeze_count()
    stood: list[object] = []
    with pytest.raises(ValueError), only_new_collected():
        assert gc.get_freeze_count() > before
        new: list[object] = []
        searched = {id(one) for one in gc.get_objects()}
        assert id(new) in searched
        assert id(stood) not in searched
        raise ValueError
    assert gc.get_freeze_count() == 0
