"""The map in a browser, from disk and from a server: no errors, a picture, heights of the raster, keys, a phone."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, Page, browser
from matplotlib import colormaps
from PIL import Image
from rasterio.windows import Window
from view_cases import GRID, deliver, surfaces

from img2height.colours import ERROR_COLOURS, HEIGHT_COLOURS
from img2height.io.rasters import height_band, write_cog
from img2height.view.files import open_files
from img2height.view.write import write_view

SIZE = (800, 520)
SMALL = Window(80, 60, 200, 150)
ROUNDED_M = 0.005 + 1e-5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a map of two scenes: one of two methods, and a small one without image and buildings."""
    top = tmp_path_factory.mktemp("browser")
    files = deliver(top)
    maps, houses = [files["height"], files["reference"]], [files["buildings"]] * 2
    part = surfaces()[0][SMALL.toslices()]
    write_cog(top / "small.tif", part, GRID.crop(SMALL), [height_band("ndsm")], nodata=-9999)
    openers = [
        partial(open_files, maps, files["image"], files["reference"], houses),
        partial(open_files, [top / "small.tif"], None, files["reference"], []),
    ]
    write_view(openers, "Two scenes", top / "a map #1")
    return top / "a map #1"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def tab(chromium: Browser, folder: Path) -> Page:
    return opened(chromium, (folder / "index.html").as_uri())


@pytest.fixture
def page(tab: Page) -> Page:
    """Return the map as opened from disk, in front of what other tests opened."""
    tab.show()
    return tab


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """Yield the address of a static server of the folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}/"
        made.shutdown()
        thread.join()


def opened(chromium: Browser, address: str, size: tuple[int, int] = SIZE, *, mobile: bool = False) -> Page:
    page = chromium.page()
    page.resize(*size, mobile=mobile)
    page.open(address)
    page.run("ready")
    return page


def looks(page: Page) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(page.picture())).convert("RGB")).astype(int)


def test_it_opens_from_disk_without_a_message_and_shows_a_picture(page: Page) -> None:
    assert page.value("document.body.dataset.state") == "ready"
    middle = looks(page)[180:380]
    assert middle[:, 120:350].std() > 20  # the image
    assert middle[:, 450:680].std() > 10  # the prediction
    assert page.messages == []


def test_it_opens_from_a_server(chromium: Browser, server: str) -> None:
    page = opened(chromium, server)
    assert page.value("document.body.dataset.state") == "ready"
    assert page.messages == []


def test_heights_of_the_page_are_those_of_the_raster(page: Page) -> None:
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, GRID.height, 200), rng.integers(0, GRID.width, 200)
    points = json.dumps(np.stack([columns, rows], axis=1).tolist())
    for layer, heights in zip(("0/method0", "0/reference0"), surfaces(), strict=True):
        found = page.value(f"Promise.all({points}.map(([x, y]) => heightAt('{layer}', x, y)))")
        found = np.array(found, dtype=float)  # NaN arrives as None
        assert np.allclose(found, heights[rows, columns], rtol=0, atol=ROUNDED_M, equal_nan=True)


@pytest.mark.parametrize("pitch", [0, 50])
def test_the_pointer_shows_the_height_of_its_pixel(page: Page, pitch: int) -> None:
    page.run(f"maps.left.jumpTo({{center: lngLat(280, 130), zoom: ZOOM, pitch: {pitch}}})")
    predicted, reference = surfaces()
    top = page.value("element('left').getBoundingClientRect().top")
    for x, y in ((300, 300), (330, 250), (600, 350), (460, 330), (5, 300)):
        column, row = map(int, np.floor(page.value(f"pixelOf(maps.left.unproject([{x}, {y - top}]))")))
        page.point(x, y)
        shown = page.value(
            "pointing.then(() => [...document.querySelectorAll('#values dd')].map(dd => dd.textContent))"
        )
        inside = 0 <= column < GRID.width and 0 <= row < GRID.height
        truth, ours = (heights[row, column] if inside else np.nan for heights in (reference, predicted))
        for value, text in zip((truth, ours, ours - truth), shown, strict=True):
            assert np.isnan(value) if text == "– m" else abs(float(text[:-2].replace("−", "-")) - value) < 2 * ROUNDED_M


def test_keys_change_what_is_shown(page: Page) -> None:
    def after(key: str, code: str = "", *, shift: bool = False) -> dict:
        page.press(key, code, shift=shift)
        return page.value("updated.then(() => state)")

    assert after("4", "Digit4")["right"] == "error"
    assert after("@", "Digit2", shift=True)["left"] == "reference"
    assert after("m")["method"] == 1
    assert after("M", shift=True)["method"] == 0
    assert after("h")["shading"] is False
    assert after("b")["mode"] == "outlines"
    assert after("b")["mode"] == "solid"
    assert after("c")["colour"] == "error"
    page.press("?")
    assert page.value("element('help').open")
    page.run("element('help').close()")
    assert page.messages == []
    assert after("b")["mode"] == "surface"
    assert [after("b")["mode"], after("3", "Digit3")["right"]] == ["flat", "prediction"]


def test_another_scene_may_have_less(page: Page) -> None:
    page.run("set({left: 'image', right: 'error', method: 1, mode: 'solid'})")
    page.press("s", "KeyS")
    found = page.value("updated.then(() => state)")
    assert (found["scene"], found["method"], found["left"], found["right"]) == (1, 0, "reference", "error")
    assert found["mode"] == "flat"
    assert page.value("[...element('mode').options].filter(one => !one.hidden).map(one => one.value)") == [
        "flat",
        "surface",
    ]
    column, row = 37, 21
    shown = page.value(f"heightAt(scene().methods[0].data, {column}, {row})")
    assert abs(shown - surfaces()[0][SMALL.row_off + row, SMALL.col_off + column]) <= ROUNDED_M
    page.press("S", "KeyS", shift=True)
    page.run("updated.then(() => set({left: 'image', right: 'prediction', method: 0}))")
    assert page.value("[state.scene, document.body.dataset.state]") == [0, "ready"]
    assert page.messages == []


def test_houses_stand_and_report_their_height(page: Page) -> None:
    page.run("set({mode: 'solid', left: 'image', right: 'prediction', colour: 'height'})")
    page.run("maps.left.jumpTo({center: lngLat(62, 52), zoom: ZOOM + 2, pitch: 0, bearing: 0}), moveBorder(0), drawn()")
    top = page.value("element('left').getBoundingClientRect().top")
    x, y = page.value("(({x, y}) => [x, y])(maps.left.project(lngLat(60, 50)))")
    page.point(x, y + top, click=True)
    card = page.value("element('building').textContent")
    assert card == "Buildingpredicted5.50 mreference, median inside6.00 merror−0.50 m"
    assert page.value("maps.right.queryRenderedFeatures({layers: ['solid']}).length") == 1
    page.run("moveBorder(0.5), set({mode: 'flat'})")


def test_a_link_opens_the_same_map(page: Page, chromium: Browser) -> None:
    page.run("set({left: 'reference', right: 'error', method: 1})")
    page.run("maps.left.jumpTo({center: lngLat(300, 200), zoom: 17.5, bearing: 20, pitch: 30})")
    other = opened(chromium, page.value("location.href"))
    assert other.value("state") == page.value("state")
    assert np.allclose(other.value("pixelOf(maps.right.getCenter())"), [300, 200], atol=0.1)
    assert other.value("[maps.right.getZoom(), maps.right.getBearing(), maps.right.getPitch()]") == [17.5, 20, 30]
    page.show()
    page.run("set({left: 'image', right: 'prediction', method: 0})")


def test_nothing_is_wider_than_a_phone(chromium: Browser, folder: Path) -> None:
    page = opened(chromium, (folder / "index.html").as_uri(), (360, 700), mobile=True)
    assert page.value("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
    beyond = """[...document.querySelectorAll("button, select, .card, .layers")].filter(each => {
      const {left, right, bottom, width} = each.getBoundingClientRect();
      return width && (left < 0 || right > innerWidth || bottom > innerHeight);
    }).map(each => each.id)"""
    assert page.value(beyond) == []
    assert page.messages == []


def test_colours_are_those_of_the_report(page: Page) -> None:
    for name, scale in ((HEIGHT_COLOURS, "HEIGHT_COLOURS"), (ERROR_COLOURS, "ERROR_COLOURS")):
        table = page.value(f"[...new Scale({scale}, 0, 1).table]")
        found = np.array(table).reshape(-1, 3)
        expected = 255 * colormaps[name](np.linspace(0, 1, len(found)))[:, :3]
        assert np.abs(found - expected).max() < 6  # matplotlib has 256 steps
        assert np.abs(found - expected).mean() < 1
