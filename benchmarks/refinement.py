"""Print by how much each refinement beats the surface model that it starts from, and ResDepth without an image.

snakemake --cores 2 --resources gpu=1 --config experiment=refinement
python benchmarks/refinement.py
"""

import argparse
import json
from pathlib import Path

import pandas

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("results", type=Path, nargs="?", default=Path("results/refinement"))
REFERENCES = ("initial_dsm", "resdepth_0")


def main(results: Path) -> None:
    scores = json.loads((results / "metrics.json").read_text())["methods"]
    table = pandas.read_csv(results / "tables/comparisons.csv")
    table = table[(table.stratum == "all") & (table.score == "rmse_m")].set_index(["first", "second"])
    print("| method | RMSE m | MAE m | NMAD m | " + " | ".join(f"RMSE - {name} m (95 %)" for name in REFERENCES) + " |")
    print("|---" * (4 + len(REFERENCES)) + "|")
    for name, seeds in scores.items():
        all_pixels = seeds["seed0"]["all"]
        cells = [f"{all_pixels[key]:.2f}" for key in ("rmse_m", "mae_m", "nmad_m")]
        cells += [difference(table, name, reference) for reference in REFERENCES]
        print(f"| {name} | {' | '.join(cells)} |")


def difference(table: pandas.DataFrame, name: str, reference: str) -> str:
    """Return by how much the RMSE of a method is above that of a reference, with its interval."""
    if name == reference:
        return "–"
    row = table.loc[(name, reference) if (name, reference) in table.index else (reference, name)]
    sign = 1 if row.name[0] == name else -1
    low, high = sorted([sign * row.low, sign * row.high])
    return f"{sign * row.difference:+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main(flags.parse_args().results)
