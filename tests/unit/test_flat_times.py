"""From when on strategies hold nothing: from the very moment, once each, until the session ends."""

from app.managers.execution_manager.exits.flat_times import FlatTimes
from app.managers.execution_manager.exits.trades import NEVER_NS
from app.services.protection import Cover


def flat_times() -> FlatTimes:
    """Of one that is flat 5 before the close, one that is not, and one without protection."""
    times = FlatTimes([Cover(flat_ns=5), Cover(), None])
    times.open_session(100)
    return times


def test_a_strategy_is_flat_from_the_very_moment_on_until_its_session_is_over() -> None:
    times = flat_times()
    assert [times.is_flat(0, at_ns) for at_ns in (94, 95, 99)] == [False, True, True]
    assert not times.is_flat(1, 99) and not times.is_flat(2, 99)
    times.end_session()
    assert not times.is_flat(0, 99)


def test_each_is_acted_on_once_and_stays_flat() -> None:
    times = flat_times()
    assert (times.next_ns(), times.take_due(94)) == (95, [])
    assert times.take_due(95) == [0]
    assert (times.next_ns(), times.take_due(96), times.is_flat(0, 96)) == (NEVER_NS, [], True)


def test_what_was_acted_on_is_so_after_a_restart() -> None:
    times = flat_times()
    times.take_due(95)
    again = flat_times()
    again.restore(*times.state())
    assert (again.take_due(96), again.is_flat(0, 96)) == ([], True)
    again.open_session(200)
    assert (again.next_ns(), times.next_ns()) == (195, NEVER_NS)  # neither shares the other's
