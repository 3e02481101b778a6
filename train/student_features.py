"""Caches what tuning the image tower needs: the frozen part's output for several views of each photo at the student's
size, and what the teachers say of each photo.

Views: the photo as it is, or a seeded random crop (mirrored half of the time, unless a caption speaks of left or right).
Kept: the output of block CUT (bfloat16 bits). Teachers, at 224 x 224: the published net's pooled feature, and the
embedding of the first model (a package), the mean of the photo and its mirror image. Running it again resumes.
"""
import os
import random
import re

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F
from PIL import Image, ImageEnhance, ImageOps

import image_net
import simulate
from common import arguments, load_rgb, log, read_photos, start
from features import groups

CUT = "image.10.project"
BATCH = 16


def mirrored_ok(photo):
    return not any(re.search(r"\b(left|right)\b", c.lower()) for c in photo.captions)


def make_view(image, photo, number, view, size):
    """View 0 is the whole photo."""
    if view == 0:
        return np.asarray(image.resize((size, size), Image.BICUBIC))
    dice = random.Random(number * 1000 + view)
    area, shape = dice.uniform(0.5, 1.0), dice.uniform(-0.2, 0.2)
    wide, high = min(1.0, (area ** 0.5) * 2 ** shape), min(1.0, (area ** 0.5) * 2 ** -shape)
    left, top = dice.uniform(0, 1 - wide) * image.width, dice.uniform(0, 1 - high) * image.height
    if dice.random() < 0.5:
        image = ImageEnhance.Brightness(image).enhance(dice.uniform(0.75, 1.25))
    if dice.random() < 0.3:
        image = ImageEnhance.Contrast(image).enhance(dice.uniform(0.8, 1.2))
    crop = image.resize((size, size), Image.BICUBIC, box=(left, top, left + wide * image.width, top + high * image.height))
    return np.asarray(ImageOps.mirror(crop) if dice.random() < 0.5 and mirrored_ok(photo) else crop)


def open_array(path, dtype, shape):
    if os.path.exists(path):
        return np.load(path, mmap_mode="r+")
    return np.lib.format.open_memmap(path, "w+", dtype, shape)


class Lower:
    """The frozen part at the student's size."""

    def __init__(self, size):
        self.size = size
        self.net = image_net.load()[0].to(torch.bfloat16).to(memory_format=torch.channels_last)
        self.last = self.net.index_of(CUT) + 1

    def __call__(self, pixels):
        x = self.net.run(image_net.scale_pixels(torch.from_numpy(pixels), torch.bfloat16), 0, self.last)
        return x.permute(0, 2, 3, 1).contiguous().view(torch.uint16).numpy()


class Teachers:
    """The published net's feature and the first model's embedding, from one pass over what both share."""

    def __init__(self, package):
        self.net = image_net.load()[0].to(torch.bfloat16).to(memory_format=torch.channels_last)
        self.first, _ = simulate.open_package(package, simulate.FLOAT)
        self.shared = self.net.index_of("image.15.project") + 1
        tuned = image_net.ImageNet(self.net.flat)
        for index, weight in enumerate(self.first.weights):
            tuned.weights[index].data.copy_(weight)
            tuned.biases[index].data.copy_(self.first.tensors[self.net.flat[index].name + ".bias"])
        self.tuned = tuned.requires_grad_(False).to(torch.bfloat16).to(memory_format=torch.channels_last)

    def __call__(self, pixels):
        x = self.net.run(image_net.scale_pixels(torch.from_numpy(pixels), torch.bfloat16), 0, self.shared)
        feature = self.net.run(x, self.shared).float().mean((2, 3))
        return feature, self.first.head(self.tuned.run(x, self.shared).float().mean((2, 3)))


def job_views(args, photos, numbers, group, view, rows):
    lower = Lower(args.size)
    side = args.size // 16
    out = open_array(os.path.join(args.work, "student", f"{group}.{view}.npy"), np.uint16, (len(numbers), side, side, 88))
    for at in range(0, len(rows), BATCH):
        part = rows[at:at + BATCH]
        pixels = [make_view(load_rgb(args.work, photos[numbers[r]]), photos[numbers[r]], numbers[r], view, args.size) for r in part]
        with torch.inference_mode():
            out[part] = lower(np.stack(pixels))


def job_teachers(args, photos, numbers, group, view, rows):
    teachers = Teachers(args.package)
    folder = os.path.join(args.work, "student")
    features = open_array(os.path.join(folder, f"{group}.feature.npy"), np.float16, (len(numbers), 1280))
    vectors = open_array(os.path.join(folder, f"{group}.teacher.npy"), np.float32, (len(numbers), 384))
    for at in range(0, len(rows), BATCH):
        part = rows[at:at + BATCH]
        images = [load_rgb(args.work, photos[numbers[r]]).resize((224, 224), Image.BICUBIC) for r in part]
        with torch.inference_mode():
            feature, vector = teachers(np.stack([np.asarray(i) for i in images]))
            if group == "captioned":
                vector = vector + teachers(np.stack([np.asarray(ImageOps.mirror(i)) for i in images]))[1]
        features[part] = feature.half().numpy()
        vectors[part] = F.normalize(vector, dim=1).numpy()


def worker(job, args, photos, numbers, group, view, rows):
    torch.set_num_threads(1)
    job(args, photos, numbers, group, view, rows)


def fill(job, args, photos, numbers, group, view):
    """One view of one group, half of the photos a process."""
    mark = os.path.join(args.work, "student", f"{group}.{view}.{job.__name__}.done")
    if os.path.exists(mark):
        return
    if job is job_views:
        side = args.size // 16
        open_array(os.path.join(args.work, "student", f"{group}.{view}.npy"), np.uint16, (len(numbers), side, side, 88))
    else:
        open_array(os.path.join(args.work, "student", f"{group}.feature.npy"), np.float16, (len(numbers), 1280))
        open_array(os.path.join(args.work, "student", f"{group}.teacher.npy"), np.float32, (len(numbers), 384))
    halves = [list(range(i, len(numbers), args.threads)) for i in range(args.threads)]
    processes = [multiprocessing.Process(target=worker, args=(job, args, photos, numbers, group, view, rows)) for rows in halves]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    if all(p.exitcode == 0 for p in processes):
        open(mark, "w").close()
    log("cached", group, view, job.__name__, len(numbers))


def main():
    parser = arguments(__doc__)
    parser.add_argument("--package", required=True, help="the first model")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--captioned-views", type=int, default=6)
    parser.add_argument("--named-views", type=int, default=2)
    args = start(parser)
    torch.set_num_threads(1)
    os.makedirs(os.path.join(args.work, "student"), exist_ok=True)
    photos = read_photos(args.data)
    numbers = groups(photos)
    order = [(job_views, "captioned", 0), (job_views, "captioned", 1), (job_teachers, "captioned", 0), (job_views, "named", 0),
             (job_teachers, "named", 0), (job_views, "captioned", 2), (job_views, "captioned", 3)]
    order += [(job_views, "named", v) for v in range(1, args.named_views)]
    order += [(job_views, "captioned", v) for v in range(4, args.captioned_views)]
    for job, group, view in order:
        fill(job, args, photos, numbers[group], group, view)


if __name__ == "__main__":
    main()
