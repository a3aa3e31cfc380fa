"""The settings of a prediction outside the workflow: those of params.yaml, and of the model's training."""

from img2height.methods import recipes_folder
from img2height.models.folder import LoadedModel
from img2height.settings.parsing import merge, parse, parse_file
from img2height.settings.protocol import Inference, Params


def protocol() -> Params:
    """Return the protocol: params.yaml of the installed package or of the source checkout, as for recipes."""
    path = recipes_folder().parents[1] / "params.yaml"
    return parse_file(Params, path)


def inference_settings(model: LoadedModel, **changes: object) -> Inference:
    """Return the settings of params.yaml, with the model's training tile size and changes; None changes nothing.

    Args:
        model: its card contains its tile size.
        changes: values by key of `Inference`.

    Raises:
        SettingsError: an invalid change.
    """
    own = {"window_px": model.card.tile_px, **changes}
    given = {key: value for key, value in own.items() if value is not None}
    return parse(Inference, merge(protocol().inference.model_dump(), given), "the windows")
