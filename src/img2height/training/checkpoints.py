"""Checkpoints that appear as a whole."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from img2height.io.atomic import atomic_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside the one that it replaces, then renames it.

    Lightning's own way leads through the temporary folder of the system. That is often another disk, and a training
    killed while the file is copied from there would leave a checkpoint that nobody can resume from.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Save a checkpoint.

        Raises:
            DataError: the disk is full.
        """
        content = io.BytesIO()  # torch tells a full disk by a RuntimeError, a file by its number
        torch.save(checkpoint, content)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content.getbuffer())
