"""Every amendment is answered: the run waits for that before it asks for anything else."""

from tests.gate_desk import RUN, SHARE, START_NS, Desk, place

from app.core.order_events import Acknowledged, Amend, ChangeRefused, Filled
from app.core.orders import Terms
from app.managers.execution_manager.gate.gate_book import GateBook

MORE = Terms(200 * SHARE, 10.0, None, None, None)
REFUSED = ChangeRefused(1, "it has filled")
WHOLE = Filled(1, "e1", 100 * SHARE, 10.0, 0, START_NS)


def test_one_that_comes_when_all_has_filled_is_refused() -> None:
    desk = Desk().bring("FILLED")
    desk.send(Amend(1, MORE, True))
    assert desk.events == [REFUSED]


def test_one_under_way_when_the_venue_says_that_all_has_filled_is_refused() -> None:
    desk = Desk().bring("ACCEPTED")
    desk.send(Amend(1, MORE, True))
    desk.stream(desk.report("FILLED", 100))
    assert desk.events == [REFUSED]
    assert desk.book.tracker.orders.numbered(1).end == "FILLED"


def test_one_that_a_crash_cut_off_from_its_answer_is_refused_once() -> None:
    for told in ((), (REFUSED,)):
        book = GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS)
        for item in (place(), Acknowledged(1), WHOLE, Amend(1, MORE, True), *told):
            book.recall(item)
        book.recover(START_NS)
        assert book.take().events == ([] if told else [REFUSED])


def test_an_order_that_filled_before_its_amendment_was_refused_is_over_after_a_crash() -> None:
    book = GateBook(RUN, ["AAA", "BBB"], since_ns=START_NS)
    for item in (place(), Acknowledged(1), Amend(1, MORE, True), WHOLE, REFUSED):
        book.recall(item)
    assert book.tracker.orders.numbered(1).end == "FILLED"
    assert not book.tracker.open
