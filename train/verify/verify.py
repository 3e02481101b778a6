"""Imports every model of models.py with photosearch, and compares its embeddings of real photos and sentences with the reference's.

    python verify.py [--data DIR] [--program build/photosearch] [--out build/verify] [--models A,B] [--photos N] [--table FILE]

Every step leaves its result under --out and is not done again: the reference models, their embeddings, and what was measured. DIR holds
photos (tar files of them, or folders) and captions_*.tsv.gz, see docs/verifying-models.md; without it, pieces of the photos in
tests/data/photos and sentences of few words must do. Photos are cut to many shapes and kept as PNG, so that only the models are compared
and no decoders.
"""
import argparse
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import threading
import time

import numpy
import torch
from PIL import Image

import models

TARS = ["flickr8k", "imagenette", "caltech101", "scenes", "clothing", "weather"]
OURS = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/data/photos"
LIVENING = 64


def note(*words):
    print(time.strftime("%H:%M:%S"), *words, flush=True)


# ---- Photos and sentences ----

ENDINGS = (".jpg", ".jpeg", ".png")


def from_tars(paths, count, random):
    for path in paths:
        with tarfile.open(path) as tar:
            members = [m for m in tar.getmembers() if m.isfile() and m.name.lower().endswith(ENDINGS)]
            for i in sorted(random.choice(len(members), min(-(-count // len(paths)), len(members)), replace=False)):
                yield Image.open(io.BytesIO(tar.extractfile(members[i]).read())).convert("RGB")


def from_folder(folder, count, random):
    """All photos of it; pieces of them where they are too few."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    for n in range(count):
        image = Image.open(paths[n % len(paths)]).convert("RGB")
        if n >= len(paths):
            w, h = image.size
            side = int(min(w, h) * random.uniform(0.25, 0.9))
            x, y = random.integers(0, w - side + 1), random.integers(0, h - side + 1)
            image = image.crop((x, y, x + side, y + side))
        yield image


def gather(data, count, random):
    tars = [data / f"{name}.tar" for name in TARS if data and (data / f"{name}.tar").exists()]
    return list(from_tars(tars, count, random) if tars else from_folder(data or OURS, count, random))


def make_photos(data, out, count):
    """PNG files of many shapes and sizes: some small, some of three megapixels, some very wide."""
    folder = out / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    have = sorted(folder.glob("*.png"))
    if len(have) >= count:
        return have[:count]
    random = numpy.random.default_rng(3)
    images = gather(data, count, random)
    order = random.permutation(len(images))[:count]
    for n, i in enumerate(order):
        image = images[i]
        w, h = image.size
        shape = n % 5
        if shape == 1:  # wide
            image = image.crop((0, h // 4, w, h // 4 + max(8, h // 3)))
        elif shape == 2:  # tall
            image = image.crop((w // 4, 0, w // 4 + max(8, w // 2), h))
        elif shape == 3:  # a piece
            image = image.crop((w // 5, h // 5, w - w // 7, h - h // 9))
        if n % 50 == 7:
            image = image.resize((2003, int(2003 * image.height / image.width)), Image.BICUBIC)
        image.save(folder / f"{n:04d}.png", compress_level=1)
    return sorted(folder.glob("*.png"))[:count]


def make_sentences(out, count=120):
    path = out / "sentences.txt"
    if not path.exists():
        chosen = []
        languages = ["en"] * 6 + ["de", "fr", "es", "pt", "id", "cs"]
        by = {}
        for language, caption in models.captions():
            by.setdefault(language, []).append(caption)
        for i in range(count):
            pool = by.get(languages[i % len(languages)]) or by["en"]
            caption = models.chinese()[37 * i % len(models.chinese())] if i % 6 == 5 else pool[(9973 * i) % len(pool)]
            chosen.append(" ".join(caption.split()))
        path.write_text("\n".join(chosen) + "\n")
    return path.read_text().rstrip("\n").split("\n")


# ---- The reference ----

def reference_of(name, args, out, photos, sentences):
    """Saves the model, and its embeddings as .npy; nothing is done that is there."""
    folder = out / "models" / name
    done = out / "reference" / f"{name}.json"
    build, arguments, count = models.ALL[name]
    count = min(count, len(photos))
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(1)
    began = time.time()
    reference, options = build(*arguments)
    parameters = sum(p.numel() for p in reference.model.parameters())
    note(name, f"{parameters / 1e6:.1f} M parameters, built in {time.time() - began:.0f} s")
    few = LIVENING if count > 100 else 32
    some = [Image.open(p) for p in photos[-few:]]
    texts = models.some_captions(160)[:160:2] + models.chinese()[:20]
    reference.liven(20 + len(name), some, texts, batch=16)
    note(name, "livened", {k: round(v, 3) for k, v in reference.report.items() if k != "layers"})
    beside = options.pop("beside", None)
    half = options.get("half", False) or "openai" in name and "l-14" not in name
    if half:
        reference.halve()
    reference.save(folder, **options)
    if beside:
        (folder / "model_config.json").write_text(json.dumps(beside, indent=2) + "\n")
        f = reference.framing
        (folder / "preprocess.json").write_text(json.dumps({
            "size": f.size, "mode": "RGB", "mean": f.mean, "std": f.std, "interpolation": f.interpolation, "resize_mode": f.mode}) + "\n")
    (out / "reference").mkdir(exist_ok=True)
    began = time.time()
    e = numpy.concatenate([reference.photos([Image.open(p) for p in photos[i:min(i + 40, count)]]).numpy() for i in range(0, count, 40)])
    photo_s = (time.time() - began) / count
    numpy.save(out / "reference" / f"{name}.photos.npy", e)
    ids = [reference.ids([s])[0].tolist() for s in sentences]
    numpy.save(out / "reference" / f"{name}.texts.npy", reference.sentences(sentences).numpy())
    report = dict(reference.report)
    rows = report.pop("layers")
    stds = [s for _, s in rows]
    done.write_text(json.dumps({
        "name": name, "parameters": parameters, "photos": count, "seconds_per_photo": photo_s, **report,
        "layers": len(rows), "least_std": min(stds), "greatest_std": max(stds), "ids": ids, "stds": rows}) + "\n")
    note(name, f"reference done, {photo_s:.2f} s a photo")
    return folder


# ---- photosearch ----

def timed(command):
    """Runs it; seconds, greatest resident size in MB, seconds of the processor, what it printed. (What wait4 tells of memory begins with
    that of the process which started the other.)"""
    began = time.time()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pieces = {}
    readers = [threading.Thread(target=lambda k, f: pieces.__setitem__(k, f.read()), args=a) for a in (("o", p.stdout), ("e", p.stderr))]
    for t in readers:
        t.start()
    peak = 0
    while True:
        try:
            status = pathlib.Path(f"/proc/{p.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.split("\n") if line.startswith("VmHWM")])
        except OSError:
            pass
        pid, code, usage = os.wait4(p.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.01)
    p.returncode = os.waitstatus_to_exitcode(code)
    for t in readers:
        t.join()
    if p.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {p.returncode}: {pieces['e'].strip()[-600:]}")
    return time.time() - began, peak / 1024, usage.ru_utime + usage.ru_stime, pieces["o"]


def import_model(name, program, folder, out, precision):
    package = out / "packages" / f"{name}.{precision}.safetensors"
    package.parent.mkdir(exist_ok=True)
    source = folder
    extra = []
    if (folder / "model_config.json").exists():
        source = next(iter(folder.glob("*.pt")))
        extra = ["--config", folder / "model_config.json", "--preprocess", folder / "preprocess.json", "--tokenizer",
                 folder / "bpe_simple_vocab_16e6.txt.gz"]
    elif list(folder.glob("*.pt")):
        source = next(iter(folder.glob("*.pt")))
    command = [program, "model", "import", source, "--name", name, "--to", package, "--precision", precision, "--replace", *extra]
    seconds, rss, cpu, _ = timed([str(c) for c in command])
    return package, {"import_s": seconds, "import_cpu_s": cpu, "import_rss_mb": rss, "package_mb": package.stat().st_size / 1e6}


def embed(program, package, precision, flag, lines, out):
    listing = out / f"list.{os.getpid()}.txt"
    listing.write_text("\n".join(map(str, lines)) + "\n")
    seconds, rss, cpu, printed = timed([str(program), "embed", "--json", "--model", str(package), "--precision", precision, flag,
                                        str(listing)])
    listing.unlink()
    rows = [json.loads(line)["embedding"] for line in printed.splitlines() if line.startswith("{")]
    return numpy.array(rows, dtype=numpy.float64), seconds / max(1, len(lines)), rss


# ---- Comparing ----

def cosines(a, b):
    a = a / numpy.linalg.norm(a, axis=1, keepdims=True)
    b = b / numpy.linalg.norm(b, axis=1, keepdims=True)
    return (a * b).sum(axis=1)


def summary(c):
    return {"min": float(c.min()), "mean": float(c.mean()), "p1": float(numpy.percentile(c, 1))}


def overlap(reference_scores, scores, k=10):
    """Mean share of the first k photos that both rankings have, over sentences."""
    a = numpy.argsort(-reference_scores, axis=1, kind="stable")[:, :k]
    b = numpy.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(numpy.mean([len(set(x) & set(y)) / k for x, y in zip(a, b)]))


def compare(name, args, out, photos, sentences):
    folder = reference_of(name, args, out, photos, sentences)
    about = json.loads((out / "reference" / f"{name}.json").read_text())
    wanted = numpy.load(out / "reference" / f"{name}.photos.npy").astype(numpy.float64)[:len(photos)]
    texts = numpy.load(out / "reference" / f"{name}.texts.npy").astype(numpy.float64)
    n = len(wanted)
    result = {k: about[k] for k in about if k not in ("ids", "stds")}
    result["checkpoint_mb"] = sum(p.stat().st_size for p in folder.iterdir() if p.suffix in (".safetensors", ".bin", ".pt")) / 1e6
    few = min(n, args.float_photos)
    package, _ = import_model(name, args.program, folder, out, "float")
    got, seconds, rss = embed(args.program, package, "float", "--images", photos[:few], out)
    result["float_image"] = summary(cosines(got, wanted[:few])) | {"photos": few, "s": seconds}
    got, seconds, _ = embed(args.program, package, "float", "--texts", sentences, out)
    result["float_text"] = summary(cosines(got, texts)) | {"sentences": len(sentences)}
    package.unlink()
    package, measured = import_model(name, args.program, folder, out, "int8")
    result |= measured
    got, seconds, rss = embed(args.program, package, "int8", "--images", photos[:n], out)
    result["int8_image"] = summary(cosines(got, wanted)) | {"photos": n, "s": seconds, "rss_mb": rss}
    got_texts, seconds, _ = embed(args.program, package, "int8", "--texts", sentences, out)
    result["int8_text"] = summary(cosines(got_texts, texts)) | {"s": seconds}
    result["top10"] = overlap(texts @ wanted.T, got_texts @ got.T)
    result["top10_photos_only"] = overlap(texts @ wanted.T, texts @ got.T)
    result["spread"] = float((texts @ wanted.T).std(axis=1).mean())
    (out / "results").mkdir(exist_ok=True)
    (out / "results" / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    note(name, f"float {result['float_image']['min']:.6f} {result['float_text']['min']:.6f}  int8 {result['int8_image']['mean']:.4f} "
         f"(min {result['int8_image']['min']:.4f}) {result['int8_text']['mean']:.4f} (min {result['int8_text']['min']:.4f})  "
         f"top-10 {100 * result['top10']:.1f} %  import {measured['import_s']:.1f} s, {measured['import_rss_mb']:.0f} MB")


# ---- The table ----

def write_table(out, path):
    rows = [json.loads(p.read_text()) for p in sorted((out / "results").glob("*.json"))]
    order = {name: i for i, name in enumerate(models.ALL)}
    rows.sort(key=lambda r: order.get(r["name"], 99))
    lines = ["| model | M parameters | photos | float, least cosine: photos / sentences | INT8 photos: mean / 1st percentile / least | "
             "INT8 sentences: mean / least | top 10 the same | checkpoint, package MB | import s (CPU) | import peak RSS MB |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        i, t = r["int8_image"], r["int8_text"]
        lines.append(
            f"| {r['name']} | {r['parameters'] / 1e6:.1f} | {i['photos']} | {r['float_image']['min']:.6f} / {r['float_text']['min']:.6f} | "
            f"{i['mean']:.4f} / {i['p1']:.4f} / {i['min']:.4f} | {t['mean']:.4f} / {t['min']:.4f} | {100 * r['top10']:.1f} % | "
            f"{r['checkpoint_mb']:.0f}, {r['package_mb']:.0f} | {r['import_s']:.1f} ({r['import_cpu_s']:.1f}) | {r['import_rss_mb']:.0f} |")
    text = "\n".join(lines) + "\n"
    (out / "table.md").write_text(text)
    if path:
        document = pathlib.Path(path)
        before, after = document.read_text().split("<!-- table -->\n", 1)[0], document.read_text().split("<!-- end of table -->\n", 1)[1]
        document.write_text(before + "<!-- table -->\n" + text + "<!-- end of table -->\n" + after)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--program", default=pathlib.Path("build/photosearch"), type=pathlib.Path)
    parser.add_argument("--out", default=pathlib.Path("build/verify"), type=pathlib.Path)
    parser.add_argument("--models", default=",".join(models.ALL))
    parser.add_argument("--photos", default=1000, type=int)
    parser.add_argument("--float-photos", default=24, type=int)
    parser.add_argument("--reference-only", action="store_true")
    parser.add_argument("--drop-models", action="store_true", help="a model's checkpoint is removed when it has been compared")
    parser.add_argument("--table")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    models.DATA, models.CACHE = args.data, args.out
    photos = make_photos(args.data, args.out, args.photos)
    sentences = make_sentences(args.out)
    failed = 0
    for name in args.models.split(","):
        try:
            if args.reference_only:
                reference_of(name, args, args.out, photos, sentences)
            else:
                compare(name, args, args.out, photos, sentences)
                if args.drop_models:
                    shutil.rmtree(args.out / "models" / name)
        except RuntimeError as problem:
            note(name, "FAILED:", problem)
            failed += 1
    if not args.reference_only:
        print(write_table(args.out, args.table))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
