"""Trains the classifier that tells English from other languages in Latin letters, and has its score in Python.

The score is that of encoder/language.c to the bit (docs/model-package.md): logistic regression over the hashed runs of
characters of a text. Single words and short phrases weigh as much as sentences, and languages weigh alike, for people
type "Hund" more often than whole sentences. Languages in other scripts are told by their letters and need no training.

    language.py --data DATA --lists train/languages --main models/photosearch.safetensors [--package COMPANION.safetensors]

prints the accuracy on texts kept back, then fits all of them and writes the weights into the package.
"""
import argparse
import collections
import functools
import gzip
import json
import os
import random
import re
import time
import unicodedata
import zlib

import numpy as np
import scipy.optimize
import scipy.sparse

import package
from common import log, read_photos

BUCKETS, RUN_MOST, BYTES_MOST = 65536, 4, 4096
LATIN = [(0x41, 0x5A), (0x61, 0x7A), (0xAA, 0x2FF), (0x1D00, 0x1DBF), (0x1E00, 0x1EFF), (0x2071, 0x209C), (0x2100, 0x218F),
         (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFB00, 0xFB06), (0xFF21, 0xFF5A), (0x1D400, 0x1D7FF)]
KEPT_BACK = 10  # one text in so many measures and does not train
CAPTIONS_MOST = 20000  # of a language
L2 = 1e-8
LEAST_TEXTS = 100  # a language with fewer is of another script and happens to have an abbreviation or two


# ---- the score, as the C program computes it ------------------------------------------------------------------------

def beginning(text):
    """The characters that start within the first BYTES_MOST bytes."""
    at = 0
    for i, c in enumerate(text):
        if at >= BYTES_MOST:
            return text[:i]
        at += len(c.encode())
    return text


def is_word(c):
    kind = unicodedata.category(c)
    return c == "'" or kind[0] in "LM" or kind == "Nd"


def words_of(text):
    text = unicodedata.normalize("NFC", beginning(text).replace("\u2019", "'"))
    text = "".join(c.lower()[0] for c in text)
    return "".join(c if is_word(c) else " " for c in text).split(" ")


def has_other_script(text):
    return any(unicodedata.category(c)[0] == "L" and not any(a <= ord(c) <= b for a, b in LATIN) for c in beginning(text))


def fnv1a(text):
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return h


@functools.lru_cache(maxsize=1 << 20)
def hashes(word):
    """Of all runs of 1 to RUN_MOST characters of "^word$" but "^" and "$" alone."""
    marked = "^" + word + "$"
    runs = [marked[i:i + n] for i in range(len(marked)) for n in range(1, RUN_MOST + 1) if i + n <= len(marked)]
    return np.array([fnv1a(r) for r in runs if r not in ("^", "$")], dtype=np.int64)


def score(text, weight, scale, bias):
    """0 or more speaks for English; 0 for a text without words."""
    every = [hashes(word) for word in words_of(text) if word]
    if not every:
        return 0.0
    every = np.concatenate(every)
    total = int(weight[every & (len(weight) - 1)].astype(np.int64).sum())
    return bias + scale * (total / len(every))


# ---- training -------------------------------------------------------------------------------------------------------

class Design:
    """The mean over the n-grams of each text, factored: texts x words, words x buckets."""

    def __init__(self, texts, buckets):
        self.words, rows, columns = {}, [], []
        for row, text in enumerate(texts):
            for word in words_of(text):
                if word:
                    rows.append(row)
                    columns.append(self.words.setdefault(word, len(self.words)))
        counts = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(self.words)))
        every = [hashes(word) & (buckets - 1) for word in self.words]
        lengths = np.array([len(h) for h in every])
        starts = np.concatenate([[0], np.cumsum(lengths)])
        self.runs = scipy.sparse.csr_matrix((np.ones(starts[-1]), np.concatenate(every), starts), shape=(len(every), buckets))
        total = counts @ lengths
        self.counts = scipy.sparse.diags(1.0 / np.maximum(total, 1)) @ counts

    def times(self, w):
        return self.counts @ (self.runs @ w)

    def transposed_times(self, r):
        return self.runs.T @ (self.counts.T @ r)


def fit(texts, is_english, weight=None, l2=L2, buckets=BUCKETS):
    """-> int8 [buckets], scale, bias"""
    x, y = Design(texts, buckets), np.asarray(is_english, dtype=np.float64)
    share = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    share = share / share.sum()

    def loss(parameters):
        w, b = parameters[:-1], parameters[-1]
        z = x.times(w) + b
        r = share * (1 / (1 + np.exp(-np.clip(z, -500, 500))) - y)
        value = (share * (np.logaddexp(0, z) - y * z)).sum() + 0.5 * l2 * (w @ w)
        return value, np.append(x.transposed_times(r) + l2 * w, r.sum())

    best = scipy.optimize.minimize(loss, np.zeros(buckets + 1), jac=True, method="L-BFGS-B", options=dict(maxiter=600)).x
    w, b = best[:-1], best[-1]
    scale = np.quantile(np.abs(w[w != 0]), 0.9995) / 127
    return np.clip(np.rint(w / scale), -127, 127).astype(np.int8), float(scale), float(b)


# ---- texts ----------------------------------------------------------------------------------------------------------

def rows_of(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="\n") as f:
        yield from (line.rstrip("\r\n").split("\t") for line in f)


def plain(text):
    return " ".join(words_of(text)).split()


def read_captions(data):
    """language -> captions of photos that are not measured with"""
    photos = read_photos(data)
    dev = {p.file for p in photos if p.split == "dev"}
    found, held = collections.defaultdict(list), set()
    for p in photos:
        (held.update(map(" ".join, map(plain, p.captions))) if p.file in dev else found["en"].extend(p.captions))
    multi = list(rows_of(os.path.join(data, "captions_multi.tsv.gz")))[1:]
    for file, lang, _, caption in multi:
        held.add(" ".join(plain(caption))) if file in dev else found[lang].append(caption)
    for lang, *caption in list(rows_of(os.path.join(data, "captions_text.tsv.gz")))[1:]:
        found[lang].append(" ".join(caption))
    for name in ("sentences_parallel.tsv.gz", "sentences_en_zh_es.tsv.gz"):
        langs, *rows = rows_of(os.path.join(data, name))
        for row in rows:
            if " ".join(plain(row[0])) not in held:
                for lang, sentence in zip(langs, row):
                    found[lang].append(sentence)
    chooser, out = random.Random(1), {}
    for lang, captions in found.items():
        kept = sorted({c.strip() for c in captions if c.strip() and not has_other_script(c) and " ".join(plain(c)) not in held})
        out[lang] = chooser.sample(kept, min(len(kept), CAPTIONS_MOST * (4 if lang == "en" else 1)))
    return {lang: c for lang, c in out.items() if c}


def read_lists(folder):
    """-> {(language, "words" | "names" | "sentences"): texts}; a translation that is also an English word is neither."""
    found, english = collections.defaultdict(set), set()
    for name in sorted(os.listdir(folder)):
        parts = name.split(".")
        if len(parts) != 3 or parts[2] != "tsv":
            continue
        for row in rows_of(os.path.join(folder, name)):
            if len(row) < 2:
                continue
            found["en", parts[1]].add(row[0].strip())
            found[parts[0], parts[1]].update(t.strip() for t in row[1].split("|"))
    english = {" ".join(plain(t)) for (lang, _), texts in found.items() if lang == "en" for t in texts}
    return {key: sorted(t for t in texts if t and not has_other_script(t) and (key[0] == "en" or " ".join(plain(t)) not in english))
            for key, texts in found.items()}


def vocabulary(captions):
    """(language, "vocabulary") -> words that the language's captions use at least twice and the others' hardly ever."""
    count = {lang: collections.Counter(w for c in texts for w in set(plain(c)) if not re.search(r"\d", w)) for lang, texts in captions.items()}
    out = {}
    for lang, words in count.items():
        rivals = [other for other in count if (other == "en") != (lang == "en")]
        def own(word):
            rate = words[word] / len(captions[lang])
            return words[word] >= 2 and all(count[r][word] / len(captions[r]) < 0.05 * rate for r in rivals)
        out[lang, "vocabulary"] = sorted(w for w in words if own(w))
    return out


def phrases(captions, most=10000):
    """(language, "phrases") -> two to four words in a row from captions."""
    chooser, out = random.Random(2), {}
    for lang, texts in captions.items():
        parts = set()
        for caption in chooser.sample(texts, min(len(texts), most)):
            words = caption.split()
            length = chooser.randint(2, 4)
            start = chooser.randint(0, max(0, len(words) - length))
            parts.add(" ".join(words[start:start + length]))
        out[lang, "phrases"] = sorted(parts)
    return out


# of a language's weight, in proportion
SHARES = {"words": 3.0, "names": 1.5, "vocabulary": 1.5, "known": 1.0, "phrases": 2.0, "sentences": 1.0, "captions": 1.0}


def read_all(data, lists, main):
    """-> [(language, kind, text)]"""
    captions = read_captions(data)
    groups = {**read_lists(lists), **vocabulary(captions), **phrases(captions), **{(lang, "captions"): c for lang, c in captions.items()}}
    others = {word for (lang, _), texts in groups.items() if lang != "en" for text in texts for word in plain(text)}
    groups["en", "known"] = known_words(main, others)
    size = collections.Counter()
    for (lang, _), texts in groups.items():
        size[lang] += len(texts)
    return [(lang, kind, text) for (lang, kind), texts in sorted(groups.items()) for text in texts if size[lang] >= LEAST_TEXTS]


def known_words(path, others):
    """Words that the English tower of a package knows whole, and that no other language has."""
    tokens = bytes(package.read(path)[0]["text.vocab"]).decode().split("\n")
    return sorted(t for t in tokens if re.fullmatch("[a-z]{3,}", t) and t not in others)


def weights(texts):
    """English weighs as much as all others, which weigh alike; in a language each kind has its share."""
    size = collections.Counter((lang, kind) for lang, kind, _ in texts)
    total = collections.Counter()
    for lang, kind in size:
        total[lang] += SHARES[kind]
    others = len(total) - 1
    return np.array([SHARES[k] / total[l] / size[l, k] * (others if l == "en" else 1.0) for l, k, _ in texts])


def report(texts, model, most=2000):
    right = collections.defaultdict(list)
    for lang, kind, text in random.Random(3).sample(texts, len(texts)):
        if len(right[lang, kind]) < most:
            right[lang, kind].append((score(text, *model) >= 0) == (lang == "en"))
    for lang in sorted({l for l, _ in right}):
        cells = [f"{k} {100 * np.mean(right[lang, k]):.1f} of {len(right[lang, k])}" for k in SHARES if (lang, k) in right]
        log(f"  {lang}: " + ", ".join(cells))


def train(data, lists, main, l2=L2, buckets=BUCKETS):
    """Measures on texts kept back, then fits all -> int8 [buckets], scale, bias"""
    texts = read_all(data, lists, main)
    back = np.array([zlib.crc32(" ".join(plain(t)).encode()) % KEPT_BACK == 0 for _, _, t in texts])
    for name, use in (("kept back", ~back), ("all", np.ones(len(texts), dtype=bool))):
        start, chosen = time.time(), [t for t, u in zip(texts, use) if u]
        model = fit([t for _, _, t in chosen], [l == "en" for l, _, _ in chosen], weights(chosen), l2, buckets)
        log(f"{len(chosen)} texts in {time.time() - start:.0f} s; percent told right of texts {name}:")
        report([t for t, u in zip(texts, use) if not u] if name == "kept back" else chosen, model)
    return model


def put(path, model):
    """Writes the classifier into a package."""
    weight, scale, bias = model
    tensors, metadata = package.read(path)
    config = json.loads(metadata["text.config"])
    config.update(english_scale=scale, english_bias=bias)
    package.write(path, {**tensors, "text.english.weight": weight}, {**metadata, "text.config": json.dumps(config)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with train.tsv and the caption files")
    parser.add_argument("--lists", required=True, help="folder with XX.words.tsv, XX.names.tsv and XX.sentences.tsv")
    parser.add_argument("--main", required=True, help="the package with the English tower, whose words are English")
    parser.add_argument("--package", help="the companion to write the classifier into")
    parser.add_argument("--l2", type=float, default=L2)
    parser.add_argument("--buckets", type=int, default=BUCKETS)
    args = parser.parse_args()
    model = train(args.data, args.lists, args.main, args.l2, args.buckets)
    if args.package:
        put(args.package, model)


if __name__ == "__main__":
    main()
