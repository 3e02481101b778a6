"""Reference models: the architectures as open_clip, timm and transformers build them, at their real sizes or at small ones, with weights that
alive.py makes. A Reference turns photos and sentences into embeddings with the code that the published model is meant to be run with, and
saves itself in the form it is published in."""
import copy
import json
import pathlib

import torch
from PIL import Image
from torch import nn

import alive
import vocabularies

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]


class Framing:
    """How a photo becomes the numbers that the tower looks at. mode: "shortest" or "squash"; floor: the middle begins at the floor of what is
    left over by two, as transformers cuts; else at the nearest whole number, as torchvision does."""

    def __init__(self, size, mode="shortest", interpolation="bicubic", mean=CLIP_MEAN, std=CLIP_STD, floor=False):
        self.size, self.mode, self.interpolation, self.mean, self.std, self.floor = size, mode, interpolation, mean, std, floor

    def __call__(self, image):
        import numpy
        resample = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}[self.interpolation]
        image = image.convert("RGB")
        size = self.size
        if self.mode == "squash":
            image = image.resize((size, size), resample)
        else:
            w, h = image.size
            new = (size, int(size * h / w)) if w <= h else (int(size * w / h), size)
            image = image.resize(new, resample)
            left, top = (((n - size) // 2 if self.floor else int(round((n - size) / 2.0))) for n in image.size)
            image = image.crop((left, top, left + size, top + size))
        x = torch.from_numpy(numpy.asarray(image).copy()).permute(2, 0, 1).float() / 255
        return (x - torch.tensor(self.mean)[:, None, None]) / torch.tensor(self.std)[:, None, None]


class Reference:
    """name; image(pixels [n][3][s][s]) and text(ids [n][t]) give embeddings, not normalised; parts: [(module, centre...)]."""

    def __init__(self, name, model, framing, image, text, ids, save, centres):
        self.name, self.model, self.framing = name, model.eval(), framing
        self.image, self.text, self.ids, self.save = image, text, ids, save
        self.centres = centres  # (module whose bias is last, "image" or "text", function that gives its features)
        self.report = {}

    def photos(self, images):
        with torch.no_grad():
            images = list(images)
            return torch.cat([nn.functional.normalize(self.image(torch.stack([self.framing(i) for i in images[at:at + 8]])), dim=-1)
                              for at in range(0, len(images), 8)])

    def sentences(self, texts):
        with torch.no_grad():
            return torch.cat([nn.functional.normalize(self.text(self.ids([t])), dim=-1) for t in texts])

    def liven(self, seed, images, texts, batch=16, cosine=0.5):
        """Sets the weights: see alive.py. images: for the layers and for the middle of the embeddings."""
        maker = alive.Maker(seed)
        alive.set_values(maker, self.model)
        for module, _, _ in self.centres:  # the last gains are of one size, or few channels would be all that an embedding is
            if isinstance(module, nn.LayerNorm):
                module.weight.data.clamp_(max=2.5)
        pixels = torch.stack([self.framing(i) for i in images])
        ids = self.ids(texts)
        some = slice(0, batch)
        norms = [m for m in self.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        for m in norms:
            m.train()
        alive.tune(maker, self.model, lambda: (self.image(pixels[some]), self.text(ids[some])))
        alive.settle_batch_norms(maker, self.model, lambda: (self.image(pixels[some]), self.text(ids[some])))
        head = getattr(getattr(getattr(self.model, "visual", None), "trunk", None), "head", None)
        if isinstance(head, nn.Linear) and head.bias is not None and not head.bias.requires_grad:
            head.bias.data.zero_()  # Apple's ViT is published without one
        for module, side, pick in self.centres:
            run, data = (self.image, pixels) if side == "image" else (self.text, ids)
            if pick is None:  # FastViT's head: published without a bias
                self.report["image mean kept"] = self.centre_head(module, pixels, batch, cosine)
                continue
            features = []
            handle = module.register_forward_hook(lambda m, i, o: features.append(pick(o, None) if side == "image" else o))
            with torch.no_grad():
                out = []
                chosen = []
                for at in range(0, len(data), batch):
                    out.append(run(data[at:at + batch]))
                    chosen.append(pick(features.pop(), data[at:at + batch]) if side == "text" else features.pop())
            handle.remove()
            keep = alive.centre(module, torch.cat(out), torch.cat(chosen), cosine)
            self.report[side + " mean kept"] = keep
        with torch.no_grad():
            for side, run, data in (("image", self.image, pixels), ("text", self.text, ids)):
                e = torch.cat([run(data[at:at + batch]) for at in range(0, len(data), batch)])
                self.report[side + " mean cosine"] = alive.mean_cosine(e)
                s = torch.linalg.svdvals(nn.functional.normalize(e, dim=-1) - nn.functional.normalize(e, dim=-1).mean(0)) ** 2
                self.report[side + " effective dimensions"] = (s.sum() ** 2 / (s ** 2).sum()).item()
        self.report["layers"] = maker.rows
        return self

    def centre_head(self, layer, pixels, batch, cosine):
        features = []
        layer.bias.data.zero_()
        handle = layer.register_forward_hook(lambda m, i, o: features.append(i[0]))
        with torch.no_grad():
            for at in range(0, len(pixels), batch):
                self.image(pixels[at:at + batch])
        handle.remove()
        return alive.centre_weights(layer, torch.cat(features), cosine)

    def fuse(self):
        """Branches of the image tower become one convolution each, as timm fuses them."""
        from timm.utils import reparameterize_model
        self.model.visual.trunk = reparameterize_model(self.model.visual.trunk)
        return self

    def halve(self):
        """Weights become what float16 holds of them."""
        for p in list(self.model.parameters()) + list(self.model.buffers()):
            if p.is_floating_point():
                p.data = p.data.half().float()
        return self


def whole(o, _):
    return o


def first_row(o, _):
    return o[:, 0] if o.dim() == 3 else o


def last_id(o, ids):
    return o[torch.arange(len(ids)), ids.argmax(dim=-1)] if o.dim() == 3 else o


def last_row(o, _):
    return o[:, -1] if o.dim() == 3 else o


def tensors_of(model, half=False):
    return {k: (v.half() if half and v.is_floating_point() else v).contiguous().clone() for k, v in model.state_dict().items()}


# ---- open_clip ----

def timm_overrides(overrides):
    """open_clip builds its timm towers by name only; small ones need other widths under the same name."""
    import contextlib
    import open_clip.timm_model as module
    plain = module.timm.create_model

    @contextlib.contextmanager
    def change():
        module.timm.create_model = lambda name, *a, **k: plain(name, *a, **{**k, **overrides})
        try:
            yield
        finally:
            module.timm.create_model = plain
    return change()


def trunk_centre(trunk):
    """Where the mean of a timm tower's embeddings is taken off."""
    if getattr(trunk, "attn_pool", None) is not None:
        return (trunk.attn_pool.mlp.fc2, "image", first_row)
    if hasattr(trunk.head, "fc"):
        return (trunk.head.fc, "image", None)
    trunk.head.bias.requires_grad = False
    return (trunk.norm, "image", first_row)


def open_clip_model(config, overrides=None):
    from open_clip.model import CLIP, CustomTextCLIP
    config = copy.deepcopy(config)
    custom = config.pop("custom_text", False) or "timm_model_name" in config["vision_cfg"]
    with timm_overrides(overrides or {}):
        return (CustomTextCLIP if custom else CLIP)(**config)


def open_clip_reference(name, config, framing, merges=None, folder_ids=None, write_tokenizer=None, overrides=None, preprocess=None):
    """config: as in open_clip's model_configs. Saved as push_to_hf_hub does: open_clip_config.json, open_clip_model.safetensors or
    open_clip_pytorch_model.bin, and the tokenizer's files."""
    model = open_clip_model(config, overrides).eval()
    ids = folder_ids or vocabularies.clip_ids(merges, config["text_cfg"].get("context_length", 77))

    def save(folder, forms=("safetensors",), half=False):
        import safetensors.torch
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = tensors_of(model, half)
        if "safetensors" in forms:
            safetensors.torch.save_file(tensors, folder / "open_clip_model.safetensors")
        if "bin" in forms:
            torch.save(tensors, folder / "open_clip_pytorch_model.bin")
        if "training" in forms:  # what open_clip's training loop writes
            torch.save({"epoch": 32, "name": name, "state_dict": {"module." + k: v for k, v in tensors.items()}}, folder / "epoch_32.pt")
        (folder / "open_clip_config.json").write_text(json.dumps({
            "model_cfg": config, "preprocess_cfg": preprocess or {"mean": framing.mean, "std": framing.std}}, indent=2) + "\n")
        (write_tokenizer or (lambda f: vocabularies.write_clip(f, merges)))(folder)

    text = model.text if hasattr(model, "text") else model
    image_centre = (model.visual.ln_post, "image", first_row) if hasattr(model.visual, "ln_post") else trunk_centre(model.visual.trunk)
    if isinstance(text.text_projection, nn.Linear):
        text_centre = (text.text_projection, "text", whole)
    else:
        text_centre = (text.ln_final, "text", last_id)
    return Reference(name, model, framing, model.encode_image, model.encode_text, ids, save, [image_centre, text_centre])


def openai_reference(name, config, framing, merges):
    """OpenAI's own: the same tensors in a TorchScript file, float16."""
    config = {**config, "quick_gelu": True}
    reference = open_clip_reference(name, config, framing, merges)

    def save(folder, half=True):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = {k: v for k, v in tensors_of(reference.model, half).items()}
        holder = scripted(names, dict(input_resolution=config["vision_cfg"]["image_size"],
                                      context_length=config["text_cfg"].get("context_length", 77),
                                      vocab_size=config["text_cfg"]["vocab_size"]))
        torch.jit.save(holder, str(folder / "model.pt"))
        vocabularies.write_bpe_gz(folder / "bpe_simple_vocab_16e6.txt.gz", merges)
    reference.save = save
    return reference


class Holder(nn.Module):
    def forward(self, x):
        return x


def scripted(tensors, buffers):
    """A TorchScript module whose parameters have these dotted names, and three numbers as OpenAI's files have them."""
    root = Holder()
    for name, value in tensors.items():
        at = root
        *path, last = name.split(".")
        for part in path:
            if not hasattr(at, part):
                at.add_module(part, Holder())
            at = getattr(at, part)
        if value.is_floating_point():
            at.register_parameter(last, nn.Parameter(value, requires_grad=False))
        else:
            at.register_buffer(last, value)
    for name, value in buffers.items():
        root.register_buffer(name, torch.tensor(value))
    return torch.jit.script(root.eval())


# ---- Apple's names ----

FASTVIT_NAMES = [("stem.", "patch_embed."), ("conv_kxk", "rbr_conv"), ("conv_scale", "rbr_scale"), ("identity", "rbr_skip"),
                 ("final_conv", "conv_exp"), ("large_conv", "lkb_origin"), ("mlp.", "convffn.")]


def apple_fastvit(tensors, depths):
    """Names of a timm FastViT as Apple's checkpoints have them: stages, position encodings and downsamplings in one flat list."""
    import re
    places, at = {}, 0
    stages = sorted({int(m.group(1)) for m in (re.match(r"stages\.(\d+)\.", k) for k in tensors) if m})
    for s in stages:
        if any(k.startswith(f"stages.{s}.downsample.") for k in tensors):
            places[f"stages.{s}.downsample.proj"] = f"network.{at}.proj"
            at += 1
        if any(k.startswith(f"stages.{s}.pos_emb.") for k in tensors):
            places[f"stages.{s}.pos_emb.pos_enc"] = f"network.{at}.pe"
            places[f"stages.{s}.pos_emb.reparam_conv"] = f"network.{at}.reparam_conv"
            at += 1
        places[f"stages.{s}.blocks"] = f"network.{at}"
        at += 1
    out = {}
    for k, v in tensors.items():
        if k == "head.fc.bias":
            continue  # Apple's projection has none
        if k == "head.fc.weight":
            out["head.proj"] = v.T.contiguous()
            continue
        for old, new in places.items():
            if k.startswith(old + "."):
                k = new + k[len(old):]
                break
        for old, new in FASTVIT_NAMES:
            k = k.replace(old, new)
        k = k.replace("se.fc1", "se.reduce").replace("se.fc2", "se.expand")
        k = re.sub(r"layer_scale_([0-9])\.gamma", r"layer_scale_\1", k).replace("layer_scale.gamma", "layer_scale")
        out[k] = v
    return {"image_encoder.model." + k: v for k, v in out.items()}


def apple_vit(tensors):
    out = {}
    for k, v in tensors.items():
        if k == "head.bias":
            continue
        if k == "head.weight":
            out["classifier.proj"] = v.T.contiguous()
            continue
        if k == "pos_embed":
            out["pos_embed.pos_embed.pos_embed"] = v.unsqueeze(0)
            continue
        if k.startswith("patch_embed.backbone."):
            k = k.replace("patch_embed.backbone.", "patch_emb.").replace(".conv.", ".block.conv.").replace(".bn.", ".block.norm.")
        elif k.startswith("norm."):
            k = "post_transformer_norm." + k[5:]
        else:
            for old, new in (("blocks.", "transformer."), ("norm1", "pre_norm_mha.0"), ("attn.qkv.", "pre_norm_mha.1.qkv_proj."),
                             ("attn.proj.", "pre_norm_mha.1.out_proj."), ("norm2", "pre_norm_ffn.0"), ("mlp.fc1", "pre_norm_ffn.1"),
                             ("mlp.fc2", "pre_norm_ffn.4")):
                k = k.replace(old, new)
        out[k] = v
    return {"image_encoder.model." + k: v for k, v in out.items()}


def apple_text(tensors):
    out = {}
    for k, v in tensors.items():
        if k == "attn_mask":
            continue
        if k == "positional_embedding":
            k, v = "positional_embedding.pos_embed.pos_embed", v[None, None]
        k = k.replace("transformer.resblocks.", "transformer.")
        for old, new in (("text_projection", "projection_layer"), ("token_embedding", "embedding_layer"), ("ln_final", "final_layer_norm"),
                         ("ln_1", "pre_norm_mha.0"), ("attn.in_proj_weight", "pre_norm_mha.1.qkv_proj.weight"),
                         ("attn.in_proj_bias", "pre_norm_mha.1.qkv_proj.bias"), ("attn.out_proj", "pre_norm_mha.1.out_proj"),
                         ("ln_2", "pre_norm_ffn.0"), ("mlp.c_fc", "pre_norm_ffn.1"), ("mlp.c_proj", "pre_norm_ffn.4")):
            k = k.replace(old, new)
        out[k] = v
    return {"text_encoder." + k: v.contiguous() for k, v in out.items()}


class Mobile(nn.Module):
    """MobileCLIP-S0: timm's image tower, and the text tower of mct.py."""

    def __init__(self, trunk, text_encoder):
        super().__init__()
        self.trunk, self.text_encoder = trunk, text_encoder
        self.logit_scale = nn.Parameter(torch.tensor(4.6))


def apple_reference(name, config, framing, merges, overrides=None, text_sizes=None, reparameterized=False):
    """Apple's own .pt: bare names. text_sizes: those of mct.py's tower (MobileCLIP-S0); else the text tower is open_clip's."""
    import timm
    if text_sizes is not None:
        trunk = timm.create_model(config["vision_cfg"]["timm_model_name"], num_classes=config["embed_dim"], global_pool="avg",
                                  **(overrides or {}))
        import mct
        model = Mobile(trunk, mct.TextTower(**text_sizes)).eval()
        image, text = model.trunk, model.text_encoder
        text_centre = (model.text_encoder.final_layer_norm, "text", last_id)
    else:
        model = open_clip_model(config, overrides).eval()
        trunk = model.visual.trunk
        image, text = model.encode_image, model.encode_text
        text_centre = (model.text.ln_final, "text", last_id)
    ids = vocabularies.clip_ids(merges, config["text_cfg"].get("context_length", 77))

    def names(half):
        vit = config["vision_cfg"]["timm_model_name"].startswith("vit")
        trunk_tensors = tensors_of(trunk, half)
        out = apple_vit(trunk_tensors) if vit else apple_fastvit(trunk_tensors, None)
        if text_sizes is not None:
            out.update({"text_encoder." + k: v for k, v in tensors_of(model.text_encoder, half).items()})
        else:
            out.update(apple_text(tensors_of(model.text, half)))
        out["logit_scale"] = model.logit_scale.detach().clone()
        return out

    def save(folder, half=False):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(names(half), folder / f"{name}.pt")
        vocabularies.write_bpe_gz(folder / "bpe_simple_vocab_16e6.txt.gz", merges)

    reference = Reference(name, model, framing, image, text, ids, save, [trunk_centre(trunk), text_centre])
    reference.names = names
    reference.trunk = trunk
    return reference


# ---- transformers ----

def picture_json(framing, kind):
    resample = {"bicubic": 3, "bilinear": 2}[framing.interpolation]
    base = {"do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": framing.mean, "image_processor_type": kind,
            "image_std": framing.std, "resample": resample, "rescale_factor": 0.00392156862745098}
    if framing.mode == "squash":
        return {**base, "size": {"height": framing.size, "width": framing.size}}
    return {**base, "crop_size": {"height": framing.size, "width": framing.size}, "do_center_crop": True, "do_convert_rgb": True,
            "size": {"shortest_edge": framing.size}}


def write_shards(folder, tensors, count=2):
    """Files of an equal number of tensors and the index that names them."""
    import safetensors.torch
    names = list(tensors)
    index = {}
    for i in range(count):
        part = names[i * len(names) // count:(i + 1) * len(names) // count]
        file = f"model-{i + 1:05d}-of-{count:05d}.safetensors"
        safetensors.torch.save_file({n: tensors[n] for n in part}, folder / file, metadata={"format": "pt"})
        index.update({n: file for n in part})
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": size}, "weight_map": index}, indent=2) + "\n")


def hf_save(model, framing, kind, write_tokenizer):
    def save(folder, half=False, forms=("safetensors",)):
        import safetensors.torch
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors = tensors_of(model, half)
        if "safetensors" in forms:
            safetensors.torch.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        if "shards" in forms:
            write_shards(folder, tensors)
        if "bin" in forms:
            torch.save(tensors, folder / "pytorch_model.bin")
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(picture_json(framing, kind), indent=2) + "\n")
        write_tokenizer(folder)
    return save


def of_output(o):
    return o if torch.is_tensor(o) else o.pooler_output


def hf_clip_reference(name, vision, text, dim, framing, merges, forms=("json",), eos=None):
    """vision, text: fields of CLIPConfig's two parts."""
    from transformers import CLIPConfig, CLIPModel
    vocabulary = vocabularies.clip_vocabulary(merges)
    end = vocabulary["<|endoftext|>"]
    config = CLIPConfig(text_config={**text, "vocab_size": len(vocabulary), "bos_token_id": end - 1, "eos_token_id": eos or end,
                                     "pad_token_id": 1, "projection_dim": dim},
                        vision_config={**vision, "projection_dim": dim}, projection_dim=dim)
    model = CLIPModel(config).eval()
    plain = vocabularies.clip_ids(merges, text.get("max_position_embeddings", 77))

    def ids(texts):  # filled up with the end token, as CLIPTokenizer does
        out = plain(texts)
        for row in out:
            row[row.argmax() + 1:] = end
        return out
    save = hf_save(model, framing, "CLIPImageProcessor", lambda f: vocabularies.write_clip(f, merges, forms))
    return Reference(name, model, framing, lambda x: of_output(model.get_image_features(pixel_values=x)),
                     lambda i: of_output(model.get_text_features(input_ids=i, attention_mask=(i >= 0).long())), ids, save,
                     [(model.vision_model.post_layernorm, "image", first_row), (model.text_model.final_layer_norm, "text", last_id)])


def hf_siglip_reference(name, vision, text, framing, ids, write_tokenizer):
    from transformers import SiglipConfig, SiglipModel
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).eval()
    save = hf_save(model, framing, "SiglipImageProcessor", write_tokenizer)
    return Reference(name, model, framing, lambda x: of_output(model.get_image_features(pixel_values=x)),
                     lambda i: of_output(model.get_text_features(input_ids=i)), ids, save,
                     [(model.vision_model.head.mlp.fc2, "image", first_row), (model.text_model.head, "text", whole)])


def chinese_clip_reference(name, vision, text, dim, framing, words, folder):
    from transformers import ChineseCLIPConfig, ChineseCLIPModel
    vocabularies.write_bert(folder, words)
    ids = vocabularies.bert_ids(folder)
    config = ChineseCLIPConfig(text_config={**text, "vocab_size": len(words)}, vision_config=vision, projection_dim=dim)
    model = ChineseCLIPModel(config).eval()
    save = hf_save(model, framing, "ChineseCLIPImageProcessor", lambda f: vocabularies.write_bert(f, words))
    last = model.text_model.encoder.layer[-1].output.LayerNorm
    return Reference(name, model, framing, lambda x: of_output(model.get_image_features(pixel_values=x)),
                     lambda i: of_output(model.get_text_features(input_ids=i, attention_mask=(i != 0).long())), ids, save,
                     [(model.vision_model.post_layernorm, "image", first_row), (last, "text", first_row)])


# ---- Chinese-CLIP as its authors save it ----

def cn_clip_reference(name, sizes, framing, words, folder):
    """cn_clip's own model (not among the requirements of the others: its packages clash with theirs; see the document). sizes: its
    constructor's. Saved as its training does: everything under module., in a dictionary, with nothing beside it."""
    import torch as t
    vocabularies.write_bert(folder, words)
    from cn_clip.clip.bert_tokenizer import FullTokenizer
    from cn_clip.clip.model import CLIP
    tokenizer = FullTokenizer(vocab_file=str(pathlib.Path(folder) / "vocab.txt"), do_lower_case=True)
    model = CLIP(tokenizer=tokenizer, **sizes).eval()

    def ids(texts, length=52):
        out = t.zeros(len(texts), length, dtype=t.long)
        for row, text in zip(out, texts):
            pieces = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))[:length - 2]
            pieces = [tokenizer.vocab["[CLS]"], *pieces, tokenizer.vocab["[SEP]"]]
            row[:len(pieces)] = t.tensor(pieces)
        return out

    def save(folder, half=False):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        t.save({"epoch": 15, "step": 1000, "name": name,
                "state_dict": {"module." + k: v for k, v in tensors_of(model, half).items()}}, folder / f"{name}.pt")
        (folder / "vocab.txt").write_text("".join(w + "\n" for w in words))

    last = model.bert.encoder.layer[-1].output.LayerNorm
    return Reference(name, model, framing, model.encode_image, model.encode_text, ids, save,
                     [(model.visual.ln_post, "image", first_row), (last, "text", first_row)])
