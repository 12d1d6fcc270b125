"""The HTML report of a long run: how long it takes to write, how big it is, when it is painted."""

import datetime as dt
import shutil
from contextlib import suppress
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import msgspec

from app.core.config import SessionConfig
from app.core.settings import Settings
from app.report.report import write_report
from app.results.opening import open_from
from app.results.sources import Sources
from benchmarks.house import fill_store, open_system
from benchmarks.measure import BenchError, fresh
from benchmarks.outcome import Outcome, Row

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SYMBOLS = 5
_FAST, _SLOW = 4, 12  # of the cross: it trades often
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_FRAMES = 60


class Written(msgspec.Struct, frozen=True):
    """One report."""

    seconds: float  # from the run's id to the file
    size: int
    bars: int
    trades: int


class Painted(msgspec.Struct, frozen=True):
    """What a browser made of it."""

    first_paint_ms: float
    ready_ms: float  # every table read, every picture drawn
    frame_ms: float  # to draw the candles anew, all bars of a symbol in sight


def report(folder: Path, bars: int, repeats: int) -> Outcome:
    """Five symbols over a year of minutes, with some ten thousands of trades."""
    symbols = tuple(f"R{number}" for number in range(_SYMBOLS))
    config = fresh(fill_store, folder, symbols, bars // _SYMBOLS)
    fresh(_replay, folder, config)
    rounds = [fresh(_write, folder) for _ in range(repeats)]
    best = min(rounds, key=lambda one: one.seconds)
    shown = fresh(_painted, folder / "report.html", repeats)
    rows = [
        Row("written in", f"{best.seconds:.2f} s"),
        Row("size", f"{best.size / 1e6:.2f} MB, {best.bars:,} bars and {best.trades:,} trades"),
    ]
    figures: dict[str, Any] = {
        "bars": best.bars,
        "trades": best.trades,
        "write_seconds": round(best.seconds, 3),
        "megabytes": round(best.size / 1e6, 3),
    }
    if shown is None:
        rows.append(Row("painted", "not timed: Chromium or Playwright is missing"))
    else:
        rows.append(Row("first paint", f"{shown.first_paint_ms:.0f} ms"))
        rows.append(Row("all drawn", f"{shown.ready_ms:.0f} ms"))
        rows.append(Row("a frame of all candles", f"{shown.frame_ms:.1f} ms"))
    for name in Painted.__struct_fields__:
        figures[name] = None if shown is None else round(getattr(shown, name), 1)
    return Outcome("report", figures, tuple(rows))


def _replay(folder: Path, config: SessionConfig) -> None:
    plain = config.model_dump(mode="json")
    plain["strategies"][0]["params"] = {"fast": _FAST, "slow": _SLOW}
    open_system(folder).run(SessionConfig.model_validate(plain))


def _write(folder: Path) -> Written:
    sources = Sources(Settings(data_folder=folder, database_url=None))
    started_ns = perf_counter_ns()
    run = open_from(sources, "last")
    at = dt.datetime(2005, 1, 3, tzinfo=run.zone)
    path = write_report(run, sources, at, folder / "report.html")
    seconds = (perf_counter_ns() - started_ns) / 1e9
    return Written(seconds, path.stat().st_size, run.summary["bars"], len(run.columns.trades))


def _painted(path: Path, repeats: int) -> Painted | None:
    """The best of some openings; None where there is no browser, or nothing that drives it."""
    where = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    with suppress(ImportError):
        from playwright.sync_api import sync_playwright

        if where is None:
            return None
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
            try:
                found = [_opened(browser.new_page(), path) for _ in range(repeats)]
            finally:
                browser.close()
        return Painted(
            *(min(getattr(one, name) for one in found) for name in Painted.__struct_fields__)
        )
    return None


def _opened(page: "Page", path: Path) -> Painted:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
    if said:
        raise BenchError(f"The report says in the browser: {said[0]}")
    paint, ready = page.evaluate(
        """() => [performance.getEntriesByName("first-contentful-paint")[0].startTime,
            Number(document.documentElement.dataset.readyMs)]"""
    )
    page.click("#chart .whole")
    frame = page.evaluate(
        """async frames => {
            const canvas = document.querySelector("#chart canvas");
            let spent = 0;
            for (let i = 0; i < frames; i++) {
                const key = i % 2 ? "-" : "+";
                canvas.dispatchEvent(new KeyboardEvent("keydown", { key }));
                await new Promise(done => requestAnimationFrame(done));
                spent += Number(canvas.dataset.frameMs);
            }
            return spent / frames;
        }""",
        _FRAMES,
    )
    page.close()
    return Painted(paint, ready, frame)
