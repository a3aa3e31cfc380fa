"""How many trainings run at the same time: one per GPU, and without a GPU as many as the cores allow."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.iocontainers import Wildcards
from snakemake.scheduling.greedy import Scheduler, SchedulerSettings
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry
from workflow_rules import Workflow, loaded_workflow


@pytest.fixture(scope="module")
def workflow() -> Iterator[Workflow]:
    with loaded_workflow() as loaded:
        yield loaded


def resources(workflow: Workflow, rule: str) -> dict[str, Any]:
    """Return the GPUs that a job requests at its first attempt."""
    wildcards = Wildcards(fromdict={"experiment": "demo", "method": "unet", "fold": "0", "seed": "0"})
    return dict(workflow.get_rule(rule).expand_resources(wildcards, [], attempt=1).items())


def trainings_at_once(workflow: Workflow, cores: int, gpus: int) -> int:
    """Return how many of six single-threaded trainings the scheduler starts together."""
    asked = {**resources(workflow, "train"), "_cores": 1}
    jobs = [SimpleNamespace(scheduler_resources=asked, priority=0, input=[]) for _ in range(6)]
    scheduler = Scheduler(None, SchedulerSettings(), logging.getLogger(__name__))
    return len(scheduler.select_jobs(jobs, jobs, {"_cores": cores, "gpu": gpus}, {}))


@pytest.mark.parametrize(
    ("found", "cores", "gpus", "expected"),
    [(False, 1, 1, 1), (False, 2, 1, 2), (False, 8, 1, 6), (True, 8, 1, 1), (True, 8, 2, 2)],
)
def test_trainings_share_the_cores_unless_there_are_gpus(workflow, monkeypatch, found, cores, gpus, expected):
    monkeypatch.setitem(workflow.globals, "has_gpu", lambda: found)
    assert trainings_at_once(workflow, cores, gpus) == expected


@pytest.mark.parametrize("rule", ["train", "predict", "predict_footprints"])
@pytest.mark.parametrize("executor", ["slurm", "slurm-jobstep"])
def test_jobs_of_a_cluster_request_a_gpu_on_any_login_node(workflow, monkeypatch, rule, executor):
    monkeypatch.setitem(workflow.globals, "has_gpu", lambda: False)
    monkeypatch.setattr(workflow, "_executor_plugin", ExecutorPluginRegistry().get_plugin(executor))
    assert resources(workflow, rule)["gpu"] == 1
