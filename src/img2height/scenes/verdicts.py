"""What the measurements of a scene mean: each check with a verdict, what was found, and what to do."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypedDict

from img2height.scenes.doubts import FLAT_M, LOW_M, Doubts
from img2height.scenes.footprints import TALLEST_M
from img2height.vocabulary.layers import INITIAL

Verdict = Literal["fine", "look", "stop"]
HIGH_M = 200.0  # 1 % of a scene are hardly higher
LITTLE = 0.5
BLACK_SHARE = 0.02
TALL_ENOUGH_M = 2.0
FAR_M, ZEROS = 20.0, 1e-3  # from 0 m, and share of zeros that then is too large
FEET, NEAR = 1 / 0.3048, 0.05
SATURATED, BELOW, EMPTY = 0.05, 0.01, 0.1  # shares from which one should look
CLIPPED, SUNK, VANISHED = 0.5, 0.2, 0.5  # shares from which one should stop


class LayerQuality(TypedDict):
    """What was measured on a raster layer: shares from 0 to 1, the rest in its unit; `nonzero_median` without zeros."""

    unit: str
    valid_share: float
    zero_share: float | None
    min: float | None
    median: float | None
    nonzero_median: float | None
    p99: float | None
    max: float | None


class Measured(TypedDict):
    """What was measured on a scene, see `quality_report`."""

    scene: str
    gsd_m: float
    layers: dict[str, LayerQuality]
    overlap_share: float | None
    ndsm_ratio: float | None
    building_height_m: float | None
    registration: dict[str, Any] | None
    doubts: Doubts


class Check(NamedTuple):
    """One check of a scene.

    Attributes:
        about: layer or band, or what is compared.
        verdict: fine; look at it before training; stop: results would be wrong.
        found: what was measured.
        advice: what to do; empty if it is fine.
    """

    about: str
    verdict: Verdict
    found: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        """What was found and what to do."""
        return f"{self.found}; {self.advice}" if self.advice else self.found


def checks_of(report: Measured, twins: Sequence[str] = ()) -> list[Check]:
    """Return all checks that could be made on a scene; what could not be measured has none.

    Args:
        report: the measurements.
        twins: names of other scenes with the same image.
    """
    found = [check for name, layer in report["layers"].items() for check in _layer(name, layer)]
    found += [*_doubts(report["doubts"]), *_together(report)]
    if twins:
        what = f"the image is that of {', '.join(twins)} too"
        found.append(Check("duplicates", "stop", what, "remove one, or training and test areas share their images"))
    return found


def _check(about: str, found: str, verdict: Verdict, advice: str) -> Check:
    """Return a check; there is nothing to do if it is fine."""
    return Check(about, verdict, found, "" if verdict == "fine" else advice)


def _judge(share: float, look: float, stop: float) -> Verdict:
    return "stop" if share > stop else "look" if share > look else "fine"


def _layer(name: str, layer: LayerQuality) -> Iterator[Check]:
    valid, zeros = layer["valid_share"], layer["zero_share"] or 0
    little = valid < LITTLE
    what = f"{name} is valid on {'only ' if little else ''}{valid:.0%} of the scene"
    yield _check(f"coverage of {name}", what, "look" if little else "fine", "check its extent and nodata")
    if name == "eo":
        what = f"{zeros:.0%} of the image is black and counts as image"
        verdict: Verdict = "look" if zeros > BLACK_SHARE else "fine"
        yield _check("black pixels", what, verdict, "if it is not, declare nodata: 0")
    if name == "ndsm" and layer["p99"] is not None and layer["max"] is not None:
        yield _range(layer["p99"], layer["max"])
    usual = layer["nonzero_median"] or 0  # of all values it is 0 itself where most are missing
    if name in ("dsm", "dtm", INITIAL) and abs(usual) > FAR_M:
        what = f"{name} is exactly 0 m on {zeros:.1%} of the scene, the median of the others is {usual:.0f} m"
        verdict = "stop" if zeros > ZEROS else "fine"
        yield _check(f"zeros of {name}", what, verdict, "if that means missing, declare nodata: 0")


def _range(p99: float, highest: float) -> Check:
    if p99 > HIGH_M:
        what = f"ndsm reaches {p99:.0f} m on 1 % of the scene"
        return Check("range of heights", "stop", what, "are feet or centimetres read as metres?")
    if highest > TALLEST_M:
        what, advice = f"ndsm reaches {highest:.0f} m", "declare nodata or valid_range of dsm, dtm or ndsm"
        return Check("range of heights", "stop", f"{what}, more than any building", advice)
    if highest <= 1:
        return Check("range of heights", "stop", f"ndsm is nowhere above {highest:.2g} m", "is it scaled to 0..1?")
    return Check("range of heights", "fine", f"99 % of ndsm are below {p99:.1f} m, the highest is {highest:.1f} m")


def _doubts(doubts: Doubts) -> Iterator[Check]:
    for name, step in doubts["steps_m"].items():
        what = f"{name} changes in steps of {step:.2g} m"
        yield Check(f"steps of {name}", "look", what, "was it rounded, or stored in whole units? Use the original")
    for name, share in doubts["saturated_share"].items():
        what, verdict = f"{share:.0%} of {name} has the largest value of its type", _judge(share, SATURATED, CLIPPED)
        yield _check(f"saturation of {name}", what, verdict, "was it clipped? Stretch the original anew")
    for name in doubts["constant_bands"]:
        yield Check(f"values of {name}", "stop", f"{name} has the same value everywhere", "is it the right band?")
    if (below := doubts["below_terrain_share"]) is not None:
        what = f"the dsm is more than {-LOW_M:g} m below the dtm on {below:.0%} of the scene"
        yield _check("surface and terrain", what, _judge(below, BELOW, SUNK), "are they of one date?")
    if (flat := doubts["flat_building_share"]) is not None:
        what = f"{flat:.0%} of the building mask is less than {FLAT_M:g} m high"
        yield _check("flat buildings", what, _judge(flat, EMPTY, VANISHED), "are mask and heights of one date?")


def _together(report: Measured) -> Iterator[Check]:
    if (overlap := report["overlap_share"]) is not None:
        few = overlap < LITTLE
        what = f"image and heights overlap on {'only ' if few else ''}{overlap:.0%} of the scene"
        yield _check("overlap", what, "look" if few else "fine", "check the extents and the nodata of both")
    if (ratio := report["ndsm_ratio"]) is not None:
        feet = "; one of them seems to be in feet" if min(abs(ratio / FEET - 1), abs(ratio * FEET - 1)) < NEAR else ""
        verdict: Verdict = "stop" if abs(ratio - 1) > NEAR else "fine"
        yield _check("units", f"ndsm is {ratio:.3g} times dsm - dtm{feet}", verdict, "check the units")
    if (height := report["building_height_m"]) is not None:
        what = f"the median height inside the building mask is {height:.2g} m"
        verdict = "look" if height < TALL_ENOUGH_M else "fine"
        yield _check("height of buildings", what, verdict, "are they shifted or years apart?")
    offset = report["registration"]
    if offset and offset["confident"]:
        yield _registration(offset, report["gsd_m"])


def _registration(offset: dict[str, Any], gsd_m: float) -> Check:
    what = (
        f"the image seems to lie {offset['east_m']:+.1f} m east, {offset['north_m']:+.1f} m north of the heights "
        f"(confidence {offset['confidence']:.2f})"
    )
    advice = (
        "if that is a shift, not building lean or shadow, declare registration: shift for the scene, or for eo "
        f"shift_m: [{-offset['east_m']:.1f}, {-offset['north_m']:.1f}]"
    )
    far = math.hypot(offset["east_m"], offset["north_m"]) > gsd_m
    return _check("image against heights", what, "look" if far else "fine", advice)
