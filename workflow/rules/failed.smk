# Jobs that failed when they were last run: the targets name their files.
#
# Of a job that failed, Snakemake 9 records the parameters as if it had ended well, and it removes the files. It makes a
# missing file again only where a target names it, or where what is made from it is out of date. Without these the next
# run would find nothing to do, and keep what was made before the change that failed.

# Wildcards that a name of a log could be divided into in more than one way.
ONE_WAY = {"{experiment}": f"{{experiment,{EXPERIMENT}}}", "{height}": "{height,height(_pair[0-9]+)?}"}


def failed_up_to(last):
    """Return the input function of a target: the missing files of jobs that did not end well, of the steps up to one."""
    steps = [step for step in TABLE[: TABLE.index(STEPS[last]) + 1] if step.file]
    return lambda wildcards: [file for step in steps for file in failed_files(step)]


def failed_files(step):
    """Return the missing files of a step's jobs that have begun since they last ended well."""
    pattern = step.log
    for wildcard, constrained in ONE_WAY.items():
        pattern = pattern.replace(wildcard, constrained)
    found = glob_wildcards(pattern)
    jobs = [dict(zip(found._fields, values)) for values in zip(*found)]
    files = [step.file.format(**job) for job in jobs if is_planned(job) and has_failed(step, job)]
    return [file for file in files if not Path(file).exists()]


def has_failed(step, job):
    """Return whether a log is newer than what Snakemake measures when a job has ended well."""
    began, ended = Path(step.log.format(**job)), Path(step.benchmark.format(**job))
    return not ended.exists() or began.stat().st_mtime > ended.stat().st_mtime


def is_planned(job):
    """Return whether the experiment still has a job: logs of other settings may lie beside its own."""
    known = {"dataset": project.datasets, "method": METHODS, "fold": FOLDS, "seed": SEEDS, "scene": DATASET_OF}
    if any(value not in set(map(str, known.get(name, [value]))) for name, value in job.items()):
        return False
    pair = job.get("height", "height").removeprefix("height").removeprefix("_pair")
    return not pair or int(pair) in pairs(job["method"], job["scene"])
