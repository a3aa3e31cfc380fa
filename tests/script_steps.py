"""The scripts run as programs on one tiny scene."""

import re
import resource
import runpy
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import yaml
from raw_cases import ABOUT
from steps import TABLE

from img2height.methods import recipes_folder
from img2height.settings.project import load_recipe

SCRIPTS = Path(__file__).parents[1] / "scripts"
BUILDINGS = {
    "min_height_m": 2.5,
    "ndvi_max": 0.2,
    "vari_max": 0.1,
    "min_area_m2": 20,
    "max_hole_m2": 10,
    "simplify_m": 1,
}
PARTS = {"train": [[0, 0.35]], "val": [[0.35, 0.7]], "test": [[0.7, 1]]}
SPLIT = {"strategy": "fraction", "n_folds": 3, "buffer_m": 1, "block_m": 100, "axis": "column", "parts": PARTS}
TRAINING = {"samples": 16, "validate_every": 8, "patience": 9, "val_tiles": 2, "threads": 1}
TRAINING["precision"] = {"cpu": "32-true", "gpu": "32-true"}
SMALL = {"options": {"encoder": "tu-resnet10t", "depth": 3, "width": 16}, "batch_size": 4}
SETTINGS = {
    "about": ABOUT,
    "buildings": BUILDINGS,
    "grid": {},
    "inference": {"window_px": 32, "overlap": 0.5, "batch_size": 1},
    "metrics": {"ratio_min_height_m": 1, "ssim_range_m": 30, "instance_iou": 0.5, "boundary_m": 2, "tile_px": 64},
    "split": SPLIT,
    "tiling": {"tile_px": 16, "stride_px": 8, "min_valid_share": 0.5},
    "training": TRAINING,
}
EXPERIMENT = Path(__file__).parent / "one_scene.yaml"
RECIPE = load_recipe(recipes_folder(), "unet", SMALL).model_dump(mode="json")


@dataclass
class Done:
    """The result of a program: exit status and standard error."""

    status: int
    said: str

    def refused(self, *words: str) -> None:
        """Fail unless the program ended with one error line that contains the words, and no traceback."""
        lines = [line for line in self.said.splitlines() if line.startswith("error: ")]
        assert self.status == 2, self.said
        assert len(lines) == 1, self.said
        assert self.said.rstrip().endswith(lines[0])
        assert "Traceback" not in self.said
        for word in words:
            assert re.search(word, lines[0]), lines[0]


@contextmanager
def small_disk(limit: int) -> Iterator[None]:
    """Inside the block no file may grow beyond `limit` bytes: not around pytest, whose lines may go to a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def run(script: str, flags: list, limit: int | None = None) -> int:
    """Return the exit status of a script run in this process; `limit` is the largest file in bytes it may write."""
    handler, arguments = signal.getsignal(signal.SIGTERM), sys.argv
    sys.argv = [script, *map(str, flags)]
    try:
        with small_disk(limit) if limit is not None else nullcontext():
            runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")
    except SystemExit as ended:
        return ended.code
    finally:
        signal.signal(signal.SIGTERM, handler)
        sys.argv = arguments
    return 0


def files(folder: Path) -> list[str]:
    """Return all files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class Steps:
    """The flags of each script on one tiny scene.

    Args:
        made: folder of the inputs, which `make_steps.py` fills.
        written: folder of the settings; by default one in the same folder.
    """

    def __init__(self, made: Path, written: Path | None = None):
        self.made = made
        self.written = written or made / "settings"
        self.record = made / "ran.json"  # by script, module and name of the definitions that it ran
        self.scene = made / "scenes/d/s/scene.json"
        self.listing = made / "scenes.json"
        self.areas = made / "areas.parquet"

    def settings(self, name: str, values: dict | None = None) -> Path:
        """Return the file into which settings were written, by default those of `SETTINGS`."""
        path = self.written / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(SETTINGS[name] if values is None else values))
        return path

    def make_city(self, out: Path, **more: object) -> list:
        return ["--settings", self.settings("city", {"size_px": 192, "seed": 3} | more), "--out", out / "city"]

    def make_land(self, out: Path) -> list:
        return ["--settings", self.settings("land", {"size_px": 256, "seed": 3}), "--out", out / "land"]

    def prepare_scene(self, out: Path, layers: dict | None = None, **more: object) -> list:
        names = ("eo", "dsm", "dtm", "building", "dsm_initial")
        layers = layers or {name: {"path": f"{name}.tif"} for name in names}
        scene = {"layers": layers, "pairs": [], **more}  # complete, as from the workflow
        raw = self.made / "raw"
        return [
            "--dataset", "d", "--scene", "s", "--scene-file", self.settings("scene", scene),
            "--grid", self.settings("grid"), "--raw", raw, "--out", out / "scenes/d/s/scene.json",
        ]  # fmt: skip

    def describe_dataset(self, out: Path) -> list:
        return ["--about", self.settings("about"), "--out", out / "scenes/d/about.json"]

    def list_scenes(self, out: Path) -> list:
        return ["--experiment", EXPERIMENT, "--folder", self.made / "scenes", "--out", out / "scenes.json"]

    def index_tiles(self, out: Path, **more: object) -> list:
        tiling = self.settings("tiling", SETTINGS["tiling"] | more)
        return ["--scene", self.scene, "--settings", tiling, "--out", out / "tiles/d/s.parquet"]

    def split_folds(self, out: Path, *, tile_px: int = 16, fold: int = 0, tiles: Path | None = None) -> list:
        return [
            "--scenes", self.listing, "--tiles", tiles or self.made / "tiles", "--settings", self.settings("split"),
            "--tile-px", tile_px, "--folds", fold, "--folds-out", out / "folds.parquet",
            "--areas-out", out / "areas.parquet", "--map-out", out / "folds.gpkg",
        ]  # fmt: skip

    def audit_folds(self, out: Path) -> list:
        return [
            "--scenes", self.listing, "--folds", self.made / "folds.parquet", "--areas", self.areas, "--settings",
            self.settings("split"), "--tile-px", 16, "--out", out / "audit.json", "--figure", out / "folds.png",
        ]  # fmt: skip

    def augment_samples(self, out: Path, fold: int = 0) -> list:
        return [
            "--folds", self.made / "folds.parquet", "--areas", self.areas, "--scenes", self.listing, "--fold", fold,
            "--seed", 0, "--recipe", self.settings("recipe", RECIPE), "--symmetries", *range(8),
            "--training", self.settings("training"),
            "--out", out / "samples.parquet", "--figure", out / "contact.png",
        ]  # fmt: skip

    def train(self, out: Path, *, fold: int = 0, recipe: dict = RECIPE) -> list:
        return [
            "--method", "unet", "--recipe", self.settings("recipe", recipe),
            "--training", self.settings("training"), "--samples", self.made / "samples.parquet",
            "--folds", self.made / "folds.parquet", "--areas", self.areas, "--fold", fold, "--seed", 0,
            "--scenes", self.listing, "--scratch", out / "scratch", "--live", out / "live", "--out", out / "model",
        ]  # fmt: skip

    def audit_coverage(self, out: Path, *, recipe: dict = RECIPE) -> list:
        return [
            "--scenes", self.listing, "--areas", self.areas, "--recipe", self.settings("recipe", recipe),
            "--params", SCRIPTS.parent / "params.yaml", "--experiment", EXPERIMENT, "--out", out / "coverage.json",
        ]  # fmt: skip

    def audit_statistics(self, out: Path) -> list:
        return [
            "--cards", self.made / "model/card.json", "--folds", self.made / "folds.parquet", "--areas", self.areas,
            "--scenes", self.listing, "--out", out / "statistics_audit.json",
        ]  # fmt: skip

    def describe_models(self, out: Path) -> list:
        about = self.made / "scenes/d/about.json"
        return ["--model", self.made / "model/card.json", out / "model/sources.json", "--about", about]

    def calibrate_intervals(self, out: Path) -> list:
        return [
            "--card", self.made / "model/card.json", "--scenes", self.listing, "--areas", self.areas, "--fold", 0,
            "--settings", self.settings("inference"), "--scratch", out / "validated",
            "--out", out / "calibration.json",
        ]  # fmt: skip

    def find_familiarity(self, out: Path) -> list:
        return [
            "--card", self.made / "model/card.json", "--scenes", self.listing, "--areas", self.areas, "--fold", 0,
            "--window-px", 64, "--out", out / "familiarity.json",
        ]  # fmt: skip

    def predict(self, out: Path) -> list:
        return [
            "--fold", 0, self.made / "model/card.json", out / "fold.tif", "--scene", self.scene, "--areas",
            self.areas, "--settings", self.settings("inference"), "--strips", out / "strips",
            "--mosaics", out / "s/height.tif",
        ]  # fmt: skip

    def merge_pairs(self, out: Path) -> list:
        pairs = [self.made / "s/height.tif"] * 2
        return ["--fold", out / "merged.tif", *pairs, "--scene", self.scene, "--mosaic", out / "mosaic.tif"]

    def height_intervals(self, out: Path) -> list:
        return [
            "--height", self.made / "s/height.tif", "--scene", self.scene, "--areas", self.areas,
            "--fold", 0, self.made / "calibration.json", "--out", out / "interval.tif",
        ]  # fmt: skip

    def score_familiarity(self, out: Path) -> list:
        return [
            "--scene", self.scene, "--areas", self.areas, "--out", out / "unfamiliar.tif",
            "--fold", 0, self.made / "model/card.json", self.made / "familiarity.json",
        ]  # fmt: skip

    def residuals(self, out: Path) -> list:
        refined = self.scene.parent / "dsm_initial.tif"
        return ["--height", refined, "--scene", self.scene, "--areas", self.areas, "--out", out / "residuals.tif"]

    def extract_buildings(self, out: Path) -> list:
        return [
            "--height", self.made / "s/height.tif", "--scene", self.scene, "--settings", self.settings("buildings"),
            "--about", self.made / "scenes/d/about.json",
            "--card", self.made / "model/card.json", "--run", "tiny/unet/seed0",
            "--footprint", out / "s/footprint.tif", "--parquet", out / "s/buildings.parquet",
            "--gpkg", out / "s/buildings.gpkg", "--cityjson", out / "s/buildings.city.json",
            "--areas", self.areas, "--calibration", 0, self.made / "calibration.json",
        ]  # fmt: skip

    def evaluate(self, out: Path) -> list:
        return [
            "--method", "unet", "--seed", 0, "--scenes", self.listing, "--results", self.made, "--areas", self.areas,
            "--settings", self.settings("metrics"), "--out", out / "scores.json", "--tiles", out / "scores.parquet",
            "--fold", 0, self.made / "calibration.json", "--intervals", out / "interval_tiles.parquet",
            "--buildings", out / "building_tiles.parquet",
        ]  # fmt: skip

    def collect_metrics(self, out: Path) -> list:
        return [
            "--scored", self.made / "scores.json", self.made / "scores.parquet",
            self.made / "building_tiles.parquet", self.made / "interval_tiles.parquet",
            "--scenes", self.listing, "--coverage", out / "interval_coverage.csv",
            "--areas", self.areas, "--settings", self.settings("metrics"), "--split", self.settings("split"),
            "--out", out / "metrics.json", "--intervals", out / "intervals.csv",
            "--comparisons", out / "comparisons.csv",
        ]  # fmt: skip


# Each script on the outputs of those before it, by the table of the workflow.
GENERATORS = ("make_city", "make_land")
CHAIN = [step.rule for step in TABLE if step.rule in vars(Steps) and step.rule not in GENERATORS]
