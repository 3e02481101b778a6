"""Tokenises every sentence once and asks the untouched MiniLM for its vector of each; also samples the class knowledge.

Written to work/prepared.pt: captions (tokens, photo, teacher vector), text-only captions, teacher vectors of names.
"""
import gzip
import os
import random

import torch

import names
import text_net
from common import arguments, log, normalise, read_photos, start


def text_only(data, count, seed=1):
    with gzip.open(os.path.join(data, "captions_text.tsv.gz"), "rt", encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t", 1) for line in f]
    english = [caption for lang, caption in lines if lang == "en"]
    return random.Random(seed).sample(english, count)


def all_names(data, photos):
    classes, index = names.class_names(data), names.synonym_index(data)
    found = {n for table in classes for n, _ in table}
    for photo in photos:
        if not photo.captions:
            found.update(n for n, _ in names.label_names(photo, index, classes))
    return sorted(found)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--text-only", type=int, default=30000)
    args = start(parser)
    photos = read_photos(args.data)
    tokenizer = text_net.load_tokenizer()
    teacher = text_net.load().to(torch.bfloat16)

    def vectors(sentences):
        tokens = text_net.tokenize(tokenizer, sentences)
        return tokens, normalise(text_net.embed(teacher, tokens)).half()

    pairs = [(n, caption) for n, p in enumerate(photos) for caption in p.captions]
    out = {"caption_photo": torch.tensor([n for n, _ in pairs])}
    out["caption_tokens"], out["caption_vectors"] = vectors([c for _, c in pairs])
    log("captions", len(pairs))
    out["extra_tokens"], out["extra_vectors"] = vectors(text_only(args.data, args.text_only))
    out["names"] = all_names(args.data, photos)
    out["name_vectors"] = vectors(out["names"])[1]
    torch.save(out, os.path.join(args.work, "prepared.pt"))
    log("names", len(out["names"]))


if __name__ == "__main__":
    main()
