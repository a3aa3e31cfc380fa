"""Corrects a height map from known heights: what `img2height calibrate` does."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from img2height.correction.choice import Candidate, Choice, choose
from img2height.correction.control import Control
from img2height.correction.features import Map
from img2height.correction.models import Correction
from img2height.correction.placed import References, place
from img2height.correction.plausible import check
from img2height.correction.relief import correlation_px
from img2height.correction.samples import samples_of
from img2height.errors import DataError
from img2height.io.atomic import file_digest
from img2height.io.grid import Grid
from img2height.io.rasters import Band, bounded_cache, height_band, open_raster, read_heights, write_heights
from img2height.io.records import Record
from img2height.io.tables import write_json
from img2height.io.values import Scaling, stated_unit
from img2height.vocabulary.outputs import CLASSES
from img2height.vocabulary.quantities import BUILDINGS, QUANTITIES
from img2height.vocabulary.storage import Compression

logger = logging.getLogger(__name__)

OWN_TAGS = "IMG2HEIGHT_"
KEPT = [each.band for each in CLASSES.values()]  # bands that a correction does not concern
REPORT = ".json"  # suffix of the report, in place of that of the map


class Report(Record):
    """What was corrected, and what it is worth.

    Attributes:
        heights: name of the map.
        control: name of the file of known heights.
        control_sha256: its digest.
        samples: number of pixels or buildings with a known height.
        blocks: number of spatial blocks that they lie in.
        block_m: side of the blocks in metres.
        candidates: errors of each correction in blocks that it has not seen; of the map first.
        chosen: name of the candidate that was used.
        correction: what it does, in words.
    """

    heights: str
    control: str
    control_sha256: str
    samples: int
    blocks: int
    block_m: float
    candidates: list[Candidate]
    chosen: str
    correction: list[str]


@dataclass(frozen=True)
class Rasters:
    """The files that a correction reads beside the known heights.

    Attributes:
        heights: the map.
        image: on the grid of the map; None for none.
        terrain: to subtract from known elevations; None for none.
    """

    heights: Path
    image: Path | None = None
    terrain: Path | None = None


def correct_map(
    rasters: Rasters, control: Control, refer: References, out: Path, compress: Compression = "zstd"
) -> Report:
    """Write a height map that known heights correct as a COG, and a report beside it, unless no correction helps.

    Heights above ground are clipped at 0, missing heights stay missing. Bands of probabilities are copied; others, such
    as the spread of draws, describe the uncorrected heights and are dropped. The map is read in blocks, and the result
    does not depend on them.

    Args:
        rasters: the files.
        control: see `read_control`.
        refer: what the known heights refer to.
        out: the COG; not written if `chosen` of the report is `none`.
        compress: see `copy_to_cog`.

    Raises:
        DataError: map and known heights do not fit each other, or there are too few of them.
    """
    with bounded_cache(), ExitStack() as stack:
        onto = stack.enter_context(open_map(rasters.heights, rasters.image))
        if onto.quantity == BUILDINGS and not control.are_polygons:
            raise DataError(f"{rasters.heights}: contains building heights; give those of buildings as polygons")
        terrain = stack.enter_context(open_raster(rasters.terrain)) if rasters.terrain else None
        samples = samples_of(place(control, onto, refer, terrain), onto)
        check(samples, onto, control.path, buildings=control.are_polygons)
        choice = choose(samples, correlation_px(onto), lambda heights_m: finished(heights_m, onto))
        report = _report(rasters.heights, control, choice, len(samples.known_m), onto.grid)
        if choice.correction is not None:
            _write(onto, choice.correction, report, out, compress)
            write_json(report.model_dump(mode="json"), out.with_suffix(REPORT))
    return report


@contextmanager
def open_map(heights: Path, image: Path | None = None) -> Iterator[Map]:
    """Yield a height map, with an image on its grid.

    Raises:
        DataError: it is not in metres, does not state what its heights are, or the image is on another grid.
    """
    with ExitStack() as stack:
        raster = stack.enter_context(open_raster(heights))
        if raster.descriptions[0] not in QUANTITIES:
            raise DataError(
                f"{heights}: its first band does not state what the heights are, one of {', '.join(QUANTITIES)}; write "
                "it into the file: rio edit-info --bidx 1 --description ndsm"
            )
        if (unit := stated_unit(raster)) != "metre" or not Scaling.of(raster, [1]).is_none:
            raise DataError(
                f"{heights}: must be in metres without scale and offset, and state it; its unit is {unit}: convert it"
            )
        colours = stack.enter_context(open_raster(image)) if image else None
        if colours:
            Grid.of(colours).require(Grid.of(raster), colours.name, raster.name)
        yield Map(raster, colours)


def corrected(onto: Map, correction: Correction, window: Window) -> np.ndarray:
    """Return the corrected heights of a window, HxW float32 metres, NaN where missing."""
    pixels = onto.describe(window, surroundings=correction.needs_surroundings)
    return finished(correction.correct(pixels), onto).astype(np.float32)


def finished(heights_m: np.ndarray, onto: Map) -> np.ndarray:
    """Return corrected heights as they are written: not below the ground."""
    return heights_m.clip(min=0) if onto.above_ground else heights_m


def _report(heights: Path, control: Control, choice: Choice, samples: int, grid: Grid) -> Report:
    return Report(
        heights=heights.name,
        control=control.path.name,
        control_sha256=file_digest(control.path),
        samples=samples,
        blocks=choice.blocks,
        block_m=round(choice.block_px * grid.gsd_m, 3),
        candidates=choice.candidates,
        chosen=choice.chosen,
        correction=[] if choice.correction is None else choice.correction.in_words(),
    )


def _write(onto: Map, correction: Correction, report: Report, out: Path, compress: Compression) -> None:
    texts = onto.heights.descriptions
    kept = [index for index, text in enumerate(texts, 1) if text in KEPT]
    if dropped := [str(text) for index, text in enumerate(texts, 1) if index > 1 and index not in kept]:
        logger.warning(
            "%s: bands that describe the uncorrected heights are dropped: %s", onto.heights.name, ", ".join(dropped)
        )

    def bands(block: Window) -> np.ndarray:
        others = [read_heights(onto.heights, block, index) for index in kept]
        return np.stack([corrected(onto, correction, block), *others])

    described = [height_band(onto.quantity), *(Band(texts[i - 1], onto.heights.units[i - 1] or "") for i in kept)]
    grid = replace(onto.grid, crs=onto.heights.crs)  # with its vertical system
    write_heights(out, grid, described, bands, _tags(onto, report), compress)


def _tags(onto: Map, report: Report) -> dict[str, str]:
    """Return what is known of the map, and what was done to it."""
    used = next(each for each in report.candidates if each.name == report.chosen)
    return {
        **{name: text for name, text in onto.heights.tags().items() if name.startswith(OWN_TAGS)},
        "IMG2HEIGHT_CORRECTION": "; ".join([report.chosen, *report.correction]),
        "IMG2HEIGHT_CORRECTION_HEIGHTS": f"{report.samples} of {report.control}, SHA-256 {report.control_sha256}",
        "IMG2HEIGHT_CORRECTION_MAE": f"{used.mae_m} m, before {report.candidates[0].mae_m} m",
        "IMG2HEIGHT_CORRECTION_RMSE": f"{used.rmse_m} m, before {report.candidates[0].rmse_m} m",
    }
