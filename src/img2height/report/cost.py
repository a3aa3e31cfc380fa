"""Time, memory and estimated energy of a run: a separate page, because they differ between machines."""

from collections.abc import Mapping
from pathlib import Path

import pandas

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.report.templating import environment

COLUMNS = {"s": "wall_s", "cpu_time": "cpu_s", "max_rss": "memory_mb"}
CORE_W, MEMORY_W_PER_GB = 12.0, 0.3725  # Lannelongue et al. 2021, https://doi.org/10.1002/advs.202100707
JOULE_PER_WH = 3600.0


def cost_table(benchmarks: Mapping[str, Path], methods: list[str], test_area_km2: float) -> pandas.DataFrame:
    """Return the cost of each measured step of each method, summed over its jobs.

    Columns: method, step, jobs, wall_s and cpu_s (sums), memory_mb (of the largest job), energy_wh, wh_per_km2.
    Energy counts busy cores and memory but no GPUs: 12 W per core and 0.3725 W per GB (Lannelongue et al. 2021,
    https://doi.org/10.1002/advs.202100707).

    Args:
        benchmarks: by step, a folder with one folder per method that contains Snakemake's benchmark files (*.tsv: s,
            cpu_time, max_rss in MB).
        methods: in order.
        test_area_km2: of all scenes, in square kilometres.

    Raises:
        DataError: a file is not a benchmark file.
    """
    rows = [
        {"method": method, "step": step} | _sums(jobs)
        for method in methods
        for step, folder in benchmarks.items()
        if not (jobs := _jobs(folder / method)).empty
    ]
    table = pandas.DataFrame(rows, columns=["method", "step", "jobs", "wall_s", "cpu_s", "memory_mb", "energy_wh"])
    return table.assign(wh_per_km2=table.energy_wh / test_area_km2)


def _sums(jobs: pandas.DataFrame) -> dict[str, float]:
    joule = (CORE_W * jobs.cpu_s + MEMORY_W_PER_GB * jobs.memory_mb / 1000 * jobs.wall_s).sum()
    return {
        "jobs": len(jobs),
        "wall_s": jobs.wall_s.sum(),
        "cpu_s": jobs.cpu_s.sum(),
        "memory_mb": jobs.memory_mb.max(),
        "energy_wh": joule / JOULE_PER_WH,
    }


def _jobs(folder: Path) -> pandas.DataFrame:
    """Return one row per job; a dash or NA, which short jobs have, counts as 0."""
    tables = [_read(path) for path in sorted(folder.rglob("*.tsv"))]
    empty = pandas.DataFrame(columns=list(COLUMNS.values()), dtype=float)
    return pandas.concat(tables, ignore_index=True) if tables else empty


def _read(path: Path) -> pandas.DataFrame:
    table = pandas.read_csv(path, sep="\t", na_values="-")
    if missing := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path}: has no column {missing[0]!r}; is it a Snakemake benchmark file?")
    return table[list(COLUMNS)].rename(columns=COLUMNS).astype(float).fillna(0.0)


def write_cost(table: pandas.DataFrame, title: str, out: Path) -> None:
    """Write the cost page.

    Args:
        table: see `cost_table`.
        title: of the experiment.
        out: the HTML file.
    """
    text = (
        environment()
        .get_template("cost.html")
        .render(table=table, title=title, core_w=CORE_W, memory_w=MEMORY_W_PER_GB)
    )
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
