"""Print what the correction of the displacement of the image changes in the scores of two real scenes.

python benchmarks/registration.py -- --cores 2 --resources gpu=1

Needs the delivered files in data/raw/woodford and data/raw/autzen (README.md). Each scene is prepared without a
correction, with one offset, and with a field of offsets; a small network is trained and tested on each, with the split
of the experiment of that name and the same budget, and scored on the same tiles. RMSE in metres over all seeds; 95 %
intervals resample blocks of these tiles, and those of a difference draw the same blocks for both.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas
import yaml

from img2height.comparison.record import read_metrics
from img2height.io.rasters import open_raster
from img2height.scenes.registration import estimate_offset
from img2height.scenes.scene import Scene
from img2height.scoring.tiles import read_tiles
from img2height.studies.outcome import SAME, SUMS, on_shared_tiles

METHOD = "unet"
VARIANTS = ("none", "shift", "field")
FOLDER = Path("scratch/registration")

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--datasets", nargs="+", default=["woodford", "autzen"])
flags.add_argument("--samples", type=int, default=3000, help="training samples of each network")
flags.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
flags.add_argument("snakemake", nargs="*", help="flags of Snakemake")


def main(args: argparse.Namespace) -> None:
    for name in args.datasets:
        write_dataset(name)
        for variant in VARIANTS:
            experiment = write_experiment(name, variant, args.samples, args.seeds)
            config = ["--config", f"experiment={experiment}", f"experiments={FOLDER}", f"datasets={FOLDER}/datasets"]
            subprocess.run([sys.executable, "-m", "snakemake", *args.snakemake, *config, "--", "metrics"], check=True)
    print("| scene | correction | offset east, north, m | left, m | RMSE, m | change, m |\n|---|---|---|---|---|---|")
    for name in args.datasets:
        print_rows(name, args.seeds)


def write_dataset(name: str) -> None:
    """Write the dataset with one scene per variant, none of which has a declared shift."""
    content = yaml.safe_load(Path(f"config/datasets/{name}.yaml").read_text())
    (scene,) = content["scenes"].values()
    scene["layers"]["eo"].pop("shift_m", None)
    content["scenes"] = {
        variant: scene | ({} if variant == "none" else {"registration": variant}) for variant in VARIANTS
    }
    write(FOLDER / f"datasets/{name}.yaml", content)


def write_experiment(name: str, variant: str, samples: int, seeds: list[int]) -> str:
    """Write the experiment of a variant and return its name."""
    content = yaml.safe_load(Path(f"config/experiments/{name}.yaml").read_text())
    content |= {"name": f"registration_{name}_{variant}", "scenes": {name: {variant: "split"}}, "seeds": seeds}
    content |= {"methods": [METHOD, "mean_height"], "recipes": {}}
    content["params"]["training"] |= {"samples": samples, "validate_every": max(samples // 6, 8)}
    content["params"].setdefault("metrics", {})["allow_missing"] = True
    write(FOLDER / f"{content['name']}.yaml", content)
    return content["name"]


def write(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def print_rows(name: str, seeds: list[int]) -> None:
    tables = {
        (variant, method): tiles_of(f"registration_{name}_{variant}", method, seeds if method == METHOD else seeds[:1])
        for variant in VARIANTS
        for method in (METHOD, "mean_height")
    }
    shared = on_shared_tiles(tables, max(block_px(name, variant) for variant in VARIANTS))
    plain = shared.rmse["none", METHOD]
    for variant in VARIANTS:
        score = shared.rmse[variant, METHOD]
        change = text(score - plain, shared) if variant != "none" else ""
        print(f"| {name} | {variant} | {' | '.join(offsets(name, variant))} | {text(score, shared)} | {change} |")
    print(f"| {name} | mean_height | | | {text(shared.rmse['none', 'mean_height'], shared)} | |", flush=True)


def block_px(name: str, variant: str) -> int:
    """Return the side of the bootstrap blocks that the errors of a variant require."""
    block_m = read_metrics(Path(f"results/registration_{name}_{variant}/metrics.json")).protocol.block_m
    return round(block_m / Scene.load(f"data/scenes/{name}/{variant}/scene.json").grid.gsd_m)


def tiles_of(experiment: str, method: str, seeds: list[int]) -> pandas.DataFrame:
    """Return the sums of each tile over all seeds, as if of one scene."""
    files = [Path(f"results/{experiment}/{method}/oof/seed{seed}/tiles.parquet") for seed in seeds]
    table = pandas.concat([read_tiles(file).assign(scene="scene") for file in files])
    return table.groupby([*SAME, "stratum"], as_index=False)[SUMS].sum()


def text(score, shared) -> str:
    low, high = shared.interval(score)
    return f"{score.value:.2f} ({low:.2f} to {high:.2f})"


def offsets(name: str, variant: str) -> list[str]:
    """Return the offset that was measured and corrected, and the one that is left."""
    scene = Scene.load(f"data/scenes/{name}/{variant}/scene.json")
    found = scene.layers["eo"].applied.get("registration", {"east_m": "", "north_m": ""})
    with open_raster(scene.path("eo")) as image, open_raster(scene.path("ndsm")) as heights:
        left = estimate_offset(image, heights, scene.grid.gsd_m)
    moved = "; ".join(span(found[key]) for key in ("east_m", "north_m"))
    return [moved, f"{left.east_m:+.2f}, {left.north_m:+.2f}" if left else ""]


def span(value: float | list | str) -> str:
    if isinstance(value, list):
        flat = [number for row in value for number in row]
        return f"{min(flat):+.2f} to {max(flat):+.2f}"
    return f"{value:+.2f}" if value != "" else ""


if __name__ == "__main__":
    main(flags.parse_args())
