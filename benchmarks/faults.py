"""Inject faults into the tiny experiment at random points and check that a rerun ends with the same bytes.

python benchmarks/faults.py 100

tests/injected_faults.py describes the faults. Rows that are already in the table are not repeated.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas

sys.path.append(str(Path(__file__).parents[1] / "tests"))
sys.path.append(str(Path(__file__).parents[1] / "workflow/rules"))
from injected_faults import KINDS, SAME, Fault, Run, finished, harmed_rules
from workflow_tree import Tree

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("faults", type=int, nargs="?", default=100)
flags.add_argument("--seed", type=int, default=0)
flags.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "img2height_faults")
flags.add_argument("--methods", nargs="+", help="methods of the tiny experiment; all by default")
flags.add_argument("--target", default="all", help="target of the workflow")
flags.add_argument("--rules", nargs="+", help="rules into which faults are injected; all by default")


def main(args: argparse.Namespace) -> int:
    pristine = finished(Tree(args.folder / "uninterrupted"), args.methods, args.target)
    rules = args.rules or harmed_rules(pristine, args.target)
    path = args.folder / f"faults_{args.seed}.csv"
    rows = pandas.read_csv(path).to_dict("records") if path.exists() else []
    for n in range(len(rows), args.faults):
        rng = np.random.default_rng([args.seed, n])
        fault = Fault(KINDS[n % len(KINDS)], str(rng.choice(rules)), float(rng.random()))
        start = time.monotonic()
        ended = Run(pristine, args.folder / "harmed", args.target, fault.rule).meet(fault, rng)
        rows.append({"n": n, **vars(fault), "ended": ended, "s": round(time.monotonic() - start, 1)})
        print(f"{n}: {fault.kind}, {fault.rule} at {fault.share:.2f}: {ended}", file=sys.stderr)
        pandas.DataFrame(rows).to_csv(path, index=False)
    table = pandas.DataFrame(rows[: args.faults])
    print("| fault | injected | same bytes | skipped | seconds, median |\n|---|---|---|---|---|")
    for kind, met in table.groupby("kind", sort=False):
        skipped = met["ended"].str.startswith("skipped").sum()
        print(f"| {kind} | {len(met)} | {(met['ended'] == SAME).sum()} | {skipped} | {met['s'].median():.0f} |")
    bad = table[~table["ended"].str.startswith((SAME, "skipped"))]
    return len(bad)


if __name__ == "__main__":
    sys.exit(main(flags.parse_args()) > 0)
