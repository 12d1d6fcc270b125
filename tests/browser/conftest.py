"""Chromium, driven headless; without one, or without what drives it, these tests are skipped."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.report_house import house_in, report_of, rich_config
from tests.system_house import stored_market

from app.results import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["stored_market"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READY = "html[data-ready=yes]"


def chromium() -> str | None:
    """Where the browser is; CHROMIUM says another."""
    given = os.environ.get("CHROMIUM")
    return given or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    driver = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: ./start_cli.sh --setup browser"
    )
    path = chromium()
    if path is None:
        pytest.skip("There is no Chromium here: apt-get install chromium, or say it by CHROMIUM.")
    with driver.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def rich(stored_market: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run with something of everything, and its report."""
    folder = tmp_path_factory.mktemp("report")
    house = house_in(stored_market, folder)
    house.system.run(rich_config(house))
    return report_of(house.folder, folder / "report.html")


class Opened:
    """A report in the browser, and all that it said and asked for."""

    def __init__(self, browser: "Browser", path: Path, width: int = 1280, **options: str) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=options.get("scheme", "light"),  # type: ignore[arg-type]
        )
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.url = path.as_uri()
        self.page.goto(self.url)
        self.page.wait_for_selector(READY, timeout=20_000)

    def canvas_colours(self, selector: str) -> int:
        """How many different pixels a canvas has."""
        found: int = self.page.evaluate(
            """selector => {
                const canvas = document.querySelector(selector);
                const pen = canvas.getContext("2d");
                const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
                return new Set(new Uint32Array(data.buffer)).size;
            }""",
            selector,
        )
        return found

    def picture(self, selector: str) -> str:
        """A canvas as it is painted, once the frame is over."""
        found: str = self.page.evaluate(
            """selector => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
                () => done(document.querySelector(selector).toDataURL()))))""",
            selector,
        )
        return found

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def opened(browser: "Browser", rich: tuple[Run, Path]) -> Iterator[Opened]:
    """The report of that run, as on a desk."""
    found = Opened(browser, rich[1])
    yield found
    found.close()
