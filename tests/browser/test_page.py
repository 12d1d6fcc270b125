"""The report in Chromium: drawn, sorted, filtered, followed, and without a word to any network."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import Opened
from tests.report_house import IMAGE, SCRIPT, house_in, report_of

from app.core.errors import AppError
from app.results import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PICTURES = ("profits", "returns", "held", "hours", "weekdays")
CANVASES = (
    *("#equity canvas", "#chart canvas"),
    *(f'[data-picture="{name}"] canvas' for name in PICTURES),
)
ROWS = "#trades tbody tr[data-number]"


def profits(opened: Opened) -> list[float]:
    """Of the rows that are on the page."""
    texts = opened.page.locator(f"{ROWS} td:last-child").all_inner_texts()
    return [float(text.replace("−", "-").replace(",", "")) for text in texts]


def test_every_picture_is_drawn_and_nothing_is_asked_of_a_network(opened: Opened) -> None:
    for canvas in CANVASES:
        opened.page.locator(canvas).scroll_into_view_if_needed()
        opened.picture(canvas)
        assert opened.canvas_colours(canvas) > 3, canvas
    assert opened.said == []
    assert opened.requests == [opened.url]


def test_the_page_itself_forbids_what_would_fetch_or_run(opened: Opened) -> None:
    found = opened.page.evaluate(
        """async () => {
            const image = new Image();
            const failed = new Promise(done => { image.onerror = () => done("refused"); });
            image.src = "http://127.0.0.1:9/x.png";
            let fetched = "fetched";
            try { await fetch("http://127.0.0.1:9/"); } catch { fetched = "refused"; }
            const script = document.createElement("script");
            script.textContent = "window.taken = true";
            document.body.append(script);
            return [await failed, fetched, window.taken === undefined];
        }"""
    )
    assert found == ["refused", "refused", True]


def test_names_are_text_whatever_they_hold(opened: Opened, rich: tuple[Run, Path]) -> None:
    assert opened.page.title().startswith(SCRIPT)
    assert opened.page.locator("h1").inner_text() == SCRIPT
    assert opened.page.locator("img").count() == 0
    strategies = opened.page.locator('#trades select[name="strategy"] option').all_inner_texts()
    assert strategies == ["all", *sorted([IMAGE, "Brackets"])]


def test_trades_are_sorted_by_any_column_both_ways(opened: Opened) -> None:
    head = opened.page.locator('#trades th[data-name="profit"]')
    head.locator("button").click()
    rising = profits(opened)
    assert rising == sorted(rising)
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    falling = profits(opened)
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > rising[0]


def test_filters_leave_what_passes_them_and_add_it_up(
    opened: Opened, rich: tuple[Run, Path]
) -> None:
    trades = rich[0].trades
    page = opened.page
    assert f"{len(trades):,} trades" in page.locator("#trades .sum").inner_text()
    page.select_option('#trades select[name="symbol"]', "BBB")
    page.select_option('#trades select[name="strategy"]', "Brackets")
    page.select_option('#trades select[name="outcome"]', "win")
    kept = trades[
        (trades.symbol == "BBB") & (trades.strategy == "Brackets") & ~trades.is_open
        & (trades.profit > 0)
    ]  # fmt: skip
    told = page.locator("#trades .sum").inner_text()
    assert f"{len(kept)} of {len(trades):,} trades" in told
    assert f"{kept.profit.sum():+,.2f}" in told
    assert min(profits(opened)) > 0
    page.click("#trades .clear")
    assert f"{len(trades):,} trades" in page.locator("#trades .sum").inner_text()


def test_a_trade_that_is_chosen_is_shown_with_its_orders(
    opened: Opened, rich: tuple[Run, Path]
) -> None:
    page = opened.page
    page.select_option('#trades select[name="strategy"]', "Brackets")
    page.select_option('#trades select[name="symbol"]', "BBB")
    before = opened.picture("#chart canvas")
    row = page.locator(ROWS).nth(2)
    number = int(row.get_attribute("data-number") or 0)
    row.click()
    page.wait_for_selector(f'#chart[data-trade="{number}"]')
    assert page.locator("#chart .symbol").input_value() == "BBB"
    assert opened.picture("#chart canvas") != before
    shown = opened.picture("#chart canvas")
    for name in ("orders", "fills"):  # each is drawn: without it the picture is another
        page.locator(f'#chart input[name="{name}"]').click()
        assert opened.picture("#chart canvas") != shown
        page.locator(f'#chart input[name="{name}"]').click()
    trade = rich[0].trades.iloc[number - 1]
    assert page.locator("#chart .session option:checked").inner_text() == str(trade.name)[:10]
    details = page.locator("#trades .details")
    assert f"Trade {number}: {'long' if trade.side > 0 else 'short'}" in details.inner_text()
    orders = details.locator("table").first.inner_text()
    assert str(trade.entry_order_id) in orders
    assert "stop" in orders
    assert details.locator("table").nth(1).locator("tbody tr").count() == trade.fills


def test_a_fill_that_is_clicked_chooses_its_trade(opened: Opened, rich: tuple[Run, Path]) -> None:
    page = opened.page
    page.select_option('#trades select[name="strategy"]', "Brackets")
    row = page.locator(ROWS).first
    number = int(row.get_attribute("data-number") or 0)
    row.click()
    page.wait_for_selector(f'#chart[data-trade="{number}"]')
    canvas = page.locator("#chart canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    trade = rich[0].trades.iloc[number - 1]
    rows = (trade.exit - trade.name).total_seconds() / 60
    room = max(30, rows * 0.6)  # on either side of it
    x = box["x"] + (box["width"] - 72) * (room + 0.5) / (rows + 2 * room)
    page.mouse.move(x, box["y"] + 100)
    page.wait_for_function(
        "/bought|sold/.test(document.querySelector('#chart .readout').innerText)"
    )
    page.select_option('#trades select[name="side"]', "long" if trade.side < 0 else "short")
    assert page.locator("#trades tr.chosen").count() == 0  # the filters hide it
    for y in range(20, 340, 8):  # down its entry's bar, until a mark is hit
        page.mouse.click(x, box["y"] + y)
        if page.locator("#trades tr.chosen").count():
            break
    chosen = int(page.locator("#trades tr.chosen").get_attribute("data-number") or 0)
    found = rich[0].trades.iloc[chosen - 1]
    fills = rich[0].fills
    own = fills[(fills.fill_id >= found.first_fill_id) & (fills.fill_id <= found.last_fill_id)]
    assert trade.name in own.index
    assert (found.symbol, page.locator('#trades select[name="side"]').input_value()) == ("AAA", "")


def test_keys_alone_walk_trades_and_sessions(opened: Opened) -> None:
    page = opened.page
    page.locator("#trades .rows").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#trades tr.chosen")
    assert page.locator("#trades tr.chosen").get_attribute("data-number") == "2"
    page.locator("#chart canvas").focus()
    at = page.locator("#chart .session")
    dates = at.locator("option").all_inner_texts()
    page.keyboard.press("PageDown")
    assert at.locator("option:checked").inner_text() == dates[1]
    page.keyboard.press("PageUp")
    assert at.locator("option:checked").inner_text() == dates[0]
    before = opened.picture("#chart canvas")
    page.keyboard.press("+")
    assert opened.picture("#chart canvas") != before


def test_the_chart_is_dragged_zoomed_and_switched_off_in_parts(opened: Opened) -> None:
    page = opened.page
    canvas = page.locator("#chart canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    pictures = {opened.picture("#chart canvas")}
    page.mouse.move(box["x"] + 500, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 700, box["y"] + 200, steps=4)
    page.mouse.up()
    pictures.add(opened.picture("#chart canvas"))
    canvas.focus()
    page.mouse.wheel(0, -300)
    pictures.add(opened.picture("#chart canvas"))
    page.click("#chart .whole")
    pictures.add(opened.picture("#chart canvas"))
    page.select_option("#chart .size", "1h")
    pictures.add(opened.picture("#chart canvas"))
    for name in ("fills", "orders", "indicators", "volume"):
        page.locator(f'#chart input[name="{name}"]').click()
        if name != "orders":  # too many of them are seen at once to be drawn at all
            pictures.add(opened.picture("#chart canvas"))
    assert len(pictures) == 8
    assert opened.said == []


def test_indicators_are_read_as_the_strategy_read_them(
    opened: Opened, rich: tuple[Run, Path]
) -> None:
    opened.page.click("#chart .before")
    opened.page.locator("#chart canvas").hover(position={"x": 300, "y": 100})
    opened.page.wait_for_function(
        "document.querySelector('#chart .readout').innerText.includes('SMA(20)')"
    )
    assert "RSI(14)" in opened.page.locator("#chart .readout").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_it_all_without_sideways_scroll(
    browser: "Browser", rich: tuple[Run, Path], scheme: str
) -> None:
    opened = Opened(browser, rich[1], width=360, scheme=scheme)
    try:
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 360
        wide = opened.page.evaluate(
            """() => [...document.querySelectorAll("main, .card, canvas, select, button")]
                .filter(one => one.getBoundingClientRect().right > 361)
                .filter(one => !one.closest(".rows, .wide"))
                .map(one => one.outerHTML.slice(0, 80))"""
        )
        assert wide == []
        profit = opened.page.locator(f'{ROWS} td[data-name="profit"]').first.bounding_box()
        assert profit is not None
        assert profit["x"] + profit["width"] <= 360  # what a trade made is seen at once
        for canvas in CANVASES[:2]:
            assert opened.canvas_colours(canvas) > 3
        assert opened.said == []
    finally:
        opened.close()


def test_a_run_that_failed_at_once_has_a_page_without_pictures(
    browser: "Browser", stored_market: Path, tmp_path: Path
) -> None:
    house = house_in(stored_market, tmp_path)
    house.strategy(
        "failing.py",
        """
        from app.strategies import Strategy

        class Failing(Strategy):
            def on_bar(self, bar):
                raise ValueError("enough")
        """,
    )
    with pytest.raises(AppError):
        house.system.run(house.config(use="failing.py"))
    opened = Opened(browser, report_of(house.folder, tmp_path / "report.html")[1])
    try:
        assert opened.said == []
        assert "It failed." in opened.page.locator(".notice").first.inner_text()
        assert opened.page.locator("#trades .rows").is_hidden()
        assert "It made no trade." in opened.page.locator("#trades").inner_text()
        assert opened.page.locator('[data-picture="profits"] canvas').is_hidden()
    finally:
        opened.close()


def test_paper_is_light_also_where_the_screen_is_dark(
    browser: "Browser", rich: tuple[Run, Path]
) -> None:
    ground = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    opened = Opened(browser, rich[1], scheme="dark")
    try:
        opened.page.emulate_media(media="print")
        assert opened.page.evaluate(ground) == "rgb(255, 255, 255)"
        assert opened.page.locator("#theme").is_hidden()
        assert opened.page.locator("#trades th").first.is_visible()
    finally:
        opened.close()


def test_light_and_dark_follow_the_machine_until_somebody_chooses(
    browser: "Browser", rich: tuple[Run, Path]
) -> None:
    ground = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    found = {}
    for scheme in ("light", "dark"):
        opened = Opened(browser, rich[1], scheme=scheme)
        try:
            before = opened.picture("#equity canvas")
            found[scheme] = opened.page.evaluate(ground)
            opened.page.click("#theme")
            found[f"not {scheme}"] = opened.page.evaluate(ground)
            assert opened.picture("#equity canvas") != before
        finally:
            opened.close()
    assert found["light"] != found["dark"]
    assert found["not light"] == found["dark"]
    assert found["not dark"] == found["light"]
