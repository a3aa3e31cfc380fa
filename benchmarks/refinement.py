"""Print by how much each refinement beats the surface model that it starts from, and ResDepth without an image.

snakemake --cores 2 --resources gpu=1 --config experiment=refinement
python benchmarks/refinement.py
"""

import argparse
import json
from pathlib import Path

from img2height.metrics.bootstrap import compare
from img2height.tables import read_table

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("results", type=Path, nargs="?", default=Path("results/refinement"))
REFERENCES = ("initial_dsm", "resdepth_0")


def main(results: Path) -> None:
    scores = json.loads((results / "metrics.json").read_text())["methods"]
    tiles = {name: read_table(results / name / "oof/seed0/tiles.parquet") for name in scores}
    print("| method | RMSE m | MAE m | NMAD m | " + " | ".join(f"RMSE - {name} m (95 %)" for name in REFERENCES) + " |")
    print("|---" * (4 + len(REFERENCES)) + "|")
    for name, seeds in scores.items():
        all_pixels = seeds["seed0"]["all"]
        cells = [f"{all_pixels[key]:.2f}" for key in ("rmse_m", "mae_m", "nmad_m")]
        for reference in REFERENCES:
            found = compare(tiles[name], tiles[reference])
            cells.append(f"{found.rmse_m:+.2f} ({found.low_m:+.2f} to {found.high_m:+.2f})")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(flags.parse_args().results)
