"""The weighted mean of two checkpoints of which one went on from the other: between what each is better at."""
import argparse

import torch


def blend(a, b, share):
    return {k: torch.lerp(a[k].float(), b[k].float(), share).to(a[k].dtype) for k in a}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("out")
    parser.add_argument("--share", type=float, default=0.5, help="of the second")
    args = parser.parse_args()
    a, b = (torch.load(path, weights_only=False) for path in (args.first, args.second))
    torch.save({part: blend(a[part], b[part], args.share) for part in ("text", "head", "net", "scales")}, args.out)


if __name__ == "__main__":
    main()
