"""What made a height map, as tags of its raster."""

from pathlib import Path

from img2height.inference.engines.choose import engine_in_words
from img2height.inference.plan import Task
from img2height.inference.tags import INPUTS_TAG, MODEL_TAG, TAGS
from img2height.samples.inputs import layers_read


def origin_of(task: Task) -> dict[str, str]:
    """Return method, digest of the weights, engine, settings and inputs of a prediction; the model's card has the rest.

    Licences are not among them: they may be corrected, which must predict nothing again.

    Args:
        task: with the engine that it uses. Its inputs are layers with their digests, or the names of given rasters.
    """
    model, scene = task.model, task.scene
    read = layers_read(model.inputs, scene, task.views, model.recipe.optional)
    layers = {name: scene.layers[name] for parts in read.values() for name, _ in parts}
    settings = task.settings.model_dump(mode="json", exclude={"engine"})
    return {
        f"{TAGS}METHOD": model.card.method,
        MODEL_TAG: model.card.weights_sha256,
        f"{TAGS}ENGINE": engine_in_words(task.settings.engine),
        f"{TAGS}SETTINGS": ", ".join(f"{key} {value}" for key, value in settings.items()),
        INPUTS_TAG: ", ".join(f"{name} {layer.sha256 or Path(layer.file).name}" for name, layer in layers.items()),
    }
