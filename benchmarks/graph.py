"""Print how long Snakemake plans a large experiment, and of how many jobs it is made.

Also how many jobs a cluster is given, and how long the longest command is: Linux takes 128 KiB.

python benchmarks/graph.py --scenes 1000 --methods 10
python benchmarks/graph.py --scenes 1000 --methods 10 --silent
python benchmarks/graph.py --trained -- --profile workflow/profiles/slurm
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
METHODS = ("initial_dsm", "unet", "im2height", "segnet_eo", "pspnet_eo", "eigen", "resunet_eo", "upernet_eo")
METHODS += ("im2height_l2", "mean_height")
RESULTS = ("predict", "predict_footprints", "merge_pairs", "residuals", "extract_buildings", "evaluate")
RESULTS += ("collect_metrics", "report")
FOLDS = 5

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--scenes", type=int, default=1000, help="scenes, each divided into five folds")
flags.add_argument("--methods", type=int, default=10, help=f"methods, {len(METHODS)} at most")
flags.add_argument("--trained", action="store_true", help="plan only what follows the trainings")
flags.add_argument("--silent", action="store_true", help="only the time of the plan, with no job of it printed")
flags.add_argument("snakemake", nargs="*", help="more arguments for Snakemake, after --")


def write_experiment(folder: Path, scenes: int, methods: int) -> None:
    """Write a made-up experiment beside links to the workflow; there is no data behind it."""
    for name in ("workflow", "scripts", "src", "envs", "params.yaml"):
        (folder / name).symlink_to(ROOT / name)
    names = [f"scene{number:04d}" for number in range(scenes)]
    about = {"source": "made up", "licence": "CC0-1.0", "vertical_reference": "synthetic datum, metres"}
    cities = {name: {"city": {"seed": seed, "stereo": {}}} for seed, name in enumerate(names)}
    experiment = {"scenes": {"large": dict.fromkeys(names, "split")}, "methods": list(METHODS[:methods])}
    files = {
        "datasets/large.yaml": {"name": "large", "title": "A large dataset", **about, "scenes": cities},
        "experiments/large.yaml": {"name": "large", "title": "A large experiment", **experiment},
        "config.yaml": {"experiment": "large", "experiments": "config/experiments", "datasets": "config/datasets"},
    }
    for name, content in files.items():
        path = folder / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    (folder / "config/methods").symlink_to(ROOT / "config/methods")


def write_trained(folder: Path, scenes: int, methods: int) -> None:
    """Write empty files in place of scenes, folds and models."""
    made = [f"data/scenes/large/scene{number:04d}/scene.json" for number in range(scenes)]
    made += [f"data/folds/large/{name}" for name in ("areas.parquet", "folds.png")]
    for method in METHODS[:methods]:
        for fold in range(FOLDS):
            model = f"models/large/{method}/fold{fold}/seed0"
            made += [f"{model}/{name}" for name in ("model.safetensors", "card.json", "history.csv")]
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def plan(folder: Path, arguments: list[str]) -> tuple[float, str]:
    """Return the seconds that a dry run takes, and what it said."""
    start = time.monotonic()
    command = [sys.executable, "-m", "snakemake", "--dry-run", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return time.monotonic() - start, done.stdout + done.stderr


def submissions(said: str) -> int:
    """Return how many jobs a cluster is given: groups, and the jobs that are in none."""
    return len(re.findall(r"\] Group job |^Job \d+: ", said, re.M))


def longest_command(said: str) -> str:
    """Return length and program of the longest command."""
    commands = re.findall(r"^ +(python scripts/(\w+)\.py .*)$", said, re.M)
    length, program = max((len(command.encode()), program) for command, program in commands)
    return f"{length} bytes ({program})"


def main(args: argparse.Namespace) -> None:
    arguments = [*(["--quiet", "rules", "progress"] if args.silent else ["--printshellcmds"]), *args.snakemake]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_experiment(folder, args.scenes, args.methods)
        if args.trained:
            write_trained(folder, args.scenes, args.methods)
            arguments = [*arguments, "--allowed-rules", *RESULTS, "--", "all"]
        seconds, said = plan(folder, arguments)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    if not args.silent:
        table = re.search(r"^job +count\n.*?^total +\d+", said, re.M | re.S)[0]
        print(f"{table}\na cluster is given {submissions(said)} jobs\nlongest command: {longest_command(said)}")
    print(f"planned in {seconds:.1f} s ({cpu:.1f} s of CPU)")


if __name__ == "__main__":
    main(flags.parse_args())
