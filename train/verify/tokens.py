"""Compares the ids of imported tokenizers with those of the published packages, at the vocabularies' real sizes.

    python tokens.py [--data DIR] [--program build/plain/train/verify/token_ids] [--out build/verify] [--texts N]

Texts are captions and translated sentences of DIR where there are any, names of places in all scripts (the gazetteer's input), and both in
altered form: capitals, decomposed letters, full-width signs, joiners, punctuation, lengths beyond what a model reads. What differs is
printed; one text in a thousand is a failure.
"""
import argparse
import collections
import gzip
import html
import json
import pathlib
import subprocess
import sys
import unicodedata

import models
import vocabularies


# ---- Texts ----

def sentences(data):
    """(language, sentence) of the tables in data: one with a column "caption" and one for its language, or a column a language."""
    for path in sorted(data.glob("*.tsv.gz")) if data else []:
        head, *rows = (line.split("\t") for line in gzip.open(path, "rt").read().split("\n") if line)
        for row in rows if "caption" in head else []:
            yield row[head.index("lang")], row[head.index("caption")]
        for row in rows if "caption" not in head else []:
            yield from ((language, cell) for language, cell in zip(head, row) if cell)


def spread(rows, count):
    """count of the rows, as many of each language as there are."""
    by = collections.defaultdict(dict)
    for language, text in rows:
        by[language][text] = None
    chosen = []
    for language in sorted(by, key=lambda k: len(by[k])):
        share = (count - len(chosen)) // (len(by) - len({l for l, _ in chosen}))
        texts = list(by[language])
        step = max(1, len(texts) // max(1, share))
        chosen += [(language, t) for t in texts[::step][:share]]
    return chosen


def full_width(s):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in s)


ALTERATIONS = [
    str.upper, str.title, lambda s: unicodedata.normalize("NFD", s), full_width, lambda s: s + "!? " + s, lambda s: s.replace(" ", "_"),
    lambda s: s.replace(" ", "\u00a0"), lambda s: s.replace(" ", " \t\n "), lambda s: "  " + s + "  ", lambda s: "\u200d".join(s[:20]),
    lambda s: " ".join([s] * 9), lambda s: s.replace(" ", ""), lambda s: f"\u201c{s}\u201d \u2014 it\u2019s 3,14 / 2021-07", lambda s: s.replace("e", "\u0301e\u0301"),
    lambda s: s + " \U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f", lambda s: f"#{s} (@{s[:3]}) 50% $5 <b> a&b", lambda s: "\ufb01ne \u0130\u0131 \u1e9e \u2460 \u00bd \u338f " + s,
    lambda s: s.replace("a", "a\u00ad"), lambda s: s[::-1], lambda s: s.replace(" ", "\u3000\u2028"), lambda s: s + "\u2026..., '' \"\" ``--", lambda s: s[:9] + "\u0007\u0000\ufffd\ufeff" + s[9:]]


def altered(rows):
    return [("altered", ALTERATIONS[i % len(ALTERATIONS)](text).replace("\0", "")) for i, (_, text) in enumerate(rows)]


def gather(data, count):
    rows = [*(sentences(data) if data else models.captions()), *(("names", line) for line in models.places())]
    rows = spread([row for row in rows if html.unescape(row[1]) == row[1]], count)  # entities stay as they are: nobody types them
    return rows + altered(rows[::4])


# ---- Tokenizers: how each is written to a folder, rows of its word table, length, its reference, the id that ends a text ----

def write_json(folder, name, content):
    (folder / name).write_text(json.dumps(content))


def clip(folder, form):
    if form == "gz":
        folder.mkdir(parents=True, exist_ok=True)
        vocabularies.write_bpe_gz(folder / "bpe_simple_vocab_16e6.txt.gz", models.MERGES)
    else:
        vocabularies.write_clip(folder, models.MERGES, (form,))
    return 49408, 77, vocabularies.clip_ids(models.MERGES), 49407


def siglip(folder):
    vocabularies.write_siglip(folder, models.spiece())
    write_json(folder, "config.json", {"model_type": "siglip"})
    return 32000, 64, vocabularies.siglip_ids(folder), 1


def siglip_open_clip(folder):
    vocabularies.write_siglip(folder, models.spiece(), ("json",))
    write_json(folder, "open_clip_config.json", {"model_cfg": models.published("ViT-B-16-SigLIP")})
    return 32000, 64, vocabularies.open_clip_json_ids(folder), 1


def gemma(folder):
    vocabularies.write_gemma(folder, models.gemma()[0])
    write_json(folder, "config.json", {"model_type": "siglip"})
    return 256000, 64, vocabularies.siglip2_ids(folder), 1


def gemma_open_clip(folder):
    vocabularies.write_gemma(folder, models.gemma()[0])
    write_json(folder, "open_clip_config.json", {"model_cfg": models.published("ViT-B-16-SigLIP2")})
    return 256000, 64, vocabularies.open_clip_json_ids(folder, 64, "<pad>"), 1


def bert(folder):
    words = models.bert_words()
    vocabularies.write_bert(folder, words)
    return 21128, 52, vocabularies.bert_ids(folder), words.index("[SEP]")


ALL = {
    "CLIP, merges alone": (clip, "gz"), "CLIP, vocab.json": (clip, "vocab"), "CLIP, tokenizer.json": (clip, "json"),
    "SigLIP, spiece.model": (siglip,), "SigLIP, tokenizer.json": (siglip_open_clip,),
    "SigLIP 2, transformers": (gemma,), "SigLIP 2, open_clip": (gemma_open_clip,),
    "Chinese-CLIP, vocab.txt": (bert,)}


def wanted_ids(reference, texts, last):
    for at in range(0, len(texts), 500):
        for row in reference(texts[at:at + 500]).tolist():
            yield row[:row.index(last) + 1] if last in row else row


def got_ids(program, folder, rows, length, texts):
    printed = subprocess.run([str(program), str(folder), str(rows), str(length)], input="".join(t + "\0" for t in texts).encode(),
                             stdout=subprocess.PIPE, check=True).stdout.decode()
    return [[int(i) for i in line.split()] for line in printed.split("\n")[:-1]]


def compare(name, texts, args):
    make, *arguments = ALL[name]
    folder = args.out / "tokenizers" / name.replace(",", "").replace(" ", "-")
    rows, length, reference, last = make(folder, *arguments)
    plain = [t for _, t in texts]
    wanted = list(wanted_ids(reference, plain, last))
    got = got_ids(args.program, folder, rows, length, plain)
    if len(got) != len(plain):
        raise RuntimeError(f"{name}: {len(got)} lines for {len(plain)} texts")
    bad = [i for i in range(len(plain)) if wanted[i] != got[i]]
    tally = collections.Counter(texts[i][0] for i in bad)
    print(f"{name}: {len(bad)} of {len(plain)} texts differ {dict(tally) if bad else ''}", flush=True)
    for i in bad[:args.show]:
        print(f"    {plain[i]!r}\n        wanted {wanted[i]}\n        got    {got[i]}")
    return len(bad) / len(plain)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--program", default=pathlib.Path("build/plain/train/verify/token_ids"), type=pathlib.Path)
    parser.add_argument("--out", default=pathlib.Path("build/verify"), type=pathlib.Path)
    parser.add_argument("--texts", default=20000, type=int)
    parser.add_argument("--only", default="", help="tokenizers with this in their name")
    parser.add_argument("--show", default=5, type=int, help="differences that are printed")
    args = parser.parse_args()
    models.DATA, models.CACHE = args.data, args.out
    texts = gather(args.data, args.texts)
    print("texts:", dict(collections.Counter(language for language, _ in texts)), flush=True)
    return 1 if max(compare(name, texts, args) for name in ALL if args.only in name) > 0.001 else 0


if __name__ == "__main__":
    sys.exit(main())
