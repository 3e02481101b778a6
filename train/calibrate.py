"""Fits `calibration` of the main package, and of a companion, and writes it into them, with the bank it needs.

    score = 1 / (1 + exp(-(a*cosine + b + c*m + d*s)))

m and s are the mean and standard deviation of the query's cosines with a bank of photos that nobody looks for: it goes
into the main package as `image.background`.

A query is a sentence against a gallery; what counts is the best photo's cosine. Queries with an answer: dev captions
against the dev photos, names of things against the dev photos with three photos of each thing among them. Queries
without one: the same names against the dev photos alone, where no caption speaks of the thing. Fitted on one half of
the queries, reported on the other. `good` is where F1 is best; below `weak` only 3 % of the answered queries lie.

For the companion (--text) the same is done in each of its languages there are texts in: captions of the dev photos in
other languages (--lang-captions: file, lang, origin, caption) and the names by their translations (--lists). Its vectors
come from the C library.
"""
import argparse
import collections
import json
import os
import random

import numpy as np
import torch

import language
import names
import package
import simulate
import split
import text_net
from common import arguments, log, normalise, start
from evaluate import Measures, PackageModel
from library import LIBRARY, Reader

ABSENT_BELOW = 0.45  # likeness, to the untouched MiniLM, of a name and the nearest dev caption
BANK = 256  # photos
CAPTIONS_MOST = 500  # of a language
WEAK_BELOW = 0.075  # the companion is fitted on names; single everyday words ("dog", "horse") lie lower than those
SLOPE_MOST = 24.0  # names in many languages go wrong together: a fit to them alone would be too sure of itself

Part = collections.namedtuple("Part", "texts photos answered")  # queries of one kind, float [photos][dim], 0 or 1


# ---- queries ----------------------------------------------------------------------------------------------------------

def things(measures, sources=("caltech101", "imagenette", "tinyimagenet"), each=3):
    """label -> photos kept from training"""
    use, shelf = split.training(measures.photos, whole_classes=False), {}
    for n, p in enumerate(measures.photos):
        if not use[n] and p.source in sources:
            shelf.setdefault((p.source, p.label), []).append(n)
    return {key: numbers[:each] for key, numbers in shelf.items()}


class Galleries:
    """The dev photos, the same with photos of things among them, and the names of things that no dev caption speaks of."""

    def __init__(self, measures):
        shelf = things(measures)
        words = [names.LABELS.get(key, [key[1]])[0] for key in shelf]
        tokens = text_net.tokenize(text_net.load_tokenizer(), words + measures.captions)
        plain = normalise(text_net.embed(text_net.load(), tokens))
        absent = (plain[:len(words)] @ plain[len(words):].T).amax(1) < ABSENT_BELOW
        self.names = [word for word, is_absent in zip(words, absent) if is_absent]
        self.dev = measures.gallery.vectors(measures.dev)
        self.mixed = torch.cat([self.dev, measures.gallery.vectors([n for group in shelf.values() for n in group])])
        log(f"{len(self.names)} of {len(words)} names are about things that no dev caption speaks of")

    def parts(self, words, captions):
        return [Part(words, self.mixed, 1), Part(captions, self.dev, 1), Part(words, self.dev, 0)]


def make_bank(measures, count=BANK):
    """Vectors of photos from all over the training photos, evenly by source."""
    use, shelf, chooser = split.training(measures.photos, whole_classes=False), collections.defaultdict(list), random.Random(5)
    for n, p in enumerate(measures.photos):
        if use[n]:
            shelf[p.source].append(n)
    numbers = [n for source in sorted(shelf) for n in chooser.sample(shelf[source], min(len(shelf[source]), -(-count // len(shelf))))]
    vectors = measures.gallery.vectors(sorted(chooser.sample(numbers, count))).numpy()
    scale = np.abs(vectors).max(1) / 127
    levels = np.rint(vectors / scale[:, None]).astype(np.int8)
    return levels, scale.astype(np.float32)


def translations(folder, lang):
    """English -> the first translation, of all lists of a language."""
    found = {}
    for kind in ("words", "names"):
        path = os.path.join(folder, f"{lang}.{kind}.tsv")
        for row in language.rows_of(path) if os.path.exists(path) else ():
            if len(row) > 1 and row[1].strip():
                found.setdefault(row[0].strip().lower(), row[1].split("|")[0].strip())
    return found


def dev_captions(path, measures):
    """lang -> captions of dev photos"""
    dev, found = {measures.photos[n].file for n in measures.dev}, collections.defaultdict(list)
    for file, lang, _, caption in list(language.rows_of(path))[1:]:
        if file in dev:
            found[lang].append(caption)
    return {lang: random.Random(7).sample(c, min(len(c), CAPTIONS_MOST)) for lang, c in found.items()}


def companion_parts(galleries, measures, args):
    """-> [(lang, Part)] in the companion's languages"""
    langs = json.loads(package.read(args.text)[1]["text.config"]).get("languages", "en").split()
    captions, out = dev_captions(args.lang_captions, measures), []
    for lang in langs:
        table = translations(args.lists, lang) if args.lists else {}
        words = [table[name.lower()] for name in galleries.names if name.lower() in table]
        parts = [p for p in galleries.parts(words, captions.get(lang, [])) if len(p.texts) >= 10]
        if {p.answered for p in parts} == {0, 1}:
            out += [(lang, p) for p in parts]
        log(f"{lang}: {len(words)} names, {len(captions.get(lang, []))} captions")
    return out


# ---- fitting ----------------------------------------------------------------------------------------------------------

Queries = collections.namedtuple("Queries", "columns answered weight")  # columns: best cosine, 1, m, s


def measure(parts, encode, bank):
    """parts: [(lang, Part)]; encode(texts, lang) -> float [n][dim]. Answered and unanswered queries weigh alike, and so do parts."""
    levels, scale = bank
    background = torch.from_numpy(levels.astype(np.float32) * scale[:, None])
    columns, answered, weight = [], [], []
    for lang, part in parts:
        vectors = encode(part.texts, lang)
        cosines = (vectors @ background.T).double()
        best = (vectors @ part.photos.T).amax(1).double()
        columns.append(torch.stack([best, torch.ones_like(best), cosines.mean(1), cosines.std(1, correction=0)], 1).numpy())
        answered.append(np.full(len(best), part.answered))
        alike = sum(p.answered == part.answered for _, p in parts)
        weight.append(np.full(len(best), 1.0 / len(best) / alike))
    weight = np.concatenate(weight)
    return Queries(np.concatenate(columns), np.concatenate(answered), weight / weight.mean())


def fit(x, answered, weight, rounds=100):
    """Logistic regression by Newton's method."""
    w = np.zeros(x.shape[1])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(len(w))
        w += np.linalg.solve(hessian, x.T @ (weight * (answered - p)))
    return w


def f1(scores, answered, weight, threshold):
    hit = scores >= threshold
    right = (weight * (hit & (answered == 1))).sum()
    return 2 * right / max((weight * hit).sum() + (weight * (answered == 1)).sum(), 1e-9)


def calibrate(name, queries, with_statistics, weak_below=None):
    """-> a, b, c, d, weak, good; fitted on every other query, reported on the rest. weak_below: how far the cosine of a weak match
    may lie under that of a good one."""
    x, answered, weight = queries
    x = x if with_statistics else x[:, :2]
    even = np.arange(len(x)) % 2 == 0
    w = fit(x[even], answered[even], weight[even])
    w *= min(1.0, SLOPE_MOST / w[0])  # the point of equal odds stays
    scores = 1 / (1 + np.exp(-x @ w))
    good = max(np.linspace(0.05, 0.95, 91), key=lambda t: f1(scores[even], answered[even], weight[even], t))
    order = np.sort(scores[even & (answered == 1)])
    weak = min(order[int(0.03 * len(order))], good - 0.12)
    if weak_below:
        weak = min(weak, 1 / (1 + np.exp(-(np.log(good / (1 - good)) - w[0] * weak_below))))
    odd = ~even
    absent, present = odd & (answered == 0), odd & (answered == 1)
    a, b, c, d = np.append(w, [0.0, 0.0])[:4]
    log(f"{name}, {'with' if with_statistics else 'without'} the bank: a {a:.2f} b {b:.2f} c {c:.2f} d {d:.2f} weak {weak:.2f} good {good:.2f}")
    log(f"    other half: F1 at good {f1(scores[odd], answered[odd], weight[odd], good):.3f}; unanswered queries said to match "
        f"{100 * (scores[absent] >= good).mean():.1f} %, said to find nothing {100 * (scores[absent] < weak).mean():.1f} %; answered "
        f"ones said to match {100 * (scores[present] >= good).mean():.1f} %, to find nothing {100 * (scores[present] < weak).mean():.1f} %")
    assert a > 0, "a nearer photo must not score less"
    return dict(a=a, b=b, c=c, d=d, weak=weak, good=good)


def choose(name, queries, with_bank, weak_below=None):
    """Both are reported; the bank is used on demand only. It helps on these queries (F1 0.92 to 0.96 in English), but it holds
    what photos usually show, and takes that from the scores of "sunset" or "two dogs" in other galleries."""
    both = {use: calibrate(name, queries, use, weak_below) for use in (False, True)}
    return both[with_bank]


def put(path, calibration, bank=None):
    tensors, metadata = package.read(path)
    tensors = {name: a for name, a in tensors.items() if not name.startswith("image.background")}
    if bank:
        tensors.update({"image.background": bank[0], "image.background.scale": bank[1]})
    metadata["calibration"] = json.dumps({k: round(float(v), 4) for k, v in calibration.items()})
    package.write(path, tensors, metadata)


def main():
    parser = arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--package", required=True, help="the main package")
    parser.add_argument("--text", help="a companion of it")
    parser.add_argument("--lang-captions", help="for --text; captions_multi.tsv.gz of the data folder unless told")
    parser.add_argument("--lists", help="for --text: folder with XX.words.tsv and XX.names.tsv")
    parser.add_argument("--with-bank", action="store_true", help="use the bank, and write it into the main package")
    parser.add_argument("--library", default=LIBRARY, help="for --text")
    args = start(parser)
    args.lang_captions = args.lang_captions or os.path.join(args.data, "captions_multi.tsv.gz")
    measures = Measures(PackageModel(args.package, simulate.INT8), args.work, args.data)
    galleries, bank = Galleries(measures), make_bank(measures)
    english = [("en", p) for p in galleries.parts(galleries.names, measures.captions[::10])]
    put(args.package, choose("en", measure(english, lambda texts, lang: measures.texts(texts), bank), args.with_bank), bank if args.with_bank else None)
    if args.text:
        reader = Reader(args.text, galleries.dev.shape[1], args.library)
        put(args.text, choose("companion", measure(companion_parts(galleries, measures, args), reader.texts, bank), args.with_bank, WEAK_BELOW))
        reader.close()


if __name__ == "__main__":
    main()
