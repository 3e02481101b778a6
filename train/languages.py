"""Sentences for teaching the multilingual text tower: what is there in each language, and what it should mean.

An item is (language, text, row of its target, photo or -1). Targets are vectors of English sentences by the English text tower;
a caption that is no translation of one English sentence has its photo's mean for a target, and the photo itself.
"""
import gzip
import os
import random

import split
from common import read_photos

LANGUAGES = ["zh", "de", "pt", "id", "es", "fr", "ja", "ko", "it", "ru", "ar", "hi"]
PHOTO_OF = {"en": "a photo of {}", "zh": "{}的照片", "de": "ein Foto von {}", "pt": "uma foto de {}", "id": "foto {}",
            "es": "una foto de {}", "fr": "une photo de {}", "ja": "{}の写真", "ko": "{} 사진", "it": "una foto di {}",
            "ru": "фото {}", "ar": "صورة {}", "hi": "{} की तस्वीर"}
AND = {"en": "{} and {}", "zh": "{}和{}", "de": "{} und {}", "pt": "{} e {}", "id": "{} dan {}", "es": "{} y {}", "fr": "{} et {}",
       "ja": "{}と{}", "ko": "{}와 {}", "it": "{} e {}", "ru": "{} и {}", "ar": "{} و{}", "hi": "{} और {}"}
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "languages")
KEPT_SENTENCES = 6  # every sixth of our own sentences is kept for measuring


def read_list(kind, language):
    """English -> translations. kind: words, names or sentences."""
    path = os.path.join(FOLDER, f"{language}.{kind}.tsv")
    with open(path, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return {r[0]: [t.strip() for t in r[1].split("|") if t.strip()] for r in rows if len(r) == 2 and r[1].strip()}


def english(kind):
    with open(os.path.join(FOLDER, f"en.{kind}.txt"), encoding="utf-8") as f:
        return [line.rstrip("\n") for line in f]


def kept_sentences():
    return english("sentences")[::KEPT_SENTENCES]


def tsv(data, name):
    with gzip.open(os.path.join(data, name), "rt", encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return rows[0], rows[1:]


class Targets:
    """English sentences, each once."""

    def __init__(self):
        self.sentences, self.row = [], {}

    def __call__(self, sentence):
        if sentence not in self.row:
            self.row[sentence] = len(self.sentences)
            self.sentences.append(sentence)
        return self.row[sentence]


def own_items(targets, pairs=5000, seed=3):
    """Our lists: words and names alone, as "a photo of", two at a time; sentences."""
    items, dice, kept = [], random.Random(seed), set(kept_sentences())
    words = english("words")
    couples = [(dice.choice(words), dice.choice(words)) for _ in range(pairs)]
    for language in LANGUAGES + ["en"]:
        tables = {k: {e: [e] for e in english(k)} if language == "en" else read_list(k, language) for k in ("words", "names", "sentences")}
        for kind in ("words", "names"):
            for key, options in tables[kind].items():
                items += [(language, text, targets(key), -1) for text in options]
                items.append((language, PHOTO_OF[language].format(options[0]), targets(PHOTO_OF["en"].format(key)), -1))
        for key, options in tables["sentences"].items():
            if key not in kept:
                items += [(language, options[0], targets(key), -1)] * 3
        for a, b in couples[:len(couples) // (2 if language in ("de", "fr", "en") else 1)]:
            if a in tables["words"] and b in tables["words"]:
                text = AND[language].format(tables["words"][a][0], tables["words"][b][0])
                items.append((language, text, targets(AND["en"].format(a, b)), -1))
    return items


def items(data):
    """-> {group: items}, Targets, photos. Groups: own, parallel, photos, english."""
    photos, targets = read_photos(data), Targets()
    use = split.training(photos)
    number = {p.file: n for n, p in enumerate(photos)}
    out = {"own": own_items(targets), "parallel": [], "photos": [], "english": []}
    for name, columns in (("sentences_parallel.tsv.gz", ("de", "fr")), ("sentences_en_zh_es.tsv.gz", ("zh", "es"))):
        head, rows = tsv(data, name)
        for row in rows:
            for language in columns:
                text = row[head.index(language)] if head.index(language) < len(row) else ""
                if text and row[0]:
                    out["parallel"] += [(language, text, targets(row[0]), -1)] * (1 if language in ("de", "fr") else 4)
    _, rows = tsv(data, "captions_multi.tsv.gz")
    for file, language, _, text in rows:
        n = number[file]
        if use[n] and language in LANGUAGES:
            out["photos"] += [(language, text, -1, n)] * (1 if language in ("de", "fr") else 4)
    out["english"] = [("en", c, targets(c), n) for n, p in enumerate(photos) if use[n] for c in p.captions]
    return out, targets, photos


def dev_captions(data, photos):
    """language -> [(photo, caption)] of the dev photos."""
    number = {p.file: n for n, p in enumerate(photos)}
    out = {"en": [(n, c) for n, p in enumerate(photos) if p.split == "dev" for c in p.captions]}
    for file, language, _, text in tsv(data, "captions_multi.tsv.gz")[1]:
        if photos[number[file]].split == "dev" and language in LANGUAGES:
            out.setdefault(language, []).append((number[file], text))
    return out
