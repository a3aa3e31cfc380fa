"""Print how often the intervals cover the true value, on simulated errors with spatial correlation.

Each row simulates 1,000 square fields of errors with known RMSE, MAE and bias. It gives the share of the intervals that
cover the true value, which should be 95 %, and the same for intervals that treat pixels as independent.

python benchmarks/intervals.py
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from simulated_errors import SCORES, Setting, coverage

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--fields", type=int, default=1000)
flags.add_argument("--resamples", type=int, default=2000)

SETTINGS = [
    Setting(10, 20, 5, "gaussian", "normal"),
    Setting(10, 20, 5, "exponential", "normal"),
    Setting(10, 20, 2, "exponential", "normal"),
    Setting(10, 20, 10, "exponential", "normal"),
    Setting(10, 20, 20, "exponential", "normal"),
    Setting(5, 20, 5, "gaussian", "normal"),
    Setting(20, 20, 5, "exponential", "normal"),
    Setting(10, 20, 5, "exponential", "skewed"),
    Setting(10, 20, 5, "gaussian", "very skewed"),
]


def main(count: int, resamples: int) -> None:
    print("| blocks | block px | length px | correlation | errors | " + " | ".join(SCORES) + " | pixels: rmse_m |")
    print("|---" * (6 + len(SCORES)) + "|")
    for setting in SETTINGS:
        found = coverage(setting, count=count, resamples=resamples)
        cells = [f"{100 * found[score][0]:.1f} %" for score in SCORES] + [f"{100 * found['rmse_m'][1]:.1f} %"]
        print(f"| {setting.across**2} | {' | '.join(map(str, setting[1:]))} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    arguments = flags.parse_args()
    main(arguments.fields, arguments.resamples)
