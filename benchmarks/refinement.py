"""Print by how much each refinement improves on the initial surface model, and on ResDepth without an image.

snakemake --cores 2 --resources gpu=1 --config experiment=refinement
python benchmarks/refinement.py
"""

import argparse
from pathlib import Path

from img2height.comparison.record import read_metrics
from img2height.report.tables.intervals import Uncertainty, read_uncertainty
from img2height.vocabulary.scores import of_kind

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("results", type=Path, nargs="?", default=Path("results/refinement"))
REFERENCES = ("initial_dsm", "resdepth_0")
SCORES = of_kind("errors", "distribution")
SHOWN = ("rmse_m", "mae_m", "nmad_m")


def main(results: Path) -> None:
    metrics = read_metrics(results / "metrics.json")
    uncertainty = read_uncertainty(results / "tables/intervals.csv", results / "tables/comparisons.csv", seed=0)
    print("| method | RMSE m | MAE m | NMAD m | " + " | ".join(f"RMSE - {name} m (95 %)" for name in REFERENCES) + " |")
    print("|---" * (4 + len(REFERENCES)) + "|")
    for name in metrics.methods:
        scores = metrics.seeds(name)[0].group("all")
        cells = [SCORES[score].text(scores[score]) for score in SHOWN]
        cells += [difference(uncertainty, name, reference) for reference in REFERENCES]
        print(f"| {name} | {' | '.join(cells)} |")


def difference(uncertainty: Uncertainty, name: str, reference: str) -> str:
    """Return by how much the RMSE of a method is above that of a reference, with its interval."""
    found = uncertainty.difference(name, reference, "all", "rmse_m")
    if found is None:
        return "–"
    return f"{found.difference:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


if __name__ == "__main__":
    main(flags.parse_args().results)
