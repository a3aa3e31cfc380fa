"""Settings of a process for computing on the CPU."""

import platform
import subprocess
import sys

import pytest

PAGES = 16384
FREED_AND_TAKEN = """
import resource, torch
from img2height.cpu import set_up_cpu
set_up_cpu(1)
layer = lambda: torch.ones(4, 64, 256, 256)  # 64 MiB
for _ in range(10):
    layer()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    layer()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, torch.get_num_threads())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this setting")
def test_freed_memory_of_tensors_is_kept() -> None:
    run = subprocess.run([sys.executable, "-c", FREED_AND_TAKEN], capture_output=True, text=True, check=True)
    faults, threads = map(int, run.stdout.split())
    assert faults < PAGES  # those of one layer; without the setting there are as many each time
    assert threads == 1
