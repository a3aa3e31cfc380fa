"""Run each script on the outputs of those before it, and write which code of the package each of them runs.

Usage: python tests/make_steps.py FOLDER
"""

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import coverage
import numpy as np
from raw_cases import deliver, ramp, write
from script_steps import CHAIN, GENERATORS, SCRIPTS, Steps, run

SOURCE = SCRIPTS.parent / "src/img2height"


def make(folder: Path) -> None:
    """Run all scripts in this process."""
    steps = Steps(folder)
    deliver(folder / "raw")
    houses = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.full((8, 8), 9, np.float32))
    for name in ("dsm", "dsm_initial"):
        write(folder / f"raw/{name}.tif", ramp() + houses, unit="metre")
    ran = {}
    for name in (*GENERATORS, *CHAIN):
        lines = coverage.Coverage(data_file=None, config_file=False, source=[str(SOURCE)])
        with lines.collect():
            assert run(name, getattr(steps, name)(folder)) == 0, name
        ran[name] = sorted(definitions(lines.get_data()))
    steps.record.write_text(json.dumps(ran))


def definitions(data: coverage.CoverageData) -> Iterator[tuple[str, str]]:
    """Yield module and name of the top-level definitions in whose functions a line was executed."""
    for file in data.measured_files():
        lines = set(data.lines(file) or ())
        module = ".".join(["img2height", *Path(file).relative_to(SOURCE).with_suffix("").parts])
        for name, inside in bodies(Path(file)).items():
            if lines & inside:
                yield module.removesuffix(".__init__"), name


@cache
def bodies(file: Path) -> dict[str, set[int]]:
    """Return the lines inside functions, by top-level definition; the others are executed at the import."""
    return {
        top.name: {
            line
            for node in ast.walk(top)
            if isinstance(node, ast.FunctionDef)
            for line in range(node.body[0].lineno, node.end_lineno + 1)
        }
        for top in ast.parse(file.read_text()).body
        if isinstance(top, ast.FunctionDef | ast.ClassDef)
    }


if __name__ == "__main__":
    make(Path(sys.argv[1]))
