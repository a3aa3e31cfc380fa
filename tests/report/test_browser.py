"""The page in a browser: no errors, pictures load, tables sort, no horizontal scrolling on a phone."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr",
    "--dump-dom", "--virtual-time-budget=20000",
)  # fmt: skip
LOOK = """<!doctype html><pre id="seen"></pre>
<iframe src="report.html" style="width:1280px;height:900px"></iframe>
<iframe src="report.html" style="width:360px;height:700px"></iframe>
<script>
"use strict";
const methods = table => [...table.querySelectorAll("tbody th")].map(cell => cell.textContent.split(" ")[0]);
function look(page) {
  const table = page.getElementById("headline-table"), head = table.tHead.rows[1].cells[1];
  const button = head.querySelector("button"), before = methods(table), states = [];
  button.focus();
  const focused = page.activeElement === button;
  for (let turn = 0; turn < 2; turn++) {
    button.click();
    states.push([head.getAttribute("aria-sort"), methods(table)]);
  }
  return {
    before, states, focused, title: head.textContent,
    pictures: page.images.length, broken: [...page.images].filter(image => !image.naturalWidth).length,
    wide: page.documentElement.scrollWidth, seen: page.documentElement.clientWidth,
  };
}
addEventListener("load", () => {
  const seen = [...document.querySelectorAll("iframe")].map(frame => look(frame.contentDocument));
  document.getElementById("seen").textContent = JSON.stringify(seen);
});
</script>"""


@pytest.fixture(scope="module")
def looked(written: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict], list[str]]:
    """Return the state of the page at the widths of a desktop and a phone, and the messages of the console."""
    if not (browser := next(filter(None, map(shutil.which, BROWSERS)), None)):
        pytest.skip(f"no browser to look at the page: none of {', '.join(BROWSERS)} is installed")
    folder = tmp_path_factory.mktemp("browser")
    shutil.copy(written[0] / "report.html", folder)
    (folder / "look.html").write_text(LOOK, encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", (folder / "look.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    seen = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)[1]
    return json.loads(html.unescape(seen)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_console_is_silent(looked: tuple[list[dict], list[str]]):
    assert looked[1] == []


def test_pictures_load(looked: tuple[list[dict], list[str]]):
    for seen in looked[0]:
        assert seen["pictures"] > 15 and seen["broken"] == 0


def test_tables_sort_down_and_up(looked: tuple[list[dict], list[str]]):
    for seen in looked[0]:
        assert seen["title"] == "RMSE (m)" and seen["focused"]
        up, down = seen["states"]
        assert up == ["ascending", ["im2height", "mean_height", "zero_height"]] == ["ascending", seen["before"]]
        assert down == ["descending", ["zero_height", "mean_height", "im2height"]]


def test_nothing_is_wider_than_the_screen(looked: tuple[list[dict], list[str]]):
    desk, phone = looked[0]
    assert desk["wide"] == desk["seen"] > 1200
    assert phone["wide"] == phone["seen"] <= 360
