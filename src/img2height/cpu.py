"""Settings of a process for computing on the CPU."""

import ctypes

import torch

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h
KEPT_BYTES = 2**31 - 1
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
VNNI_INSTRUCTIONS = ("avx512_vnni", "avx_vnni")


def set_up_cpu(threads: int) -> None:
    """Set torch's number of compute threads, and let the process keep the memory that its tensors free.

    glibc returns the memory of large tensors to the system, and requesting it again for each layer costs time in every
    forward pass and training step. Other C libraries are left unchanged.
    """
    torch.set_num_threads(threads)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for threshold in (MMAP_THRESHOLD, TRIM_THRESHOLD):
            mallopt(threshold, KEPT_BYTES)


def computes_in_bfloat16() -> bool:
    """Return whether the processor has instructions that multiply bfloat16; without them it is slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in BFLOAT16_INSTRUCTIONS)


def multiplies_int8() -> bool:
    """Return whether the processor adds products of whole numbers of 8 bits without overflow (VNNI).

    Without these instructions, sums of two products are cut off at 16 bits, and heights are wrong.
    """
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in VNNI_INSTRUCTIONS)
