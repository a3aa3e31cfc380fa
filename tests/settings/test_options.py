"""Options that a network or an optimiser does not take are refused before anything runs."""

import pytest

from img2height.errors import SettingsError
from img2height.methods import build_network, names, recipes_folder
from img2height.settings import options
from img2height.settings.installed import network_modules
from img2height.settings.options import network_options
from img2height.settings.project import load_recipe


@pytest.mark.parametrize(
    ("method", "changes", "words"),
    [
        ("unet", {"options": {"dept": 3}}, r"options: there is no option 'dept'; did you mean 'depth'\?"),
        ("resdepth_0", {"options": {"outer_skp": False}}, r"options: .*'outer_skp'; did you mean 'outer_skip'\?"),
        ("fusionheightnet", {"options": {"dmodel": 8}}, r"options: .*'dmodel'; did you mean 'd_model'\?"),
        (
            "unet",
            {"optimizer": {"options": {"weight_deca": 1}}},
            "unknown key .*mean 'weight_decay'",
        ),
        (
            "pspnet",
            {"optimizer": {"options": {"betas": [0.9, 0.9]}}},
            "optimizer: sgd has no option betas",
        ),
        ("cgan", {"discriminator": {"options": {"widht": 4}}}, "discriminator.options: .* did you mean 'width'"),
        (
            "cgan",
            {"discriminator": {"optimizer": {"options": {"bets": 1}}}},
            "unknown key disc",
        ),
    ],
)
def test_an_option_that_is_not_taken_is_named(method, changes, words):
    with pytest.raises(SettingsError, match=f"method {method}: {words}"):
        load_recipe(recipes_folder(), method, changes)


def test_the_options_of_every_network_are_read():
    """Each of them can be given to the network; recipes with others could not be loaded."""
    for method in names():
        recipe = load_recipe(recipes_folder(), method)
        taken = network_options(network_modules()[recipe.network], "build")
        assert taken is not None, recipe.network
        assert taken >= recipe.options.keys()
    with pytest.raises(SettingsError, match="cannot be built with"):
        build_network("resdepth", {"dsm_initial": 1}, {"dept": 3})


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("def build(bands, width=3, *, depth=2): ...", {"width", "depth"}),
        ("def build(bands, **options): return Other(bands, **options)", None),
        ("from elsewhere import build", None),
        ("class N:\n  def __init__(self, b, *, w): ...\ndef build(a, *, d=1, **o): return N(a, **o)", {"b", "w", "d"}),
        ("class N:\n  def __init__(self, **o): ...\ndef build(bands, **o): return N(**o)", None),
    ],
)
def test_what_a_file_does_not_tell_is_not_refused(tmp_path, monkeypatch, text, taken):
    (tmp_path / "net.py").write_text(text)
    monkeypatch.setattr(options, "module_file", lambda module: tmp_path / "net.py")
    assert network_options.__wrapped__("net", "build") == taken
