"""Print for the trained models of an experiment how fast each engine is, what it does to the scores, and the verdict.

make demo
python benchmarks/engines.py

Times are of single windows, in turns; the fastest of all rounds counts. Scores are those of validation windows, which
decide whether an engine is admitted, see `img2height.inference.admission`. Nothing is stored.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from measured import measured_copy

from img2height.cpu import set_up_cpu
from img2height.inference.defaults import protocol
from img2height.inference.engines import EXACT
from img2height.inference.engines.choose import engines_here
from img2height.inference.inputs import InputWindow
from img2height.inference.network import Network
from img2height.models.folder import LoadedModel
from img2height.settings.protocol import Inference

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--experiment", default="demo")
flags.add_argument("--methods", nargs="+", default=["unet", "omniheight_eo", "resdepth_stereo"])
flags.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="compute threads")
flags.add_argument("--rounds", type=int, default=5)


def main(args: argparse.Namespace) -> None:
    settings = protocol().inference
    threads = " | ".join(f"times faster, {count} thread{'s' * (count > 1)}" for count in args.threads)
    print(
        f"| model | engine | {threads} | mean change, m | 99.9 percentile, m | RMSE (95 % interval) | MAE | verdict |"
    )
    print(f"|---|---|{'---|' * len(args.threads)}---|---|---|---|---|", flush=True)
    for method in args.methods:
        with tempfile.TemporaryDirectory() as scratch:
            model, measured = measured_copy(args.experiment, method, Path(scratch) / method)
            faster = [speeds(model, settings, count, args.rounds) for count in args.threads]
        for name, found in measured.engines.items():
            rmse = f"{found.rmse.value:+.2%} ({found.rmse.low:+.2%} to {found.rmse.high:+.2%})"
            changes = f"{found.mean_m:.3g} | {found.most_m:.2g} | {rmse} | {found.mae.value:+.2%} | {found.verdict}"
            print(
                f"| `{method}` | `{name}` | {' | '.join(f'{each[name]:.1f}' for each in faster)} | {changes} |",
                flush=True,
            )


def speeds(model: LoadedModel, settings: Inference, threads: int, rounds: int) -> dict[str, float]:
    """Return by engine how many times faster than exact it predicts a window."""
    set_up_cpu(threads)
    names = (EXACT, *engines_here(model))
    networks = {name: Network(model, "cpu", settings.model_copy(update={"engine": name})) for name in names}
    rng, side = np.random.default_rng(0), settings.window_px
    inputs = {layer: rng.normal(size=(len(b), side, side)).astype("f4") for layer, b in model.recipe.inputs.items()}
    window = InputWindow(inputs, np.ones((side, side), bool), 0.0)
    seconds = {name: float("inf") for name in names}
    for _ in range(rounds + 1):  # the first allocates
        for name, network in networks.items():
            start = time.perf_counter()
            network.predict([window])
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    return {name: seconds[EXACT] / seconds[name] for name in names}


if __name__ == "__main__":
    main(flags.parse_args())
