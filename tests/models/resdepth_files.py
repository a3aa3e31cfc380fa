"""Files like those that the authors' ResDepth code writes."""

import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from img2height.methods import build_network
from img2height.models.official import import_resdepth

SETTINGS = {
    "n_input_channels": 3, "start_kernel": 4, "depth": 2, "act_fn_encoder": "relu", "act_fn_decoder": "relu",
    "act_fn_bottleneck": "relu", "up_mode": "transpose", "do_BN": True, "outer_skip": True, "outer_skip_BN": False,
    "bias_conv_layer": True,
}  # fmt: skip
CHANNELS = {"geom": {"dsm_initial": 1}, "geom-mono": {"dsm_initial": 1, "views": 1}, "stereo": {"views": 2}}


class Files(SimpleNamespace):
    """One official training in a folder."""

    def run(self, out: Path) -> None:
        import_resdepth(self.checkpoint, self.config, self.normalization, out, gsd_m=0.25)


def official(folder: Path, channels: str = "geom-stereo", **settings: object) -> Files:
    """Write the files of a small training."""
    bands = CHANNELS.get(channels, {"dsm_initial": 1, "views": 2})
    settings = {**SETTINGS, "n_input_channels": sum(bands.values()), **settings}
    options = {"depth": 2, "start_kernel": 4, "outer_skip": settings["outer_skip"]}
    torch.manual_seed(3)
    network = build_network("resdepth", bands, options)
    optimizer = torch.optim.Adam(network.parameters())
    files = Files(
        network=network, checkpoint=folder / "Model_best.pth", config=folder / "model_config.json",
        normalization=[folder / "DSM_normalization_parameters.p", folder / "Image_normalization_parameters.p"],
    )  # fmt: skip
    torch.save(
        {
            "epoch": 12, "model_state_dict": network.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
            "loss_train": np.float64(1.5), "loss_val": 1.25,
        },
        files.checkpoint,
    )  # fmt: skip
    files.config.write_text(json.dumps({"name": "UNet", "input_channels": channels, "settings": settings}))
    files.normalization[0].write_bytes(pickle.dumps({"mean": None, "std": np.float64(4.5)}, 3))
    files.normalization[1].write_bytes(pickle.dumps({"mean": np.float32(312.5), "std": 87.25}, 3))
    if channels == "geom":
        files.normalization.pop()
    return files
