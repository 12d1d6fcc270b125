"""The inbox: in order, never waiting, and past its bound still right about what trades say."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from app.core.inbox import Inbox, Trades
from app.core.intervals import MINUTE_NS
from app.core.messages import Command
from app.core.money import UNITS
from app.core.order_events import Acknowledged
from app.core.venue import Quote, Tick, VenueBar

ticks = st.lists(
    st.builds(
        Tick,
        st.sampled_from(["AAA", "BBB"]),
        st.integers(0, 3 * MINUTE_NS - 1),
        st.integers(1, 500).map(lambda cents: cents / 100),
        st.integers(0, 5000).map(lambda tenths: tenths / 10),
    ),
    max_size=60,
    unique_by=lambda tick: (tick.symbol, tick.at_ns),
)


def tick(at_ns: int, price: float = 10.0, volume: float = 1.0) -> Tick:
    return Tick("AAA", at_ns, price, volume)


def test_what_is_put_is_taken_in_order_and_once() -> None:
    inbox = Inbox()
    items = [tick(1), Command("halt"), Acknowledged(4), tick(2)]
    for item in items:
        inbox.put(item)
    assert len(inbox) == 4
    assert inbox.take(0.0) == items
    assert inbox.take(0.0) == []
    assert inbox.conflated == 0


def test_a_wait_ends_when_something_comes_or_when_it_is_woken() -> None:
    inbox = Inbox()
    taken: list[object] = []
    for act in (lambda: inbox.put(tick(1)), inbox.wake):
        thread = threading.Thread(target=lambda: taken.append(inbox.take(60.0)))
        thread.start()
        act()
        thread.join(10.0)
        assert not thread.is_alive()
    assert taken == [[tick(1)], []]


def test_bars_events_and_commands_are_kept_past_the_bound() -> None:
    inbox = Inbox(bound_items=1)
    kept = [Acknowledged(1), Command("kill"), VenueBar("AAA", 0, 1.0, 1.0, 1.0, 1.0, 1.0)] * 3
    for item in [tick(1), *kept]:
        inbox.put(item)
    assert inbox.take(0.0) == [tick(1), *kept]


@given(ticks, st.integers(0, 10))
def test_trades_made_into_one_say_what_they_said_apart(given_: list[Tick], bound: int) -> None:
    inbox = Inbox(bound)
    for item in given_:
        inbox.put(item)
    taken = inbox.take(0.0)
    assert taken[:bound] == given_[:bound]
    rest = given_[bound:]
    assert inbox.conflated == len(given_) - len(taken)
    for one in taken[bound:]:
        assert isinstance(one, Trades)
        own = sorted(
            (
                t
                for t in rest
                if t.symbol == one.symbol and t.at_ns // MINUTE_NS == one.first_ns // MINUTE_NS
            ),
            key=lambda t: t.at_ns,
        )
        prices = [t.price for t in own]
        assert (one.open, one.close) == (prices[0], prices[-1])
        assert (one.high, one.low) == (max(prices), min(prices))
        assert (one.first_ns, one.last_ns) == (own[0].at_ns, own[-1].at_ns)
        assert one.volume_units == sum(round(t.volume * UNITS) for t in own)
    marks = [(one.symbol, one.first_ns // MINUTE_NS) for one in taken[bound:]]  # type: ignore[union-attr]
    assert len(marks) == len(set(marks))


def test_of_quotes_the_last_before_each_minute_s_start_is_kept() -> None:
    inbox = Inbox(bound_items=0)
    for at_ns in (5, 9, MINUTE_NS, 7, MINUTE_NS + 1, 2 * MINUTE_NS):
        inbox.put(Quote("AAA", at_ns, 1.0, 1.0 + at_ns))
    kept = [item.at_ns for item in inbox.take(0.0) if isinstance(item, Quote)]
    assert kept == [MINUTE_NS, 2 * MINUTE_NS]
    assert inbox.conflated == 4


def test_a_trade_that_makes_no_sense_does_no_harm() -> None:
    inbox = Inbox(bound_items=0)
    inbox.put(tick(1, volume=float("nan")))
    inbox.put(tick(2, price=-1.0))
    assert inbox.take(0.0) == []


def test_what_was_conflated_before_is_no_part_of_what_comes_after() -> None:
    inbox = Inbox(bound_items=0)
    inbox.put(tick(1, 5.0))
    assert [item.close for item in inbox.take(0.0) if isinstance(item, Trades)] == [5.0]
    inbox.put(tick(2, 6.0))
    assert [item.open for item in inbox.take(0.0) if isinstance(item, Trades)] == [6.0]


def test_many_threads_lose_nothing() -> None:
    inbox = Inbox()

    def put(number: int) -> None:
        for count in range(500):
            inbox.put(Acknowledged(number * 500 + count))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    taken: list[object] = []
    while len(taken) < 2000:
        taken += inbox.take(10.0)
    for thread in threads:
        thread.join()
    assert sorted(item.order_id for item in taken) == list(range(2000))  # type: ignore[attr-defined]
