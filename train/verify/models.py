"""The published models at their real sizes. Each entry says how the reference is built, in which form it is saved, and how many photos are
compared: a layer-by-layer fault shows in one photo, and rankings need a thousand."""
import functools
import gzip
import pathlib

import builders
import vocabularies
from builders import CLIP_MEAN, CLIP_STD, HALF, Framing

DATA = None   # set by verify.py: the folder with captions_text.tsv.gz (language, caption) and sentences_en_zh_es.tsv.gz; None: there is none
CACHE = None  # set by verify.py: what is made is kept here
NONE = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}


def composed():
    """Sentences of the words of make_small.py's, for whoever has no captions."""
    import make_small
    lines = [s for s in make_small.SENTENCES if s.isascii()]
    heads, tails = [" ".join(s.split()[:3]) for s in lines], [" ".join(s.split()[3:]) for s in lines]
    return [f"{h} {t}" for h in heads for t in tails]


@functools.lru_cache(None)
def places():
    """All names of a place in one line: words in most scripts, from what the gazetteer is built of."""
    path = pathlib.Path(__file__).resolve().parent.parent.parent / "build/deps/gazetteer/cities500.txt"
    lines = path.read_text().split("\n") if path.exists() else []
    return [line.split("\t")[3].replace(",", " ") for line in lines if line.count(",") > 2]


@functools.lru_cache(None)
def captions():
    if not DATA or not (DATA / "captions_text.tsv.gz").exists():
        return [("en", s) for s in composed()]
    lines = gzip.open(DATA / "captions_text.tsv.gz", "rt").read().split("\n")[1:]
    return [line.split("\t", 1) for line in lines if "\t" in line]


def cached(name, make):
    path = CACHE / "vocabularies" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(make())
    return path.read_bytes()


def some_captions(count):
    all_ = captions()
    step = max(1, len(all_) // count)
    return [c for _, c in all_[::step]] + chinese()


@functools.lru_cache(None)
def chinese():
    if not DATA or not (DATA / "sentences_en_zh_es.tsv.gz").exists():
        import make_small
        return [s for s in make_small.SENTENCES if ord(s[0]) > 0x3000]
    lines = gzip.open(DATA / "sentences_en_zh_es.tsv.gz", "rt").read().split("\n")[1:]
    return [line.split("\t")[1] for line in lines if line.count("\t") == 2]


MERGES = vocabularies.clip_of_open_clip()


def published(name):
    import copy
    import open_clip
    return copy.deepcopy(open_clip.get_model_config(name))


def laion(name, arch):
    return builders.open_clip_reference(name, published(arch), Framing(224), MERGES), {}


def openai(name, arch):
    config = published(arch)
    return builders.openai_reference(name, config, Framing(config["vision_cfg"]["image_size"]), MERGES), {
        "beside": {**config, "quick_gelu": True}}


def hf_clip(name, width, layers, patch, text_width, text_layers, dim, act="quick_gelu", forms=("safetensors",), text_heads=None, heads=None,
            tokenizer=("json",), eos=None):
    vision = {"image_size": 224, "patch_size": patch, "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
              "num_attention_heads": heads or width // 64, "hidden_act": act}
    text = {"hidden_size": text_width, "intermediate_size": 4 * text_width, "num_hidden_layers": text_layers,
            "num_attention_heads": text_heads or text_width // 64, "max_position_embeddings": 77, "hidden_act": act}
    return builders.hf_clip_reference(name, vision, text, dim, Framing(224, floor=True), MERGES, tokenizer, eos), {"forms": forms}


def tinyclip(name, width, layers, patch, text_width, text_heads, text_layers):
    """As the training code of TinyCLIP saves: open_clip's names with wrappers around them."""
    config = {"embed_dim": 512, "vision_cfg": {"image_size": 224, "layers": layers, "width": width, "patch_size": patch},
              "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": text_width, "heads": text_heads, "layers": text_layers}}
    return builders.open_clip_reference(name, config, Framing(224), MERGES), {"forms": ("training",)}


def mobile(name, arch, forms=("safetensors",), half=False):
    config = published(arch)
    framing = Framing(config["vision_cfg"]["image_size"], interpolation="bilinear", **NONE)
    return builders.open_clip_reference(name, config, framing, MERGES, preprocess={
        **NONE, "interpolation": "bilinear", "resize_mode": "shortest"}), {"forms": forms, "half": half}


APPLE = {"MobileCLIP-S1": ("mci1", 12), "MobileCLIP-S2": ("mci2", 12), "MobileCLIP-B": ("vit_b16", 12)}


def apple(name, arch):
    config = published(arch)
    size = config["vision_cfg"]["image_size"]
    beside = {"embed_dim": config["embed_dim"], "image_cfg": {"image_size": size, "model_name": APPLE.get(arch, (arch.lower(), 12))[0]},
              "text_cfg": {"context_length": 77, "vocab_size": 49408, "dim": config["text_cfg"]["width"], "ffn_multiplier_per_layer": 4.0,
                           "n_heads_per_layer": config["text_cfg"]["heads"], "n_transformer_layers": 12, "norm_layer": "layer_norm_fp32",
                           "causal_masking": not config["text_cfg"]["no_causal_mask"], "model_name": "base"}}
    return builders.apple_reference(name, config, Framing(size, interpolation="bilinear", **NONE), MERGES), {"beside": beside}


def apple_s0(name):
    config = {"embed_dim": 512, "vision_cfg": {"timm_model_name": "fastvit_mci0", "image_size": 256}, "text_cfg": {"context_length": 77}}
    beside = {"embed_dim": 512, "image_cfg": {"image_size": 256, "model_name": "mci0"},
              "text_cfg": {"context_length": 77, "vocab_size": 49408, "dim": 512, "ffn_multiplier_per_layer": 4.0, "n_heads_per_layer": 8,
                           "n_transformer_layers": 4, "norm_layer": "layer_norm_fp32", "causal_masking": False, "model_name": "mct"}}
    return builders.apple_reference(name, config, Framing(256, interpolation="bilinear", **NONE), MERGES, text_sizes={}), {"beside": beside}


def spiece():
    return cached("siglip.model", lambda: vocabularies.siglip_model(some_captions(60000) + places()[::3], 32000))


def gemma():
    import json
    text = cached("gemma.json", lambda: vocabularies.gemma_json(some_captions(200000) + places(), 256000)[0].encode()).decode()
    return text, 256000  # fewer pieces are learned here than ids there are: the table keeps its published height


def bert_words():
    return cached("bert.txt", lambda: "\n".join(vocabularies.bert_words(some_captions(60000), 21128)).encode()).decode().split("\n")


def siglip_parts(patch, size, vocabulary):
    act = {"hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
    vision = {"image_size": size, "patch_size": patch, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
              "num_attention_heads": 12, **act}
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "max_position_embeddings": 64, "vocab_size": vocabulary, "projection_size": 768, **act}
    return vision, text


def hf_siglip(name):
    model = spiece()
    folder = CACHE / "vocabularies" / "siglip"
    vocabularies.write_siglip(folder, model)
    vision, text = siglip_parts(16, 224, 32000)
    return builders.hf_siglip_reference(name, vision, text, Framing(224, "squash", mean=HALF, std=HALF), vocabularies.siglip_ids(folder),
                                        lambda f: vocabularies.write_siglip(f, model)), {}


def hf_siglip2(name, patch, size):
    text_json, count = gemma()
    folder = CACHE / "vocabularies" / "gemma"
    vocabularies.write_gemma(folder, text_json)
    vision, text = siglip_parts(patch, size, count)
    return builders.hf_siglip_reference(name, vision, text, Framing(size, "squash", "bilinear", HALF, HALF),
                                        vocabularies.siglip2_ids(folder), lambda f: vocabularies.write_gemma(f, text_json)), {}


def open_clip_siglip(name, arch, new):
    config = published(arch)
    folder = CACHE / "vocabularies" / ("gemma" if new else "siglip-json")
    if new:
        text_json, _ = gemma()
        write = lambda f: vocabularies.write_gemma(f, text_json)
    else:
        model = spiece()
        write = lambda f: vocabularies.write_siglip(f, model, ("json",))
    write(folder)
    size = config["vision_cfg"]["image_size"]
    return builders.open_clip_reference(
        name, config, Framing(size, "squash", mean=HALF, std=HALF),
        folder_ids=vocabularies.open_clip_json_ids(folder, 64, "<pad>" if new else "</s>"), write_tokenizer=write,
        preprocess={"mean": HALF, "std": HALF, "interpolation": "bicubic", "resize_mode": "squash"}), {}


def chinese_clip(name):
    words = bert_words()
    vision = {"image_size": 224, "patch_size": 16, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
              "num_attention_heads": 12, "hidden_act": "quick_gelu"}
    text = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "max_position_embeddings": 512, "type_vocab_size": 2, "hidden_act": "gelu"}
    return builders.chinese_clip_reference(name, vision, text, 512, Framing(224, "squash"), words,
                                           CACHE / "vocabularies" / "bert"), {"forms": ("bin",)}


# name: (what makes it, arguments, photos compared in INT8)
ALL = {
    "tinyclip-8m-16": (hf_clip, ("tinyclip-8m-16", 256, 10, 16, 256, 3, 512), 1000),
    "mobileclip2-s0": (mobile, ("mobileclip2-s0", "MobileCLIP2-S0"), 1000),
    "laion-vit-b-32": (laion, ("laion-vit-b-32", "ViT-B-32"), 1000),
    "siglip2-b-32-256": (hf_siglip2, ("siglip2-b-32-256", 32, 256), 1000),
    "mobileclip-s0": (apple_s0, ("mobileclip-s0",), 60),
    "openai-vit-b-32": (openai, ("openai-vit-b-32", "ViT-B-32"), 60),
    "siglip-b-16": (hf_siglip, ("siglip-b-16",), 60),
    "chinese-clip-b-16": (chinese_clip, ("chinese-clip-b-16",), 1000),
    "mobileclip-b": (apple, ("mobileclip-b", "MobileCLIP-B"), 60),
    "tinyclip-39m-16": (tinyclip, ("tinyclip-39m-16", 512, 12, 16, 512, 8, 6), 60),
    "tinyclip-40m-32": (tinyclip, ("tinyclip-40m-32", 512, 12, 32, 512, 8, 6), 60),
    "tinyclip-61m-32": (tinyclip, ("tinyclip-61m-32", 640, 12, 32, 512, 8, 9), 60),
    "openai-vit-b-16": (openai, ("openai-vit-b-16", "ViT-B-16"), 60),
    "metaclip-b-32": (hf_clip, ("metaclip-b-32", 768, 12, 32, 512, 12, 512, "quick_gelu", ("bin",)), 60),
    "mobileclip-s1": (apple, ("mobileclip-s1", "MobileCLIP-S1"), 60),
    "mobileclip-s2": (apple, ("mobileclip-s2", "MobileCLIP-S2"), 60),
    "mobileclip2-s2": (mobile, ("mobileclip2-s2", "MobileCLIP2-S2", ("bin",)), 60),
    "mobileclip2-b": (mobile, ("mobileclip2-b", "MobileCLIP2-B"), 60),
    "mobileclip2-s3": (mobile, ("mobileclip2-s3", "MobileCLIP2-S3"), 40),
    "siglip-b-16-openclip": (open_clip_siglip, ("siglip-b-16-openclip", "ViT-B-16-SigLIP", False), 40),
    "siglip2-b-16-openclip": (open_clip_siglip, ("siglip2-b-16-openclip", "ViT-B-16-SigLIP2", True), 40),
    "mobileclip2-s4": (mobile, ("mobileclip2-s4", "MobileCLIP2-S4", ("safetensors",), True), 10),
    "openai-vit-l-14": (hf_clip, ("openai-vit-l-14", 1024, 24, 14, 768, 12, 768, "quick_gelu", ("safetensors",), None, None, ("json", "vocab"), 2), 10),
}
