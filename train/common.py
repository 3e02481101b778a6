"""What every script here shares: the photo table, photo loading, small helpers."""
import argparse
import csv
import json
import os
import sys
from collections import namedtuple

import numpy as np
import torch
from PIL import Image

SIZE = 224
Photo = namedtuple("Photo", "file source split label captions")


def arguments(description):
    """A parser with the two folders every script needs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="folder with train.tsv and the caption files")
    parser.add_argument("--work", required=True, help="folder for photos, features and checkpoints")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def start(parser):
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return args


def read_photos(data):
    """All rows of train.tsv, in file order: a row's number is the photo's number everywhere."""
    csv.field_size_limit(sys.maxsize)
    with open(os.path.join(data, "train.tsv"), encoding="utf-8") as table:
        rows = csv.reader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Photo(f, s, sp, label, json.loads(captions) if captions else [])
                for f, s, sp, label, captions in rows]


def load_rgb(work, photo):
    return Image.open(os.path.join(work, "photos", photo.file)).convert("RGB")


def squash(image, size=SIZE):
    """The package's "fit": the whole photo, whatever its shape, into a square."""
    return np.asarray(image.resize((size, size), Image.BICUBIC))


def normalise(rows):
    return rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-12)


def log(*words):
    print(*words, flush=True)
