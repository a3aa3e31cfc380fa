"""How a process computes on the CPU."""

import ctypes

import torch

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h
KEPT_BYTES = 2**31 - 1


def set_up_cpu(threads: int) -> None:
    """Let torch compute in so many threads, and the process keep the memory that its tensors free.

    glibc returns what large tensors leave to the system, and fetching it again for each layer costs time in every
    forward pass and training step. Other C libraries are left as they are.
    """
    torch.set_num_threads(threads)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for threshold in (MMAP_THRESHOLD, TRIM_THRESHOLD):
            mallopt(threshold, KEPT_BYTES)
