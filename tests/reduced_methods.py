"""All methods with fewer channels: the same code, where the published widths would take a test many seconds."""

from model_cases import card_of, sealed

from img2height.methods import build, names, recipes_folder
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import Normalisation
from img2height.settings.project import load_recipe
from img2height.vocabulary.layers import INITIAL

RECIPES = {name: load_recipe(recipes_folder(), name) for name in names()}
FUSION = {"width": 8, "d_model": 64, "layers": 1, "heads": 4, "positions": 4}
REDUCED = {
    "cgan": {"width": 8},
    "deeplabv3plus": {"encoder": "resnet18", "width": 32},
    "duc_hdc": {"encoder": "resnet18"},
    "eigen": {"size_px": 64},
    "fusionheightnet": FUSION,
    "mobilenetv2": {"half_features": True},
    "omniheight": {"encoder": "tu-resnet10t", "weights": "none", "light": 4, "skip": 2, "width": 16},
    "pspnet": {"encoder": "resnet18", "width": 64},
    "resdepth": {"start_kernel": 8},
    "resunet": {"width": 8},
    "segnet": {"width": 8},
    "squeezenet": {"half_features": True},
    "upernet": {"encoder": "resnet18", "width": 32},
}


def options_of(name: str) -> dict:
    return REDUCED.get(RECIPES[name].network, {})


def side_of(name: str) -> int:
    """Return the smallest side that the recipe's network accepts, in pixels."""
    return options_of(name).get("size_px") or max(RECIPES[name].tile_multiple, 8)


def model_of(name: str, **given: object) -> LoadedModel:
    """Return an untrained model; images have the mean 100 and the standard deviation 30, heights 3 and 20 m."""
    recipe = RECIPES[name]
    image = {layer: dict.fromkeys(bands, (100.0, 30.0)) for layer, bands in recipe.inputs.items() if layer != INITIAL}
    normalisation = Normalisation(image, recipe.normalisation.height, 3.0, 20.0, recipe.normalisation.image)
    return LoadedModel(build(name, **options_of(name)).eval(), sealed(card_of(recipe, normalisation, **given)))
