"""Atomic checkpoints: they appear only when complete."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from img2height.io.atomic import atomic_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint next to the one that it replaces, then renames it.

    Lightning writes via the system's temporary folder. That is often on another disk, and a training killed while the
    file is copied from there would leave a checkpoint from which nobody can resume.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None) -> None:
        """Save a checkpoint.

        Raises:
            DataError: the disk is full.
        """
        content = io.BytesIO()  # torch reports a full disk as a RuntimeError, a file as an OSError with errno
        torch.save(checkpoint, content)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content.getbuffer())
