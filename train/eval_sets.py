"""Writes the measuring sets as files for `photosearch eval` (path TAB sentence) into work/eval, and measures all of them with the
program, in INT8: captions of the dev photos in each language, names of 200 classes among one photo of each, and the mean
precision@10 of the scene words through `index` and `search`.
"""
import json
import os
import random
import subprocess

import languages
import names
import split
from common import arguments, log, read_photos, start


def write(folder, name, rows):
    path = os.path.join(folder, name + ".tsv")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(f"{a}\t{b}\n" for a, b in rows)
    return path


def sets(work, data, folder):
    photos = read_photos(data)
    path = [os.path.join(work, "photos", p.file) for p in photos]
    out = {}
    for language, rows in languages.dev_captions(data, photos).items():
        others = {n for n, p in enumerate(photos) if p.captions and p.split == "dev"} - {n for n, _ in rows}
        rows = [(path[n], " ".join(c.split())) for n, c in rows] + [(path[n], "") for n in sorted(others)]
        out["dev." + language] = write(folder, "dev." + language, rows)
    index, classes, use = names.synonym_index(data), names.class_names(data), split.training(photos, whole_classes=False)
    shelf = {}
    for n, p in enumerate(photos):
        if p.source == "tinyimagenet" and not use[n]:
            shelf.setdefault(index[p.label], []).append(n)
    for round_number in range(3):
        dice = random.Random(round_number)
        rows = [(path[dice.choice(shelf[c])], classes[c][0][0]) for c in sorted(shelf)]
        out[f"classes.{round_number}"] = write(folder, f"classes.{round_number}", rows)
    return out, photos, path


def run(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    return done.stdout


def scenes(program, photos, path, folder):
    shown = [n for n, p in enumerate(photos) if p.source == "scenes" and p.split == "dev"]
    library = os.path.join(folder, "scenes.library")
    subprocess.run(["rm", "-rf", library])
    run(program, "--library", library, "index", *[path[n] for n in shown])
    label, total = {os.path.realpath(path[n]): photos[n].label for n in shown}, {}
    for word in sorted(set(label.values())):
        answer = json.loads(run(program, "--library", library, "search", "-k", "10", "--json", word))
        total[word] = sum(label[os.path.realpath(r["path"])] == word for r in answer["results"]) / 10
    return total


def main():
    parser = arguments(__doc__)
    parser.add_argument("--program", default="../build/photosearch")
    parser.add_argument("--lang", action="store_true", help="tell the program the language of each set")
    args = start(parser)
    folder = os.path.join(args.work, "eval")
    os.makedirs(folder, exist_ok=True)
    out, photos, path = sets(args.work, args.data, folder)
    for name, file in out.items():
        extra = ["--lang", name.split(".")[1]] if args.lang and name.startswith("dev.") else []
        log(name, run(args.program, "eval", *extra, "--json", file).strip())
    found = scenes(args.program, photos, path, folder)
    log("scenes precision@10", found, "mean %.3f" % (sum(found.values()) / len(found)))


if __name__ == "__main__":
    main()
