"""The workflow, killed four times and once without space, ends with the bytes of an uninterrupted run."""

import os

import numpy as np
import pytest
from injected_faults import KILLS, SAME, Fault, Run, finished
from workflow_tree import Tree

TARGET = "heights"
RULES = ("train", "predict")


@pytest.fixture(scope="module")
def pristine(tree, tmp_path_factory) -> Tree:
    return finished(tree.copied(tmp_path_factory.mktemp("uninterrupted")), ["unet"], TARGET)


@pytest.mark.parametrize(("number", "kind"), list(enumerate((*KILLS, "disk full"))))
def test_a_rerun_after_a_fault_ends_with_the_same_bytes(pristine, tmp_path, number, kind):
    if kind == "disk full" and os.geteuid():
        pytest.skip("a small disk can only be mounted by root")
    rng = np.random.default_rng([0, number])
    fault = Fault(kind, str(rng.choice(RULES)), float(rng.random()))
    assert Run(pristine, tmp_path / "harmed", TARGET, fault.rule).meet(fault, rng) == SAME
