"""The picture of a report that README shows, taken anew: `python -m tests.report_screen`.

It needs Chromium and `./start_cli.sh --setup browser`.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "screens" / "report.png"
CONFIG = ROOT / "session_configs" / "opening_range.json"
_WIDTH, _HEIGHT = 1240, 1215


def main() -> int:
    """Replay an example, open its report, choose a trade, and take the picture."""
    from playwright.sync_api import sync_playwright

    from app.core.settings import Settings
    from app.managers.system_manager.system_manager import SystemManager
    from tests.report_house import report_of

    where = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        SystemManager(Settings(data_folder=data, database_url=None)).run(CONFIG)
        _, path = report_of(data, Path(folder) / "report.html")
        browser = playwright.chromium.launch(executable_path=where, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        page.locator("#trades tbody tr[data-number]").nth(2).click()
        page.evaluate("document.querySelector('#equity canvas').style.height = '240px'")
        page.evaluate("document.querySelector('#chart canvas').style.height = '420px'")
        for hidden in ("#monthly", "#overview > details", ".hint", ".bar"):
            page.evaluate("s => document.querySelectorAll(s).forEach(e => e.hidden = true)", hidden)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(300)
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
