"""Vectors of the captioned photos by a student checkpoint, every cached view: what the text towers are tuned against."""
import os

import torch

import student
from common import arguments, log, start
from features import groups


@torch.no_grad()
def main():
    parser = arguments(__doc__)
    parser.add_argument("--package", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--views", type=int, default=4)
    args = start(parser)
    photos = student.read_photos(args.data)
    args.dropout = 0.0
    tail, head = student.restored(args, args.image)
    views = student.Views(args.work, "captioned", groups(photos)["captioned"], args.views)
    rows = [torch.cat([head(student.pooled(tail, cut[at:at + 100].view(torch.bfloat16))) for at in range(0, len(cut), 100)]) for cut in views.cut]
    torch.save({"captioned": torch.stack(rows)}, args.out)
    torch.save(rows[0].clone(), args.out.replace(".pt", ".plain.pt"))
    log(len(rows), "views of", len(rows[0]), "photos")


if __name__ == "__main__":
    main()
