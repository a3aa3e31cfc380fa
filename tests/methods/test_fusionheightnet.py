"""FusionHeightNet against the counts that follow from the paper, and its attention, fusion and gating by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from img2height.errors import SettingsError
from img2height.methods import build, build_network, recipes_folder
from img2height.methods._fusion_blocks import Attention, AttentionBlock, CrossFusion, Decoder, Transformer
from img2height.settings.project import load_recipe

BOTH = {"eo": 4, "sar": 4}
SMALL = {"width": 4, "d_model": 16, "layers": 1, "heads": 2, "positions": 2}


def small(bands: dict[str, int] = BOTH, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return build_network("fusionheightnet", bands, {**SMALL, **options})


def images(bands: dict[str, int] = BOTH, batch: int = 2, side: int = 32) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {layer: torch.randn(batch, number, side, side, generator=generator) for layer, number in bands.items()}


@pytest.mark.parametrize(
    ("name", "parameters", "buffers", "gmac", "attention_gmac"),
    [
        ("fusionheightnet", 91_310_534, 18_438, 206.3, 16),
        ("fusionheightnet_a1", 29_912_324, 9_220, 80.6, 4),
        ("fusionheightnet_a2", 29_912_324, 9_220, 80.6, 4),
        ("fusionheightnet_a3", 82_682_756, 18_308, 155.6, 16),
        ("fusionheightnet_a4", 35_406_662, 9_350, 121.7, 4),
        ("fusionheightnet_a5", 35_406_662, 9_350, 121.7, 4),
        ("fusionheightnet_a6", 66_091_462, 18_438, 180.6, 8),
        ("fusionheightnet_b1", 66_892_614, 9_350, 206.3, 16),
    ],
)
def test_counts(name: str, parameters: int, buffers: int, gmac: float, attention_gmac: int) -> None:
    """Operations at 512 px: those with weights, and 2 x 1024 x 1024 x 512 in each block of attention."""
    with torch.device("meta"), FlopCounterMode(display=False) as flops:
        network = build(name).eval()
        network({layer: torch.zeros(1, 4, 512, 512) for layer in load_recipe(recipes_folder(), name).inputs})
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == parameters
    assert sum(b.numel() for key, b in network.named_buffers() if key.endswith(("_mean", "_var"))) == buffers
    attention = attention_gmac * 2 * 1024 * 1024 * 512 / 1e9
    assert flops.get_total_flops() / 2e9 - attention == pytest.approx(gmac, abs=0.05)


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": torch.cat([ours.query.weight, ours.key_value.weight]),
            "in_proj_bias": torch.cat([ours.query.bias, ours.key_value.bias]),
            "out_proj.weight": ours.out.weight,
            "out_proj.bias": ours.out.bias,
        }
    )
    other, own = torch.randn(2, 3, 5, 8)
    assert torch.allclose(ours(other, own), theirs(other, own, own)[0], atol=1e-6)


def test_block_is_torchs_pre_norm_layer() -> None:
    torch.manual_seed(0)
    ours = AttentionBlock(8, 2)
    theirs = nn.TransformerEncoderLayer(8, 2, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())
    attention = ours.attention
    pairs = [
        (theirs.self_attn.in_proj_weight, torch.cat([attention.query.weight, attention.key_value.weight])),
        (theirs.self_attn.in_proj_bias, torch.cat([attention.query.bias, attention.key_value.bias])),
        (theirs.self_attn.out_proj.weight, attention.out.weight),
        (theirs.self_attn.out_proj.bias, attention.out.bias),
        (theirs.linear1.weight, ours.mlp[1].weight), (theirs.linear1.bias, ours.mlp[1].bias),
        (theirs.linear2.weight, ours.mlp[3].weight), (theirs.linear2.bias, ours.mlp[3].bias),
    ]  # fmt: skip
    with torch.no_grad():
        for their, our in pairs:
            their.copy_(our)
    x = torch.randn(2, 5, 8)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_fusion_attends_to_its_own_tokens_by_the_queries_of_the_other() -> None:
    torch.manual_seed(0)
    fusion = CrossFusion(["eo", "sar"], 8, 2)
    x, other, radar = torch.randn(3, 1, 5, 8)
    with torch.no_grad():
        changed, unchanged = fusion({"eo": x, "sar": radar})["eo"], fusion({"eo": x, "sar": other})["eo"]
        assert not torch.allclose(changed, unchanged)
        uniform = x[:, :1].expand(1, 5, 8)  # for any query, the mean of five equal values is the same
        first, second = (fusion({"eo": uniform, "sar": y})["eo"] for y in (radar, other))
    assert torch.allclose(first, second, atol=1e-6)
    assert torch.allclose(first[:, :1].expand_as(first), first, atol=1e-6)


def test_fusion_updates_both_from_the_input_of_the_layer() -> None:
    torch.manual_seed(0)
    fusion = CrossFusion(["eo", "sar"], 8, 2)
    x, y = torch.randn(2, 1, 5, 8)
    mirrored = CrossFusion(["eo", "sar"], 8, 2)
    mirrored.blocks["eo"].load_state_dict(fusion.blocks["sar"].state_dict())
    mirrored.blocks["sar"].load_state_dict(fusion.blocks["eo"].state_dict())
    with torch.no_grad():
        one, two = fusion({"eo": x, "sar": y}), mirrored({"eo": y, "sar": x})
    assert torch.equal(one["eo"], two["sar"])
    assert torch.equal(one["sar"], two["eo"])


def test_positions_are_learned_in_place_and_interpolated_elsewhere() -> None:
    transformer = Transformer(1, 2, depth=0, heads=1, positions=2)
    with torch.no_grad():
        transformer.embedding.weight.fill_(1)
        transformer.embedding.bias.zero_()
        transformer.positions.copy_(torch.tensor([[[[0.0, 4.0], [8.0, 12.0]], [[1.0, 1.0], [1.0, 1.0]]]]))
        tokens = transformer(torch.full((1, 4, 1), 10.0), (2, 2))
        wide = transformer(torch.zeros(1, 8, 1), (2, 4))
    assert tokens[0].tolist() == [[10, 11], [14, 11], [18, 11], [22, 11]]  # row by row
    assert wide[0, :, 0].tolist() == [0, 1, 3, 4, 8, 9, 11, 12]


def test_decoder_takes_the_skips_of_all_modalities_and_ends_at_full_size() -> None:
    decoder = Decoder(6, [8, 4, 2, 1], modalities=2, out_channels=2, last_norm=False)
    skips = [torch.randn(1, 2 * w, 16 // w, 16 // w) for w in (1, 2, 4)]
    assert decoder(torch.randn(1, 6, 2, 2), skips).shape == (1, 2, 32, 32)


def test_footprints_gate_heights() -> None:
    networks = {gating: small(gating=gating).train() for gating in ("hard", "soft", "none")}
    with torch.inference_mode():
        outputs = {gating: network(images()) for gating, network in networks.items()}
    footprint, free = outputs["none"]["footprint"], outputs["none"]["height"]
    building = footprint[:, 1:] > footprint[:, :1]
    assert building.any()
    assert not building.all()
    assert torch.equal(outputs["hard"]["height"], torch.where(building, free, 0.0))
    probability = (footprint[:, 1:] - footprint[:, :1]).sigmoid()
    assert torch.allclose(outputs["soft"]["height"], free * probability, atol=1e-6)
    assert 0 < free.min() < free.max() < 1


@pytest.mark.parametrize(("gating", "reached"), [("hard", False), ("soft", True), ("none", False)])
def test_heights_give_footprints_a_gradient_only_through_a_soft_gate(gating: str, reached: bool) -> None:
    network = small(gating=gating)
    network(images())["height"].sum().backward()
    assert (network.decoders["footprint"].entry[0].weight.grad is not None) == reached
    assert network.decoders["height"].entry[0].weight.grad.abs().sum() > 0


def test_a_shared_encoder_gets_both_modalities_as_one_batch() -> None:
    network = small(share_encoder=True)
    inputs = images()
    seen: list[Tensor] = []
    network.encoders["shared"].stem[0][1].register_forward_pre_hook(lambda module, args: seen.extend(args))
    network.train()(inputs)
    assert len(seen) == 1
    norm = network.encoders["shared"].stem[0][1]
    assert torch.allclose(norm.running_mean, 0.1 * seen[0].mean((0, 2, 3)), atol=1e-6)
    with torch.inference_mode():
        features = network.eval()._features({"eo": inputs["eo"], "sar": inputs["eo"]})
    assert all(torch.equal(a, b) for a, b in zip(features["eo"], features["sar"], strict=True))


def test_the_order_of_the_inputs_does_not_matter() -> None:
    bands = {"eo": 3, "sar": 2}
    network, swapped = small(bands).eval(), small(dict(reversed(bands.items()))).eval()
    inputs = images(bands)
    with torch.inference_mode():
        first, second = network(inputs), swapped(dict(reversed(inputs.items())))
    assert torch.equal(first["height"], second["height"])


@pytest.mark.parametrize(
    ("bands", "options", "problem"),
    [
        ({"eo": 4}, {}, "fusion is 'cross'; with eo set it to none"),
        (BOTH, {"fusion": "none"}, "set it to concat or cross"),
        (BOTH, {"gating": "firm"}, "set it to hard or soft or none"),
        (BOTH, {"tasks": "height"}, "set it to footprint or both"),
        ({"eo": 4, "sar": 2}, {"share_encoder": True}, "found eo with 4 bands, sar with 2 bands"),
        ({"eo": 4}, {"share_encoder": True, "fusion": "none"}, "needs eo and sar"),
        ({"ms": 4}, {}, "found ms; change the inputs"),
        (BOTH, {"d_model": 9}, "2 heads do not divide 9 channels"),
        (BOTH, {"depth": 2}, "depth"),
    ],
)
def test_invalid_options_are_refused(bands: dict, options: dict, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        small(bands, **options)


def test_logits_without_batch_norm_have_a_bias() -> None:
    keys = set(small(head_last_bn=False).state_dict())
    assert "decoders.height.head.1.bias" in keys
    assert "decoders.height.head.1.1.running_var" not in keys
