"""Measures a checkpoint (float) or a package (integers as in the C program, or its float twin) on photos kept back.

flickr8k dev: recall of text to photo. Pairs of captions that differ in one word. Scenes, clothing, class names and a few
sentences that must work. Nothing here is trained on.
"""
import os
import random

import numpy as np
import torch

import image_net
import names
import probes
import simulate
import split
import text_net
from common import SIZE, arguments, load_rgb, log, read_photos, squash, start
from metrics import accuracy, precision_at, recall

CLOTHING = {"t shirt": "t-shirt", "longsleeve": "long-sleeved shirt", "pants": "pants", "dress": "dress", "shirt": "shirt", "shoes": "shoes",
            "shorts": "shorts", "outwear": "jacket", "hat": "hat", "skirt": "skirt"}


class FloatModel:
    def __init__(self, path):
        from export import load_checkpoint
        self.net, self.head, self.text_net = load_checkpoint(path)
        self.net, self.size = self.net.to(memory_format=torch.channels_last), SIZE
        tokenizer = text_net.load_tokenizer()
        self.tokenize = lambda sentences: text_net.tokenize(tokenizer, sentences)

    def images(self, pixels):
        return self.head(self.net(pixels))

    def texts(self, tokens):
        return text_net.embed(self.text_net, tokens)


class PackageModel:
    def __init__(self, path, mode):
        self.image, self.text = simulate.open_package(path, mode)
        self.size, self.tokenize = self.image.config["size"], simulate.open_tokenizer(path)

    def images(self, pixels):
        return self.image(pixels)

    def texts(self, tokens):
        return self.text(tokens)


class Gallery:
    """Vectors of photos, computed once and kept by number."""

    def __init__(self, model, work, photos):
        self.model, self.work, self.photos, self.known = model, work, photos, {}

    @torch.inference_mode()
    def vectors(self, numbers, batch=16):
        missing = [n for n in numbers if n not in self.known]
        for at in range(0, len(missing), batch):
            part = missing[at:at + batch]
            pixels = np.stack([squash(load_rgb(self.work, self.photos[n]), self.model.size) for n in part])
            self.known.update(zip(part, self.model.images(torch.from_numpy(pixels))))
        return torch.stack([self.known[n] for n in numbers])


class Measures:
    def __init__(self, model, work, data):
        self.photos, self.data = read_photos(data), data
        self.gallery = Gallery(model, work, self.photos)
        self.dev = [n for n, p in enumerate(self.photos) if p.captions and p.split == "dev"]
        self.captions = [c for n in self.dev for c in self.photos[n].captions]
        self.owner = torch.tensor([row for row, n in enumerate(self.dev) for _ in self.photos[n].captions])

    def texts(self, sentences):
        with torch.inference_mode():
            return self.gallery.model.texts(self.gallery.model.tokenize(sentences))

    def flickr(self):
        self.caption_vectors, self.dev_vectors = self.texts(self.captions), self.gallery.vectors(self.dev)
        log("flickr8k dev R@1 %.1f R@5 %.1f R@10 %.1f" % tuple(recall(self.caption_vectors, self.dev_vectors, self.owner)))

    def pairs(self):
        rows = probes.pairs(self.captions)
        wrong = self.texts([text for _, _, text in rows])
        number = torch.tensor([n for _, n, _ in rows])
        photo = self.dev_vectors[self.owner[number]]
        right = (self.caption_vectors[number] * photo).sum(1) > (wrong * photo).sum(1)
        for kind in sorted({k for k, _, _ in rows}):
            chosen = torch.tensor([k == kind for k, _, _ in rows])
            log(f"pairs {kind:8s} {100 * right[chosen].float().mean():.1f} of {int(chosen.sum())}")

    def labelled(self, source, words):
        numbers = [n for n, p in enumerate(self.photos) if p.source == source and p.split == "dev"]
        labels = sorted({self.photos[n].label for n in numbers})
        truth = torch.tensor([labels.index(self.photos[n].label) for n in numbers])
        vectors, photos = self.texts([words.get(l, l) for l in labels]), self.gallery.vectors(numbers)
        precision = precision_at(vectors, photos, truth)
        log(f"{source} dev: mean precision@10 {np.mean(precision):.1f}, nearest word right {accuracy(vectors, photos, truth):.1f}")
        log("   ", ", ".join(f"{l} {p:.0f}" for l, p in zip(labels, precision)))

    def class_names(self, most=500):
        """Photos of ImageNet classes that were kept from training, among all 1,000 names."""
        index, table = names.synonym_index(self.data), names.class_names(self.data)
        vectors, use = self.texts([t[0][0] for t in table]), split.training(self.photos, whole_classes=False)
        numbers = [n for n, p in enumerate(self.photos) if not use[n] and p.source in ("tinyimagenet", "imagenette") and p.label in index]
        chosen = random.Random(3).sample(numbers, min(len(numbers), most))
        truth, photos = torch.tensor([index[self.photos[n].label] for n in chosen]), self.gallery.vectors(chosen)
        log(f"{len(chosen)} photos among 1,000 names, top 1 {accuracy(vectors, photos, truth):.1f} "
            f"top 5 {accuracy(vectors, photos, truth, 5):.1f}")

    def words_in_gallery(self):
        """Single words against the dev photos plus photos of things: is the first hit the thing?"""
        use = split.training(self.photos, whole_classes=False)
        shelf = {}
        for n, p in enumerate(self.photos):
            if not use[n] and p.source in ("caltech101", "tinyimagenet", "imagenette"):
                shelf.setdefault(p.label, []).append(n)
        labels = sorted(shelf)
        numbers = self.dev + [n for label in labels for n in shelf[label][:3]]
        owner = [None] * len(self.dev) + [label for label in labels for _ in shelf[label][:3]]
        vectors = self.texts([names.LABELS.get(("caltech101", l), [l])[0] for l in labels])
        best = (vectors @ self.gallery.vectors(numbers).T).topk(5, dim=1).indices
        first = [owner[row[0]] == label for label, row in zip(labels, best)]
        five = [label in [owner[i] for i in row] for label, row in zip(labels, best)]
        log(f"{len(labels)} labels against {len(numbers)} photos: first hit right {100 * np.mean(first):.1f}, one of five {100 * np.mean(five):.1f}")
        log("    missed:", ", ".join(l for l, ok in zip(labels, five) if not ok))
        for word in ("espresso", "pizza", "laptop"):
            if word in labels:
                log("   ", word, "->", [owner[i] for i in best[labels.index(word)]])

    def snow(self):
        """"two dogs running in the snow": do such photos beat those of one dog on grass?"""
        def captions_of(row):
            return " ".join(self.photos[self.dev[row]].captions).lower()
        texts = [captions_of(row) for row in range(len(self.dev))]
        wanted = [r for r, t in enumerate(texts) if "two dogs" in t and "snow" in t]
        other = [r for r, t in enumerate(texts) if "dog" in t and "grass" in t and "snow" not in t
                 and not any(w in t for w in ("dogs", "two", "three", "another"))]
        scores = self.texts(["two dogs running in the snow"]) @ self.dev_vectors.T
        wins = (scores[0, wanted][:, None] > scores[0, other][None]).float().mean().item()
        log(f"two dogs in snow ({len(wanted)} photos) above one dog on grass ({len(other)}): {100 * wins:.1f} % of pairs")

    def sentences(self):
        for text in ("two dogs running in the snow", "a red car", "children playing soccer", "a man climbing a rock"):
            best = (self.texts([text]) @ self.dev_vectors.T).topk(3).indices[0].tolist()
            for row in best:
                log(f"    {text} -> {self.photos[self.dev[row]].captions[0]}")


def main():
    parser = arguments(__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--package")
    parser.add_argument("--float", action="store_true", help="the package's dequantised weights with float activations")
    parser.add_argument("--quick", action="store_true", help="flickr8k only")
    args = start(parser)
    model = FloatModel(args.checkpoint) if args.checkpoint else PackageModel(args.package, simulate.FLOAT if args.float else simulate.INT8)
    measures = Measures(model, args.work, args.data)
    measures.flickr()
    if not args.quick:
        everything(measures)


def everything(measures):
    measures.pairs()
    measures.labelled("scenes", {})
    measures.labelled("clothing", CLOTHING)
    measures.class_names()
    measures.words_in_gallery()
    measures.snow()
    measures.sentences()


if __name__ == "__main__":
    main()
