"""Fits the package's `calibration` and writes it into the package: score = 1/(1+exp(-(a*cosine+b))).

A query is a sentence against a gallery; what counts is the best photo's cosine. Queries with an answer: dev captions
against the dev photos, names of things against the dev photos with three photos of each thing among them. Queries
without one: the same names against the dev photos alone, where no caption speaks of the thing. Fitted on one half of
the queries, reported on the other. `good` is where F1 is best; below `weak` only 3 % of the answered queries lie.
"""
import json

import numpy as np
import torch

import names
import package
import simulate
import split
import text_net
from common import arguments, log, normalise, start
from evaluate import Measures, PackageModel

ABSENT_BELOW = 0.45  # likeness, to the untouched MiniLM, of a name and the nearest dev caption


def things(measures, sources=("caltech101", "imagenette", "tinyimagenet"), each=3):
    """label -> photos kept from training"""
    use, shelf = split.training(measures.photos), {}
    for n, p in enumerate(measures.photos):
        if not use[n] and p.source in sources:
            shelf.setdefault((p.source, p.label), []).append(n)
    return {key: numbers[:each] for key, numbers in shelf.items()}


def best_cosines(measures):
    """-> cosines of the best photo, whether the gallery holds an answer"""
    shelf = things(measures)
    words = [names.LABELS.get(key, [key[1]])[0] for key in shelf]
    tokens = text_net.tokenize(measures.tokenizer, words + measures.captions)
    plain = normalise(text_net.embed(text_net.load(), tokens))
    absent = (plain[:len(words)] @ plain[len(words):].T).amax(1) < ABSENT_BELOW
    gallery = measures.gallery.vectors(measures.dev)
    mixed = torch.cat([gallery, measures.gallery.vectors([n for group in shelf.values() for n in group])])
    vectors, captions = measures.texts(words), measures.texts(measures.captions[::10])
    log(f"{int(absent.sum())} of {len(words)} names are about things that no dev caption speaks of")
    parts = [(vectors @ mixed.T).amax(1)[absent], (captions @ gallery.T).amax(1), (vectors @ gallery.T).amax(1)[absent]]
    cosines = torch.cat(parts).double().numpy()
    answered = np.concatenate([np.ones(len(parts[0])), np.ones(len(parts[1])), np.zeros(len(parts[2]))])
    weight = np.concatenate([np.full(len(p), 1.0 / len(p)) for p in parts])
    weight[answered == 0] *= 2
    return cosines, answered, weight / weight.mean()


def fit(cosines, answered, weight, rounds=100):
    """Logistic regression by Newton's method."""
    x, w = np.stack([cosines, np.ones_like(cosines)], 1), np.zeros(2)
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-x @ w))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        w += np.linalg.solve(hessian, x.T @ (weight * (answered - p)))
    return w


def f1(scores, answered, weight, threshold):
    hit = scores >= threshold
    right = (weight * (hit & (answered == 1))).sum()
    return 2 * right / max((weight * hit).sum() + (weight * (answered == 1)).sum(), 1e-9)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--package", required=True)
    args = start(parser)
    calibrate(Measures(PackageModel(args.package, simulate.INT8), args.work, args.data), args.package)


def calibrate(measures, path):
    cosines, answered, weight = best_cosines(measures)
    even = np.arange(len(cosines)) % 2 == 0
    a, b = fit(cosines[even], answered[even], weight[even])
    scores = 1 / (1 + np.exp(-(a * cosines + b)))
    grid = np.linspace(0.05, 0.95, 91)
    good = max(grid, key=lambda t: f1(scores[even], answered[even], weight[even], t))
    order = np.sort(scores[even & (answered == 1)])
    weak = min(order[int(0.03 * len(order))], good - 0.05)
    odd = ~even
    absent, present = odd & (answered == 0), odd & (answered == 1)
    log(f"a {a:.2f} b {b:.2f} weak {weak:.2f} good {good:.2f}")
    log(f"other half: F1 at good {f1(scores[odd], answered[odd], weight[odd], good):.3f}; unanswered queries said to match "
        f"{100 * (scores[absent] >= good).mean():.1f} %, said to find nothing {100 * (scores[absent] < weak).mean():.1f} %; answered "
        f"ones said to match {100 * (scores[present] >= good).mean():.1f} %, to find nothing {100 * (scores[present] < weak).mean():.1f} %")
    tensors, metadata = package.read(path)
    metadata["calibration"] = json.dumps({k: round(float(v), 4) for k, v in dict(a=a, b=b, weak=weak, good=good).items()})
    package.write(path, tensors, metadata)


if __name__ == "__main__":
    main()
