"""Print how long Snakemake takes to plan a large experiment, and how many jobs it has.

Also how many jobs are submitted to a cluster, and the length of the longest command: Linux accepts 128 KiB.

python benchmarks/graph.py --scenes 1000 --methods 10
python benchmarks/graph.py --scenes 1000 --methods 10 --silent
python benchmarks/graph.py --trained -- --profile workflow/profiles/slurm
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
sys.path.append(str(Path(__file__).parents[1] / "workflow/rules"))
from large_workflow import METHODS, plan, write_experiment, write_trained
from steps import TABLE

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--scenes", type=int, default=1000, help="scenes, each divided into five folds")
flags.add_argument("--methods", type=int, default=10, help=f"methods, {len(METHODS)} at most")
flags.add_argument("--trained", action="store_true", help="plan only the steps after the trainings")
flags.add_argument("--silent", action="store_true", help="print only the planning time, not the jobs")
flags.add_argument("snakemake", nargs="*", help="more arguments for Snakemake, after --")


def main(args: argparse.Namespace) -> None:
    arguments = [*(["--quiet", "rules", "progress"] if args.silent else []), *args.snakemake]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_experiment(folder, args.scenes, args.methods)
        if args.trained:
            write_trained(folder, args.scenes, args.methods)
            rules = [step.rule for step in TABLE if step.stage == "results"]
            arguments = [*arguments, "--allowed-rules", *rules, "--", "all"]
        start = time.monotonic()
        events = plan(folder, *arguments)
        seconds = time.monotonic() - start
        if not args.silent:
            for rule, count in events.jobs().items():
                print(f"{rule:20} {count:6}")
            print(f"{sum(events.jobs().values())} jobs; {events.submissions()} submissions to a cluster")
            print(f"longest command: {max(len(command.encode()) for command in events.commands())} bytes")
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    print(f"planned in {seconds:.1f} s ({cpu:.1f} s of CPU)")


if __name__ == "__main__":
    main(flags.parse_args())
