"""The workflow on a real SLURM cluster, with jobs that fail, hang, exceed their memory or are cancelled."""

import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from polling import wait_for
from workflow_events import Events
from workflow_tree import ROOT, Tree

PROFILE = ("--profile", f"{ROOT}/workflow/profiles/slurm")
# The times of the profile suit jobs of minutes; these take seconds.
HASTE = ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1")
WORKFLOW = ("--config", "experiment=tiny", "--", "metrics")
# One method, whose training takes long enough to be interrupted.
CHANGES = {
    "methods: [unet, mean_height, resdepth_stereo, initial_dsm]": "methods: [unet]",
    "samples: 16, validate_every: 8": "samples: 400, validate_every: 40",
}


@dataclass
class Run:
    """A run of Snakemake in the background."""

    folder: Path
    process: subprocess.Popen
    events: Events

    @classmethod
    def start(cls, folder: Path, *arguments: str) -> "Run":
        folder.mkdir(exist_ok=True)
        events = Events(folder / ".snakemake/events.jsonl")
        command = ["snakemake", *events.flags, *arguments]
        with (folder / "said.txt").open("w") as said:
            process = subprocess.Popen(
                command, cwd=folder, env=events.environment, stdout=said, stderr=subprocess.STDOUT
            )
        return cls(folder, process, events)

    def said(self) -> str:
        """Return the output of the run, once it has ended."""
        self.process.wait(900)
        return (self.folder / "said.txt").read_text()

    def so_far(self) -> str:
        """Return the last lines of the output so far."""
        return (self.folder / "said.txt").read_text()[-4000:]

    def stop(self) -> None:
        """End a run that no test waited for; on SIGINT Snakemake first removes its jobs from the queue."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)


@pytest.fixture(scope="module")
def runs(cluster, steps, tmp_path_factory):
    """Return all runs by name. They start together, because they mostly wait; `steps` compiled their kernels."""
    folder = tmp_path_factory.mktemp("runs")
    misfortunes = ("--snakefile", f"{ROOT}/tests/slurm/misfortunes.smk", *PROFILE)
    trees = {name: Tree(folder / name) for name in ("cluster", "local")}
    for tree in trees.values():
        experiment = tree.folder / "config/test/experiments/tiny.yaml"
        text = experiment.read_text()
        text = text[: text.index("recipes:")]
        for old, new in CHANGES.items():
            assert old in text
            text = text.replace(old, new)
        experiment.write_text(text)
    started = {
        "slow": Run.start(folder / "slow", *misfortunes, "slow.txt"),
        "cluster": Run.start(trees["cluster"].folder, *PROFILE, *HASTE, *WORKFLOW),
        "misfortunes": Run.start(folder / "misfortunes", *misfortunes, *HASTE, "all"),
        "local": Run.start(trees["local"].folder, "--cores", "1", *WORKFLOW),
    }
    try:
        shorten_the_training(started["cluster"])
        yield started
    finally:
        for run in started.values():
            run.stop()


def shorten_the_training(run: Run) -> None:
    """Shorten the walltime of a running training, and stop the training until SLURM has signalled it."""
    watched = {"process": run.process, "said": run.so_far}
    job = wait_for(lambda: queued("rule_train"), **watched)
    wait_for(lambda: list(run.folder.glob("scratch/training/**/last.ckpt")), **watched)
    training = min(processes("scripts/train.py", run.folder), key=psutil.Process.create_time)  # its readers are younger
    training.suspend()
    try:
        wait_for(
            lambda: training.status() == psutil.STATUS_STOPPED, **watched
        )  # what writes to a disk stops after that
        running = subprocess.run(["squeue", "-h", "-j", job, "-o", "%M"], capture_output=True, text=True, check=True)
        minutes = int(running.stdout.split(":")[-2])
        limit = ["scontrol", "update", f"JobId={job}", f"TimeLimit={minutes + 2}"]
        subprocess.run(limit, check=True)
        wait_for(lambda: was_told(training), **watched)
    finally:
        with suppress(psutil.NoSuchProcess):
            training.resume()


def queued(comment: str) -> str | None:
    """Return the number of a job in SLURM's queue whose comment, which names its rule, begins so."""
    jobs = subprocess.run(["squeue", "-h", "-o", "%i %k"], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=1) for line in jobs.splitlines())
    return next((number for number, text in rows if text.startswith(comment)), None)


def processes(script: str, folder: Path) -> list[psutil.Process]:
    """Return the processes that run a script in a folder; not the shells that start them."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if process.cmdline()[1:2] == [script] and Path(process.cwd()) == folder:
                found.append(process)
    return found


def was_told(process: psutil.Process) -> bool:
    """Return whether a held process has SIGTERM waiting; some versions of SLURM let it go then."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return True
    waiting = int(dict(line.split(":", 1) for line in status.splitlines())["ShdPnd"], 16)
    return "(stopped)" not in status or bool(waiting >> (signal.SIGTERM - 1) & 1)


def ended(run: Run) -> Events:
    """Return the events of a run that has ended."""
    run.said()
    return run.events


def test_a_failing_job_is_tried_three_more_times_and_reported_with_its_logs(runs):
    events = ended(runs["misfortunes"])
    assert runs["misfortunes"].process.returncode == 1
    assert events.attempts("hopeless") == 4
    own, slurm = events.logs("hopeless")[-2:]
    assert (runs["misfortunes"].folder / own).read_text() == "no such scene\n"
    assert "Error in rule hopeless" in slurm.read_text()
    assert not (runs["misfortunes"].folder / "hopeless.txt").exists()


def test_a_cancelled_job_is_tried_again(runs):
    events = ended(runs["misfortunes"])
    assert "SLURM status is: 'CANCELLED'" in runs["misfortunes"].said()
    assert (runs["misfortunes"].folder / "cancelled.txt").read_text() == "done\n"
    assert "CANCELLED" in events.logs("cancelled")[1].read_text()


def test_a_job_out_of_memory_is_tried_again_with_twice_the_memory(runs):
    events = ended(runs["misfortunes"])
    assert events.attempts("crowded") == 2
    assert "exceeded memory limit" in events.logs("crowded")[1].read_text()
    assert (runs["misfortunes"].folder / "crowded.txt").read_text() == "800\n"


def test_each_gpu_is_granted_to_one_job(runs):
    runs["misfortunes"].said()
    granted = [(runs["misfortunes"].folder / f"granted_{number}.txt").read_text() for number in (0, 1)]
    assert sorted(granted) == ["0\n", "1\n"]


def test_a_training_at_its_walltime_resumes_and_ends_with_the_same_bytes(runs):
    said = {name: runs[name].said() for name in ("cluster", "local")}
    events = runs["cluster"].events
    assert events.attempts("train") == 2, said["cluster"][-4000:]
    # Not because a process was lost: it saved its current step.
    assert "returned non-zero exit status 75" in events.logs("train")[1].read_text()
    model, log = "models/tiny/unet/fold0/seed0", "logs/train/tiny/unet/fold0_seed0.log"
    assert "resuming from" in (runs["cluster"].folder / log).read_text()
    for name in ("model.safetensors", "last.safetensors", "history.csv", "card.json"):
        made = [(runs[where].folder / model / name).read_bytes() for where in said]
        assert made[0] == made[1], name


def test_the_cluster_makes_the_files_of_a_local_run_in_few_jobs(runs):
    said = {name: runs[name].said() for name in ("cluster", "local")}
    assert runs["local"].process.returncode == 0, said["local"][-4000:]
    assert runs["cluster"].process.returncode == 0, said["cluster"][-4000:]
    scores = [(runs[name].folder / "results/tiny/metrics.json").read_bytes() for name in ("cluster", "local")]
    assert scores[0] == scores[1]
    # Three districts are made, prepared and indexed in one job; so are the maps of a method after its prediction.
    events = runs["cluster"].events
    groups = [event["group_id"] for event in events.all("group_info")]
    assert groups == ["scenes", "folds", "predict_unet_seed0", "finish_unet_seed0", "collect"]
    single = [event["rule_name"] for event in events.all("job_info") if event["shellcmd"] and not event["indent"]]
    assert single == ["augment_samples", "train", "train", "calibrate_intervals", "evaluate"]
    assert len(events.all("job_finished")) == 23


def test_a_job_out_of_time_is_tried_again_with_twice_the_time(runs):
    said = runs["slow"].said()
    assert runs["slow"].process.returncode == 0, said[-4000:]
    assert "SLURM status is: 'TIMEOUT'" in said
    assert "DUE TO TIME LIMIT" in runs["slow"].events.logs("slow")[1].read_text()
    assert (runs["slow"].folder / "slow.txt").read_text().endswith("2\n")
