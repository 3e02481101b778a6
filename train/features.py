"""Caches what the frozen part of the image net says about each photo, for several views of it.

A view is the photo as it is, its mirror image, or a seeded random crop (mirrored half of the time). For each view two
arrays are kept: the output of block 14 (14 x 14 x 120, bfloat16 bits), from which the last blocks can be tuned, and the
pooled feature (1280, float16). Running it again resumes where it was stopped.
"""
import os
import random

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

import image_net
from common import SIZE, arguments, load_rgb, log, read_photos, squash, start

CUT = "image.14.project"
CUT_SHAPE = (14, 14, 120)


def make_view(image, kind, photo_number, view):
    """`kind`: plain, flip or crop."""
    if kind == "plain":
        return squash(image)
    if kind == "flip":
        return squash(ImageOps.mirror(image))
    dice = random.Random(photo_number * 1000 + view)
    area, shape = dice.uniform(0.45, 1.0), dice.uniform(-0.2, 0.2)
    wide, high = min(1.0, (area ** 0.5) * 2 ** shape), min(1.0, (area ** 0.5) * 2 ** -shape)
    left, top = dice.uniform(0, 1 - wide) * image.width, dice.uniform(0, 1 - high) * image.height
    box = (left, top, left + wide * image.width, top + high * image.height)
    if dice.random() < 0.5:
        image = ImageEnhance.Brightness(image).enhance(dice.uniform(0.75, 1.25))
    crop = image.resize((SIZE, SIZE), Image.BICUBIC, box=box)
    return np.asarray(ImageOps.mirror(crop) if dice.random() < 0.5 else crop)


def kind_of(view):
    return ("plain", "flip")[view] if view < 2 else "crop"


def open_arrays(folder, group, view, count):
    os.makedirs(folder, exist_ok=True)
    def one(name, dtype, shape):
        path = os.path.join(folder, f"{group}.{view}.{name}.npy")
        mode = "r+" if os.path.exists(path) else "w+"
        return np.lib.format.open_memmap(path, mode, dtype, shape) if mode == "w+" else np.load(path, mmap_mode=mode)
    return one("cut", np.uint16, (count, *CUT_SHAPE)), one("pooled", np.float16, (count, 1280))


def cache(net, work, photos, numbers, group, view, batch=16):
    """Fills one view of one group ("captioned" or "named")."""
    folder = os.path.join(work, "features")
    done_mark = os.path.join(folder, f"{group}.{view}.done")
    if os.path.exists(done_mark):
        return
    cuts, pooled = open_arrays(folder, group, view, len(numbers))
    after_cut = net.index_of(CUT) + 1
    begun = int((pooled.any(1)).sum()) // batch * batch
    for at in range(begun, len(numbers), batch):
        rows = numbers[at:at + batch]
        pixels = np.stack([make_view(load_rgb(work, photos[n]), kind_of(view), n, view) for n in rows])
        with torch.inference_mode():
            middle = net.run(image_net.scale_pixels(torch.from_numpy(pixels), torch.bfloat16), 0, after_cut)
            feature = net.run(middle, after_cut).float().mean((2, 3))
        cuts[at:at + len(rows)] = middle.permute(0, 2, 3, 1).contiguous().view(torch.uint16).numpy()
        pooled[at:at + len(rows)] = feature.half().numpy()
    cuts.flush()
    pooled.flush()
    open(done_mark, "w").close()
    log("cached", group, "view", view, len(numbers))


def groups(photos):
    """The photos with captions and those with a class name, by number in the table."""
    return {"captioned": [n for n, p in enumerate(photos) if p.captions],
            "named": [n for n, p in enumerate(photos) if not p.captions]}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--captioned-views", type=int, default=8)
    parser.add_argument("--named-views", type=int, default=2)
    args = start(parser)
    photos = read_photos(args.data)
    net = image_net.load()[0].to(torch.bfloat16).to(memory_format=torch.channels_last)
    numbers = groups(photos)
    order = [("captioned", 0), ("captioned", 1), ("named", 0)]
    order += [("captioned", v) for v in range(2, args.captioned_views)]
    order += [("named", v) for v in range(1, args.named_views)]
    for group, view in order:
        cache(net, args.work, photos, numbers[group], group, view)


if __name__ == "__main__":
    main()
