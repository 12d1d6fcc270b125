"""What is demanded of every data source."""

import pytest

from app.core.bars import COLUMNS
from app.core.errors import NotFoundError
from app.core.intervals import DAY_NS, MINUTE_NS, SECOND_NS, is_interval
from app.core.source import SourceBusy, UnknownSymbol, pages
from app.core.venue import Connected, Disconnected, VenueBar, VenueRefused, VenueUnclear
from app.managers.data_manager.symbols import check_symbol
from tests.sources.bench import (
    BUSY,
    CASES,
    GARBAGE,
    LENGTHS,
    LIMIT,
    MINUTES,
    PAGE,
    ROWS,
    SILENT,
    STATUS,
    SourceBench,
    case,
    listen,
    made,
    numbers,
    read,
)

__all__ = ["CASES"]

ALL = list(range(MINUTES))


@case()
def facts_make_sense(bench: SourceBench) -> None:
    """Its facts name intervals as a config writes them, minutes first, and how large a page is."""
    facts = bench.open().facts
    assert facts.intervals[0] == "1m"
    assert all(is_interval(one) for one in facts.intervals)
    assert facts.page_bars == PAGE
    assert bool(facts.weight_per_minute) == bool(facts.page_weight)


@case()
def the_time_is_its_own(bench: SourceBench) -> None:
    """Its time is that of its own clock, wherever that stands."""
    source = bench.open()
    for number in (0, 7):
        bench.to(number)
        assert abs(source.time().venue_ns - bench.minute(number)) < SECOND_NS


@case()
def symbols_as_a_config_writes_them(bench: SourceBench) -> None:
    """Searching for nothing lists every symbol, as a config can name it, with its market."""
    source = bench.open()
    found = source.search("")
    assert {one.symbol for one in found} == set(bench.symbols)
    for one in found:
        assert check_symbol(one.symbol) == one.symbol
        assert one == source.listed(one.symbol)
        assert one.market


@case()
def search_is_lenient(bench: SourceBench) -> None:
    """A search finds capitals by small letters and names without their slash, and may find none."""
    source = bench.open()
    wanted = bench.symbols[0]
    found = source.search(wanted.replace("/", "").lower())
    assert [one.symbol for one in found] == [wanted]
    assert source.search("no such thing") == []


@case()
def unknown_symbols(bench: SourceBench) -> None:
    """An unknown symbol is refused wherever it is named, with the one that was probably meant."""
    source = bench.open()
    bench.to(MINUTES)
    asks = (
        lambda: source.listed(bench.misspelt),
        lambda: source.page(bench.misspelt, "1m", bench.minute(0), bench.minute(3)),
        lambda: source.live([bench.misspelt], lambda item: None),
    )
    for ask in asks:
        with pytest.raises(UnknownSymbol, match=f"Did you mean '{bench.symbols[0]}'") as refused:
            ask()
        assert refused.value.exit_code == NotFoundError.exit_code


@case()
def pages_hold_what_was_asked_for(bench: SourceBench) -> None:
    """A page begins where it was asked to and is no longer than the facts say."""
    source = bench.open()
    bench.to(MINUTES)
    page = source.page(bench.symbols[0], "1m", bench.minute(2), bench.minute(9))
    assert numbers(bench, page.bars) == [2, 3, 4]
    assert page.through_ns == bench.minute(5)
    within = source.page(bench.symbols[0], "1m", bench.minute(2), bench.minute(4))
    assert numbers(bench, within.bars) == [2, 3]
    assert within.through_ns == bench.minute(4)


@case()
def pages_meet(bench: SourceBench) -> None:
    """Pages meet without a hole or a double, whatever the first begins with."""
    source = bench.open()
    bench.to(MINUTES)
    for first in range(MINUTES):
        assert read(bench, source, first, MINUTES) == ALL[first:]


@case()
def a_moment_within_a_bar(bench: SourceBench) -> None:
    """A bar belongs to a stretch of time by its start: half a minute later it is not in it."""
    source = bench.open()
    bench.to(MINUTES)
    half = MINUTE_NS // 2
    found = pages(source, bench.symbols[0], "1m", bench.minute(2) + half, bench.minute(5) + half)
    assert [n for page in found for n in numbers(bench, page.bars)] == [3, 4, 5]


@case()
def prices_as_they_were(bench: SourceBench) -> None:
    """Prices and volumes come to the last bit as they were, as columns of 64 bits."""
    source = bench.open()
    bench.to(MINUTES)
    expected = made(bench.minute(0), is_holed=False).slice(0, PAGE)
    found = source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(9)).bars
    for name in COLUMNS:
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
        assert getattr(found, name).dtype == getattr(expected, name).dtype


@case()
def no_bar_that_is_under_way(bench: SourceBench) -> None:
    """The bar under way is never given, not a second before it ends; then it is."""
    source = bench.open()
    bench.to(3, seconds=59)
    assert read(bench, source, 0, MINUTES) == [0, 1, 2]
    bench.to(4)
    assert read(bench, source, 0, MINUTES) == [0, 1, 2, 3]


@case()
def no_more_by_now(bench: SourceBench) -> None:
    """Where nothing more has closed, a page ends where it begins; asked later, it goes on there."""
    source = bench.open()
    bench.to(4, seconds=30)
    last = list(pages(source, bench.symbols[0], "1m", bench.minute(2), bench.minute(9)))[-1]
    assert bench.minute(3) < last.through_ns <= bench.minute(4)
    again = source.page(bench.symbols[0], "1m", last.through_ns, bench.minute(9))
    assert (len(again.bars), again.through_ns) == (0, last.through_ns)
    bench.to(6)
    assert read(bench, source, 4, MINUTES) == [4, 5]


@case()
def the_future(bench: SourceBench) -> None:
    """A stretch that has not begun has no bars, and is not done with."""
    source = bench.open()
    page = source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(5))
    assert (len(page.bars), page.through_ns) == (0, bench.minute(0))


@case()
def before_the_first_bar(bench: SourceBench) -> None:
    """From long before its first bar on, every bar is found in the end, and none else."""
    source = bench.open()
    bench.to(MINUTES)
    first_ns = bench.minute(0) - DAY_NS // 96
    found = list(pages(source, bench.symbols[0], "1m", first_ns, bench.minute(MINUTES)))
    assert [n for page in found for n in numbers(bench, page.bars)] == ALL
    assert found[-1].through_ns > bench.minute(MINUTES - 1)


@case(is_holed=True)
def holes(bench: SourceBench) -> None:
    """Minutes that it has no bar of are left out; nothing is made up, and nothing lost behind."""
    source = bench.open()
    bench.to(MINUTES)
    assert read(bench, source, 0, MINUTES) == [0, 1, 2, 3, 6, 7, 8, 9]
    page = source.page(bench.symbols[0], "1m", bench.minute(4), bench.minute(6))
    assert (len(page.bars), page.through_ns) == (0, bench.minute(6))


@case()
def unknown_intervals(bench: SourceBench) -> None:
    """An interval that it does not have is refused."""
    source = bench.open()
    bench.to(MINUTES)
    with pytest.raises(VenueRefused):
        source.page(bench.symbols[0], "7m", bench.minute(0), bench.minute(9))


@case(LENGTHS)
def longer_bars(bench: SourceBench) -> None:
    """A longer bar is made of all its minutes, and given when the last of them is over."""
    source = bench.open()
    bench.to(9, seconds=59)
    assert read(bench, source, 0, MINUTES, "5m") == [0]
    bench.to(10)
    first, second = [
        page.bars for page in [
            source.page(bench.symbols[0], "5m", bench.minute(n), bench.minute(n + 1))
            for n in (0, 5)
        ]
    ]  # fmt: skip
    minutes = made(bench.minute(0), is_holed=False)
    for bars, rows in ((first, slice(0, 5)), (second, slice(5, 10))):
        assert bars.open.tolist() == minutes.open[rows][:1].tolist()
        assert bars.high.tolist() == [minutes.high[rows].max()]
        assert bars.low.tolist() == [minutes.low[rows].min()]
        assert bars.close.tolist() == minutes.close[rows][-1:].tolist()
        assert bars.volume.tolist() == [minutes.volume[rows].sum()]


@case()
def no_answer_is_unclear(bench: SourceBench) -> None:
    """An error of the server, garbage, a cut connection are unclear; asked again, all is well."""
    source = bench.open()
    bench.to(MINUTES)
    for kind in (STATUS, GARBAGE, SILENT):
        bench.arm(kind)
        with pytest.raises(VenueUnclear):
            source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(3))
        assert read(bench, source, 0, 3) == [0, 1, 2]


@case(ROWS)
def rows_that_cannot_be(bench: SourceBench) -> None:
    """Rows out of order, doubled, from outside or too many are no answer, and unclear."""
    source = bench.open()
    bench.to(MINUTES)
    for rows in ((1, 0), (0, 1, 1), (5,), (0, 1, 2, 3)):
        bench.arm_rows(*rows)
        with pytest.raises(VenueUnclear):
            source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(4))
    bench.arm_rows(0, 2)
    page = source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(4))
    assert numbers(bench, page.bars) == [0, 2]


@case(LIMIT)
def turned_away(bench: SourceBench) -> None:
    """Turned away, it says for how long, and asks nothing before that is over."""
    source = bench.open()
    bench.to(MINUTES)
    assert read(bench, source, 0, 3) == [0, 1, 2]
    bench.arm(BUSY)
    with pytest.raises(SourceBusy) as busy:
        source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(3))
    assert 0 < busy.value.seconds <= 60
    asked = bench.asked()
    with pytest.raises(SourceBusy):
        source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(3))
    assert bench.asked() == asked
    bench.to(MINUTES + 2)
    assert read(bench, source, 0, 3) == [0, 1, 2]


@case(LIMIT)
def under_the_limit(bench: SourceBench) -> None:
    """Page after page it keeps under the limit that the source tells, and waits rather."""
    bench.limit(5)
    source = bench.open()
    bench.to(MINUTES)
    source.listed(bench.symbols[0])
    for _ in range(12):
        assert read(bench, source, 0, 3) == [0, 1, 2]
    assert bench.turned_away() == 0


@case()
def nobody_there(bench: SourceBench) -> None:
    """Opening asks nothing; where nobody answers, every question is unclear."""
    source = bench.open_nowhere()
    symbol = bench.symbols[0]
    for ask in (
        source.time,
        lambda: source.search(""),
        lambda: source.page(symbol, "1m", bench.minute(0), bench.minute(1)),
    ):
        with pytest.raises(VenueUnclear):
            ask()
    source.close()


@case()
def live_bars(bench: SourceBench) -> None:
    """A live stream says that it stands, then brings each minute's bar as the history has it."""
    source = bench.open()
    stream, wait_for = listen(source, bench.symbols[0])
    wait_for(Connected)
    bench.to(2)
    told = [wait_for(VenueBar) for _ in range(2)]
    bars = source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(2)).bars
    assert [one.start_ns for one in told] == bars.start_ns.tolist()
    assert [one.close for one in told] == bars.close.tolist()
    assert {one.symbol for one in told} == {bench.symbols[0]}
    stream.close()


@case()
def live_streams_come_back(bench: SourceBench) -> None:
    """A live stream that is lost says so and comes back; what it missed is in the history."""
    source = bench.open()
    stream, wait_for = listen(source, bench.symbols[0])
    wait_for(Connected)
    bench.cut()
    wait_for(Disconnected)
    bench.to(3)
    wait_for(Connected)
    bench.to(4)
    assert wait_for(VenueBar).start_ns == bench.minute(3)
    assert read(bench, source, 0, 4) == [0, 1, 2, 3]
    stream.close()


@case()
def closed(bench: SourceBench) -> None:
    """Closed, it asks nothing any more, says so, and may be closed again."""
    source = bench.open()
    bench.to(MINUTES)
    source.search("")
    source.close()
    source.close()
    with pytest.raises(VenueUnclear):
        source.page(bench.symbols[0], "1m", bench.minute(0), bench.minute(3))
