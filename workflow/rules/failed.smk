# Jobs that failed when they were last run: the targets name their files.
#
# Snakemake 9 records the parameters of a failed job as if it had succeeded, and removes its output. It makes a missing
# file again only if a target names it, or if a file that depends on it is out of date. Without these functions the next
# run would find nothing to do and keep the files made before the change.

# Wildcards for which the name of a log could be parsed in more than one way.
ONE_WAY = {"{experiment}": f"{{experiment,{EXPERIMENT}}}", "{height}": "{height,height(_pair[0-9]+)?}"}


def failed_up_to(last):
    """Return the input function of a target: the missing files of failed jobs, of all steps up to `last`."""
    steps = [step for step in TABLE[: TABLE.index(STEPS[last]) + 1] if step.file]
    return lambda wildcards: [file for step in steps for file in failed_files(step)]


def failed_files(step):
    """Return the missing files of a step's jobs that have started since they last succeeded."""
    pattern = step.log
    for wildcard, constrained in ONE_WAY.items():
        pattern = pattern.replace(wildcard, constrained)
    found = glob_wildcards(pattern)
    jobs = [dict(zip(found._fields, values)) for values in zip(*found)]
    files = [step.file.format(**job) for job in jobs if is_planned(job) and has_failed(step, job)]
    return [file for file in files if not Path(file).exists()]


def has_failed(step, job):
    """Return whether a log is newer than the benchmark file, which Snakemake writes when a job has succeeded."""
    began, ended = Path(step.log.format(**job)), Path(step.benchmark.format(**job))
    return not ended.exists() or began.stat().st_mtime > ended.stat().st_mtime


def is_planned(job):
    """Return whether the experiment still has a job: there may be logs of earlier settings."""
    planned = {"dataset": project.datasets, "method": METHODS, "fold": FOLDS, "seed": SEEDS, "scene": DATASET_OF}
    if any(value not in set(map(str, planned.get(name, [value]))) for name, value in job.items()):
        return False
    pair = job.get("height", "height").removeprefix("height").removeprefix("_pair")
    return not pair or int(pair) in pairs(job["method"], job["scene"])
