"""What a venue tells behind a run's end: nothing wrong with the run keeps it from being closed."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.messages import LastNews, Message
from app.core.order_events import Acknowledged
from app.managers.system_manager.live.line_aftermath import Aftermath


class Alarms:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def alarm(self, what: str, details: str) -> None:
        self.told.append((what, details))


def run_of(
    step: Callable[[LastNews], Iterator[Message]],
    book: Callable[[LastNews], None],
    is_left_behind: bool = False,
) -> Any:
    return SimpleNamespace(
        coordinator=SimpleNamespace(step=step),
        engine=SimpleNamespace(now_ns=7),
        pipeline=SimpleNamespace(is_left_behind=is_left_behind),
        book=book,
    )


def numbered(news: LastNews) -> Iterator[Message]:
    yield news


def fails(news: LastNews) -> Any:
    raise ValueError("a defect")


def test_news_that_never_arrived_are_numbered_and_booked_once() -> None:
    alarms, booked = Alarms(), list[LastNews]()
    aftermath, run = Aftermath(alarms), run_of(numbered, booked.append)
    aftermath.expect([Acknowledged(1), Acknowledged(2)])
    aftermath.book(run)
    aftermath.book(run)
    assert booked == [LastNews((Acknowledged(1), Acknowledged(2)), 7)]
    assert alarms.told == []


@pytest.mark.parametrize(
    ("run", "what", "why"),
    [
        (run_of(fails, fails), "not recorded", "not in its journal: ValueError: a defect"),
        (run_of(numbered, fails), "not booked", "not in its orders and fills: ValueError"),
        (run_of(numbered, fails, is_left_behind=True), "not booked", "a worker of it hangs"),
    ],
)
def test_a_broken_worker_is_told_of_once_and_the_run_is_closed(
    run: Any, what: str, why: str
) -> None:
    alarms = Alarms()
    aftermath = Aftermath(alarms)
    for number in (1, 2):
        aftermath.expect([Acknowledged(number)])
        aftermath.book(run)
    ((told, details),) = alarms.told
    assert told == what
    assert why in details
