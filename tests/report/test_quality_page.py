"""The data-quality page: every check with its verdict, maps inside the file, the same bytes again."""

import re

import numpy as np
from raw_cases import deliver, prepare, write

from img2height.report.quality import write_quality
from img2height.scenes.quality import quality_report


def test_the_page_shows_verdicts_and_maps(tmp_path):
    layers = deliver(tmp_path / "raw")
    image = np.full((3, 64, 64), 80, np.uint8)
    image[:, :, :8], image[2] = 0, 7
    write(tmp_path / "raw/eo.tif", image, names=["red", "green", "blue"])
    scene = prepare(tmp_path, layers)
    report = quality_report(scene)
    pages = [tmp_path / "1.html", tmp_path / "2.html"]
    for page in pages:
        write_quality("Town", [(scene, report)], page)
    text = pages[0].read_text()
    assert text == pages[1].read_text()
    assert re.findall(r'tr data-verdict="(\w+)"', text) == sorted(
        (check["verdict"] for check in report["checks"]), key=("stop", "look", "fine").index
    )
    assert "eo blue has the same value everywhere" in text
    assert text.count("data:image/") == 2
    assert "://" not in text


def test_a_scene_without_heights_has_a_page(tmp_path):
    scene = prepare(tmp_path, {"eo": deliver(tmp_path / "raw")["eo"]})
    write_quality("Town", [(scene, quality_report(scene))], tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().count("data:image/") == 1
