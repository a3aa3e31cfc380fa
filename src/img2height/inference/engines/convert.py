"""The network of a model as an ONNX graph, from which engines are built: normalised tensors in, its outputs out."""

import torch
from torch import Tensor, nn

from img2height.inference.engines.cache import cached
from img2height.inference.engines.trace import traced
from img2height.models.folder import LoadedModel
from img2height.provenance.digest import code_digest
from img2height.provenance.versions import installed, versions
from img2height.settings.installed import network_modules

PACKAGES = ("onnx", "onnxscript")


class Ordered(nn.Module):
    """A network with its inputs and outputs in order instead of by name.

    Args:
        model: its network is used as it is.

    Attributes:
        layers: the inputs.
        outputs: the results.
    """

    def __init__(self, model: LoadedModel):
        super().__init__()
        self.network = model.network
        self.layers = list(model.inputs)
        self.outputs = list(model.recipe.outputs)

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for B x C x H x W float32 of each of `layers`, normalised."""
        found = self.network(dict(zip(self.layers, images, strict=True)))
        return tuple(found[name] for name in self.outputs)


def network_graph(model: LoadedModel, side_px: int) -> bytes:
    """Return the network as an ONNX file for one window of this side, traced once and then taken from the cache."""
    key = {
        "weights": model.card.weights_sha256,
        "recipe": model.recipe.model_dump(mode="json"),
        "side_px": side_px,
        "code": code_digest(__name__, network_modules()[model.recipe.network]),
        "versions": versions() | installed(PACKAGES),
    }
    return cached(key, lambda: _trace(model, side_px))


def _trace(model: LoadedModel, side_px: int) -> bytes:
    graph = Ordered(model).eval()
    windows = tuple(torch.zeros(1, len(bands), side_px, side_px) for bands in model.inputs.values())
    return traced(graph, windows, graph.layers, graph.outputs, free_batch=False)
