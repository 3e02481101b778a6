"""Small reference models for the tests: tests/data/import/NAME/ gets a model in the form it is published in, and expected.json with what the
reference implementation makes of two test photos and some sentences. Same seeds, same files.

    python make_small.py [NAME...]
"""
import json
import pathlib
import shutil
import sys

import torch
from PIL import Image

import alive
import builders
import vocabularies

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "tests/data/import"
PHOTOS = ROOT / "tests/data/photos"

# What the tokenizers are trained on, and what the text towers are set with.
SENTENCES = """a red kite over the beach
two dogs asleep on a green sofa
a bowl of ripe cherries on a wooden table
snow on the roof of a yellow house
children jump into the lake in summer
the old bridge at night with lamps lit
a cup of black coffee beside a laptop
a man in a blue raincoat waits for the bus
rows of lavender under a cloudy sky
a cat looks out of the kitchen window
three sailing boats near the harbour wall
birthday cake with seven candles
a woman reads a newspaper in the park
an orange bicycle leans against the fence
fog between tall pine trees in the morning
fireworks above the river
grandmother bakes bread with the children
a market stall full of pumpkins
a train crosses the viaduct in autumn
the rocket leaves the launch pad
close up of dandelions in the grass
a spiral galaxy among many stars
the camera man stands behind his tripod
an astronaut smiles before the flag
receipt from the hardware shop
a wet street that mirrors neon signs
climbers rest on a narrow ledge
a white horse gallops through shallow water
blue door with a brass knocker
a plate of noodles with chopsticks
ein roter Drachen über dem Strand
zwei Hunde schlafen auf dem grünen Sofa
Schnee auf dem Dach eines gelben Hauses
Kinder springen im Sommer in den See
um gato olha pela janela da cozinha
barcos perto do porto ao entardecer
seekor kucing tidur di atas kursi
anak-anak bermain di pantai
海边的红色风筝
两只狗睡在绿色的沙发上
木桌上的一碗樱桃
夜晚的旧桥亮着灯
一只猫望着厨房的窗外
孩子们夏天跳进湖里
雪后的黄色房子""".split("\n")

# What is compared: with capitals, punctuation, digits, other scripts, and what is longer than the tower reads.
QUERIES = ["a red kite over the beach", "Two DOGS, asleep (on the sofa)!", "the dog's 24 candles in 2019", "café & crème — naïve?",
           "Zwei Hunde schlafen über dem Dach", "海边的红色风筝", "雪后的house 3号", "a  cat\tlooks out_of the window.",
           "a very long sentence that goes on and on about boats and bridges and kites and cherries and lamps and trains and horses and "
           "doors and stars and cakes and everything else that anybody could ever have seen on a summer day by the sea"]

# PNG files: of another shape each, larger and smaller than the towers look at.
TESTED = {"wide.png": ("cat.jpg", (20, 10, 240, 140), (110, 65)), "tall.png": ("dandelions.jpg", (0, 0, 150, 220), (45, 66)),
          "tiny.png": ("coffee.jpg", (100, 40, 300, 240), (30, 29))}


def make_photos():
    folder = OUT / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (source, box, size) in TESTED.items():
        image = Image.open(PHOTOS / source).convert("RGB")
        w, h = image.size
        box = [min(box[0], w - 20), min(box[1], h - 20), min(box[2], w), min(box[3], h)]
        image.crop(box).resize(size, Image.BICUBIC).save(folder / name, optimize=True)
    return {name: Image.open(folder / name).convert("RGB") for name in TESTED}


def crops(count, size=160):
    """Pieces of the free photos."""
    random = torch.Generator().manual_seed(5)
    sources = [Image.open(p).convert("RGB") for p in sorted(PHOTOS.glob("*.jpg"))]
    out = []
    for i in range(count):
        image = sources[i % len(sources)]
        w, h = image.size
        side = int(min(w, h) * (0.3 + 0.6 * torch.rand(1, generator=random).item()))
        x = int((w - side) * torch.rand(1, generator=random).item())
        y = int((h - side) * torch.rand(1, generator=random).item())
        out.append(image.crop((x, y, x + side, y + side)).resize((size, size), Image.BICUBIC))
    return out


MERGES = vocabularies.clip_merges(SENTENCES, 60)
CLIP_WORDS = 512 + len(MERGES) + 2
VISION = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32, "mlp_ratio": 2.0}
TEXT = {"context_length": 24, "vocab_size": CLIP_WORDS, "width": 32, "heads": 2, "layers": 2, "mlp_ratio": 2.0}
HF_VISION = {"image_size": 32, "patch_size": 8, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
             "num_attention_heads": 2}
HF_TEXT = {"hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 24}
MOBILE = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}


def open_clip_clip(scratch):
    config = {"embed_dim": 64, "vision_cfg": VISION, "text_cfg": TEXT}
    return builders.open_clip_reference("openclip-clip", config, builders.Framing(32), MERGES), {}


def open_clip_quick(scratch):
    """The .bin form, and QuickGELU by configuration."""
    config = {"embed_dim": 32, "quick_gelu": True, "vision_cfg": {**VISION, "image_size": 36, "patch_size": 12, "width": 32, "head_width": 16, "layers": 3},
              "text_cfg": {**TEXT, "layers": 1}}
    return builders.open_clip_reference(
        "openclip-quickgelu-bin", config, builders.Framing(36), MERGES,
        write_tokenizer=lambda f: vocabularies.write_clip(f, MERGES, ("json",), 24),
        preprocess={"mean": builders.CLIP_MEAN, "std": builders.CLIP_STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    ), {"forms": ("bin",)}


def openai(scratch):
    config = {"embed_dim": 64, "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8},
              "text_cfg": {"context_length": 24, "vocab_size": CLIP_WORDS, "width": 64, "heads": 1, "layers": 1}}
    return builders.openai_reference("openai-jit", config, builders.Framing(32), MERGES), {"beside": {**config, "quick_gelu": True}}


def hf_clip(scratch):
    return builders.hf_clip_reference("hf-clip", {**HF_VISION, "hidden_act": "quick_gelu"}, {**HF_TEXT, "hidden_act": "quick_gelu"}, 64,
                                      builders.Framing(32, floor=True), MERGES), {}


def hf_tinyclip(scratch):
    """GELU, towers of different widths, vocab.json and merges.txt, pytorch_model.bin, the end token's id as old configurations have it."""
    return builders.hf_clip_reference("hf-tinyclip-bin", {**HF_VISION, "hidden_size": 32, "num_hidden_layers": 4, "hidden_act": "gelu"},
                                      {**HF_TEXT, "hidden_size": 64, "num_hidden_layers": 1, "hidden_act": "gelu"}, 64,
                                      builders.Framing(32, floor=True), MERGES, forms=("vocab",), eos=2), {"forms": ("bin",)}


def hf_siglip(scratch):
    model = vocabularies.siglip_model(SENTENCES, 500)
    vocabularies.write_siglip(scratch, model)
    return builders.hf_siglip_reference(
        "hf-siglip", {**HF_VISION, "hidden_act": "gelu_pytorch_tanh"},
        {**HF_TEXT, "vocab_size": 500, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 16, "projection_size": 64},
        builders.Framing(32, "squash", mean=builders.HALF, std=builders.HALF),
        vocabularies.siglip_ids(scratch, 16), lambda f: vocabularies.write_siglip(f, model, length=16)), {}


def hf_siglip2(scratch):
    """Also: weights in several files that an index names."""
    text, count = vocabularies.gemma_json(SENTENCES, 700)
    vocabularies.write_gemma(scratch, text, 16)
    return builders.hf_siglip_reference(
        "hf-siglip2", {**HF_VISION, "hidden_act": "gelu_pytorch_tanh", "image_size": 36, "patch_size": 12},
        {**HF_TEXT, "vocab_size": count, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 16, "projection_size": 64},
        builders.Framing(36, "squash", "bilinear", builders.HALF, builders.HALF),
        vocabularies.siglip2_ids(scratch, 16), lambda f: vocabularies.write_gemma(f, text, 16)), {"forms": ("shards",)}


SIGLIP_TEXT = {"context_length": 16, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "tokenizer_kwargs": {"clean": "canonicalize"},
               "width": 32, "heads": 2, "layers": 2, "mlp_ratio": 2.0, "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
               "norm_kwargs": {"eps": 1e-6}}
TIMM_VIT = {"embed_dim": 64, "depth": 2, "num_heads": 1, "mlp_ratio": 2.0, "img_size": 32, "patch_size": 8}


def siglip_vision(name):
    return {"image_size": 32, "timm_model_name": name, "timm_model_pretrained": False, "timm_pool": "map", "timm_proj": "none"}


SQUASH = {"mean": builders.HALF, "std": builders.HALF, "interpolation": "bicubic", "resize_mode": "squash"}


def open_clip_siglip(scratch):
    model = vocabularies.siglip_model(SENTENCES, 500, "identity")
    vocabularies.write_siglip(scratch, model, ("json",), 16)
    config = {"embed_dim": 64, "init_logit_bias": -10, "custom_text": True, "vision_cfg": siglip_vision("vit_base_patch16_siglip_224"),
              "text_cfg": {**SIGLIP_TEXT, "vocab_size": 500}}
    return builders.open_clip_reference(
        "openclip-siglip", config, builders.Framing(32, "squash", mean=builders.HALF, std=builders.HALF),
        folder_ids=vocabularies.open_clip_json_ids(scratch, 16),
        write_tokenizer=lambda f: vocabularies.write_siglip(f, model, ("json",), 16), overrides=TIMM_VIT, preprocess=SQUASH), {}


def open_clip_siglip2(scratch):
    text, count = vocabularies.gemma_json(SENTENCES, 700)
    vocabularies.write_gemma(scratch, text, 16)
    config = {"embed_dim": 64, "init_logit_bias": -10, "custom_text": True, "vision_cfg": siglip_vision("vit_base_patch16_siglip_224"),
              "text_cfg": {**SIGLIP_TEXT, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP2", "vocab_size": count,
                           "act_kwargs": {"approximate": "tanh"}}}
    return builders.open_clip_reference(
        "openclip-siglip2", config, builders.Framing(32, "squash", mean=builders.HALF, std=builders.HALF),
        folder_ids=vocabularies.open_clip_json_ids(scratch, 16, "<pad>"),
        write_tokenizer=lambda f: vocabularies.write_gemma(f, text, 16), overrides=TIMM_VIT, preprocess=SQUASH), {}


def chinese_clip(scratch):
    words = vocabularies.bert_words(SENTENCES, 420)
    return builders.chinese_clip_reference(
        "chinese-clip", {**HF_VISION, "hidden_act": "quick_gelu"},
        {"hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64,
         "type_vocab_size": 2, "hidden_act": "gelu"}, 64, builders.Framing(32, "squash"), words, scratch), {"forms": ("bin",)}


def cn_clip(scratch):
    """Needs cn_clip, see docs/verifying-models.md."""
    words = vocabularies.bert_words(SENTENCES, 420)
    sizes = {"embed_dim": 64, "image_resolution": 32, "vision_layers": 2, "vision_width": 64, "vision_patch_size": 8,
             "vocab_size": len(words), "text_attention_probs_dropout_prob": 0.1, "text_hidden_act": "gelu", "text_hidden_dropout_prob": 0.1,
             "text_hidden_size": 64, "text_initializer_range": 0.02, "text_intermediate_size": 128, "text_max_position_embeddings": 64,
             "text_num_attention_heads": 1, "text_num_hidden_layers": 2, "text_type_vocab_size": 2}
    reference = builders.cn_clip_reference("cn-clip", sizes, builders.Framing(32, "squash"), words, scratch)
    return reference, {"beside": {}, "seed": 14}


MOBILE_TEXT = {"context_length": 24, "vocab_size": CLIP_WORDS, "width": 32, "heads": 2, "layers": 2, "mlp_ratio": 2.0,
               "no_causal_mask": True}


def mobile_vision(name, size, pool="avg"):
    return {"timm_model_name": name, "timm_model_pretrained": False, "timm_pool": pool, "timm_proj": None, "timm_drop": 0.0,
            "timm_drop_path": 0.0, "image_size": size}


SMALL_MCI0 = {"layers": (1, 1, 1, 1), "embed_dims": (8, 16, 32, 64), "mlp_ratios": (2, 2, 2, 2)}
SMALL_MCI3 = {"layers": (1, 1, 1, 1, 1), "embed_dims": (8, 16, 32, 64, 64), "mlp_ratios": (2, 2, 2, 2, 2)}
MOBILE_PREPROCESS = {**MOBILE, "interpolation": "bilinear", "resize_mode": "shortest"}


def open_clip_mobile(scratch):
    config = {"embed_dim": 64, "vision_cfg": mobile_vision("fastvit_mci0", 64), "text_cfg": MOBILE_TEXT, "custom_text": True}
    return builders.open_clip_reference(
        "openclip-mobileclip2-s0", config, builders.Framing(64, interpolation="bilinear", **MOBILE), MERGES, overrides=SMALL_MCI0,
        preprocess=MOBILE_PREPROCESS), {}


def open_clip_mobile3(scratch):
    config = {"embed_dim": 64, "vision_cfg": mobile_vision("fastvit_mci3", 128), "text_cfg": MOBILE_TEXT, "custom_text": True}
    return builders.open_clip_reference(
        "openclip-mobileclip2-s3", config, builders.Framing(128, interpolation="bilinear", **MOBILE), MERGES, overrides=SMALL_MCI3,
        preprocess=MOBILE_PREPROCESS), {}


def open_clip_mobile_fused(scratch):
    config = {"embed_dim": 32, "vision_cfg": mobile_vision("fastvit_mci1", 64), "text_cfg": MOBILE_TEXT, "custom_text": True}
    return builders.open_clip_reference(
        "openclip-mobileclip-s1-fused", config, builders.Framing(64, interpolation="bilinear", **MOBILE), MERGES,
        overrides={**SMALL_MCI0, "layers": (2, 1, 1, 1)}, preprocess=MOBILE_PREPROCESS), {"fuse": True}


def open_clip_mobile_b(scratch):
    from timm.models.vision_transformer_hybrid import ConvStem
    stem = ConvStem(channels=(16, 16, 64), stride=(4, 2, 2), kernel_size=(4, 2, 2), padding=0, in_chans=3, act_layer=torch.nn.GELU)
    from functools import partial
    from timm.layers import HybridEmbed
    overrides = {"embed_dim": 64, "depth": 2, "num_heads": 1, "mlp_ratio": 2.0, "img_size": 64,
                 "embed_layer": partial(HybridEmbed, backbone=stem, proj=False)}
    config = {"embed_dim": 64, "vision_cfg": mobile_vision("vit_base_mci_224", 64, "token"),
              "text_cfg": {**MOBILE_TEXT, "no_causal_mask": False}, "custom_text": True}
    return builders.open_clip_reference(
        "openclip-mobileclip-b", config, builders.Framing(64, interpolation="bilinear", **MOBILE), MERGES, overrides=overrides,
        preprocess=MOBILE_PREPROCESS), {}


def apple_s0(scratch):
    config = {"embed_dim": 64, "vision_cfg": mobile_vision("fastvit_mci0", 64), "text_cfg": {"context_length": 24}}
    sizes = {"vocabulary": CLIP_WORDS, "width": 32, "heads": 2, "layers": 2, "dim": 64, "tokens": 24, "ratio": 2}
    apples = {"embed_dim": 64, "image_cfg": {"image_size": 64, "model_name": "mci0"},
              "text_cfg": {"context_length": 24, "vocab_size": CLIP_WORDS, "dim": 32, "ffn_multiplier_per_layer": 2.0, "n_heads_per_layer": 2,
                           "n_transformer_layers": 2, "norm_layer": "layer_norm_fp32", "causal_masking": False, "model_name": "mct"}}
    return builders.apple_reference("apple-mobileclip-s0", config, builders.Framing(64, interpolation="bilinear", **MOBILE), MERGES,
                                    overrides=SMALL_MCI0, text_sizes=sizes), {"beside": apples}


ALL = [open_clip_clip, open_clip_quick, openai, hf_clip, hf_tinyclip, hf_siglip, hf_siglip2, open_clip_siglip, open_clip_siglip2,
       chinese_clip, open_clip_mobile, open_clip_mobile3, open_clip_mobile_fused, open_clip_mobile_b, apple_s0, cn_clip]


def write_beside(folder, config, framing):
    """Bare files come without any configuration: what the person who imports one names with --config and --preprocess."""
    if config:
        (folder / "model_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "preprocess.json").write_text(json.dumps({
        "size": framing.size, "mode": "RGB", "mean": framing.mean, "std": framing.std, "interpolation": framing.interpolation,
        "resize_mode": framing.mode}, indent=2) + "\n")


def make(build, photos, livening):
    import tempfile
    with tempfile.TemporaryDirectory() as scratch:
        torch.manual_seed(1)
        reference, options = build(scratch)
        reference.liven(options.pop("seed", 11), livening, SENTENCES)
        if options.pop("fuse", False):
            reference.fuse()
        reference.halve()
        folder = OUT / reference.name
        shutil.rmtree(folder, ignore_errors=True)
        beside = options.pop("beside", None)
        reference.save(folder, half=True, **options)
        if beside is not None:
            write_beside(folder, beside, reference.framing)
        with torch.no_grad():
            images = reference.photos(photos.values())
            sentences = reference.sentences(QUERIES)
        ids = [reference.ids([q])[0].tolist() for q in QUERIES]
        round_ = lambda e: [float(f"{v:.7g}") for v in e.tolist()]
        lines = [json.dumps({"photo": n, "embedding": round_(e)}) for n, e in zip(photos, images)]
        lines += [json.dumps({"text": q, "ids": i, "embedding": round_(e)}, ensure_ascii=False) for q, i, e in zip(QUERIES, ids, sentences)]
        (folder / "expected.jsonl").write_text("\n".join(lines) + "\n")
        size = sum(p.stat().st_size for p in folder.iterdir())
        print(f"{reference.name}: {size / 1e3:.0f} kB", {k: round(v, 3) for k, v in reference.report.items() if k != "layers"},
              "photos", (images @ images.T)[0, 1:].tolist(), flush=True)


def main():
    torch.set_num_threads(1)
    photos = make_photos()
    livening = crops(64)
    wanted = sys.argv[1:]
    for build in ALL:
        if not wanted or build.__name__ in wanted:
            make(build, photos, livening)


if __name__ == "__main__":
    main()
