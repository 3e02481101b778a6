"""Runs a package as docs/model-package.md says, in PyTorch.

Each tower runs in one of two ways: `int8`, the integer arithmetic itself, or `float`, the same weights dequantised and
every activation left in float32. `exact` makes the integer sums exact (float64 holds them); without it they are float32
sums of integers, off by a few units in 2^24 at worst, and several times faster.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

import image_net
import package
import text_net
import unigram

INT8, FLOAT = "int8", "float"


def torched(tensors):
    return {name: torch.from_numpy(np.array(a)) for name, a in tensors.items()}


def dynamic_linear(x, weight, scale, bias, mode, exact=False):
    """y = x W^T + b for rows x; in int8 mode each row is quantised by itself."""
    if mode == FLOAT:
        return x @ (weight.float() * scale[:, None]).T + bias
    row_scale = x.abs().amax(-1, keepdim=True) / 127
    q = torch.where(row_scale > 0, (x / row_scale).round().clamp(-127, 127), torch.zeros_like(x))
    kind = torch.float64 if exact else torch.float32
    sums = (q.to(kind) @ weight.to(kind).T).float()
    return sums * (row_scale * scale) + bias


class Linears:
    """The dynamic linear layers of a tower, by name."""

    def __init__(self, tensors, mode, exact):
        self.tensors, self.mode, self.exact = tensors, mode, exact

    def __call__(self, name, x):
        t = self.tensors
        return dynamic_linear(x, t[name + ".weight"], t[name + ".scale"], t[name + ".bias"], self.mode, self.exact)


class ImageTower:
    def __init__(self, tensors, metadata, mode=INT8, exact=False):
        self.config = json.loads(metadata["image.config"])
        c = self.config
        self.flat = image_net.layers_of(c["stem"], c["head"], c["blocks"])
        self.tensors, self.mode, self.exact = torched({n: a for n, a in tensors.items() if n.startswith("image.")}), mode, exact
        self.linear = Linears(self.tensors, mode, exact)
        self.weights = [self.weight(conv) for conv in self.flat]

    def weight(self, conv):
        """As out,in,ky,kx; in float mode dequantised."""
        w = self.tensors[conv.name + ".weight"].float()
        if conv.kind == "stem":
            w = w.permute(0, 3, 1, 2)
        elif conv.kind == "depthwise":
            w = w.permute(2, 0, 1)[:, None]
        else:
            w = w[:, :, None, None]
        if self.mode == FLOAT:
            w = w * self.tensors[conv.name + ".scale"][:, None, None, None]
        return w.to(torch.float64 if self.exact and self.mode == INT8 else torch.float32).contiguous()

    def features(self, pixels, watch=None):
        """u8 N,H,W,3 -> pooled N,head. `watch(name, output)`: u8 levels as float in int8 mode, reals in float mode."""
        return (self.features_int8 if self.mode == INT8 else self.features_float)(pixels, watch)

    def features_float(self, pixels, watch):
        c = self.config
        x = ((pixels.float() - c["mean"]) / c["std"]).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        for conv, weight in zip(self.flat, self.weights):
            if image_net.starts_block(conv, self.flat):
                kept = x
            y = image_net.convolve(x, weight, conv, self.tensors[conv.name + ".bias"])
            y = y + kept if conv.residual else y
            x = y.clamp(0, 6) if conv.relu6 else y
            if watch:
                watch(conv.name, x)
        return x.mean((2, 3))

    def features_int8(self, pixels, watch):
        c = self.config
        scale, zero = torch.tensor(1.0 / c["std"]), torch.tensor(float(c["mean"]))
        q = pixels.float().permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        for conv, weight in zip(self.flat, self.weights):
            if image_net.starts_block(conv, self.flat):
                kept, kept_scale, kept_zero = q, scale, zero
            real = self.real(conv, q, scale, zero, weight)
            if conv.residual:
                real = real + kept_scale * (kept - kept_zero)
            if conv.relu6:
                real = real.clamp(0, 6)
            scale, zero = self.tensors[conv.name + ".out"]
            q = ((real * (1.0 / scale)).round() + zero).clamp(0, 255)
            if watch:
                watch(conv.name, q)
        return (scale * (q - zero)).mean((2, 3))

    def real(self, conv, q, scale, zero, weight):
        """The convolution's value before residual, clamp and rounding."""
        acc = image_net.convolve((q - zero).to(weight.dtype), weight, conv).float()
        factor = scale * self.tensors[conv.name + ".scale"]
        return acc * factor[:, None, None] + self.tensors[conv.name + ".bias"][:, None, None]

    def head(self, features):
        e = self.linear("image.proj", features)
        if "image.mlp.fc1.weight" in self.tensors:
            e = e + self.linear("image.mlp.fc2", F.gelu(self.linear("image.mlp.fc1", features)))
        return F.normalize(e, dim=-1)

    def __call__(self, pixels, watch=None):
        return self.head(self.features(pixels, watch))


class TextTower:
    def __init__(self, tensors, metadata, mode=INT8, exact=False):
        self.config = json.loads(metadata["text.config"])
        wanted = {n: a for n, a in tensors.items() if n.startswith("text.") and not n.startswith("text.vocab")}
        self.tensors = torched(wanted)
        self.linear = Linears(self.tensors, mode, exact)

    def words(self, ids):
        """Rows of the word table: I8, or INT4 in U8, with a scale a row or a group of entries."""
        weight, scale = self.tensors["text.embed.word.weight"][ids], self.tensors["text.embed.word.scale"][ids]
        if weight.dtype == torch.uint8:
            weight = torch.from_numpy(package.unpack_int4(weight.numpy()))
        scale = scale.view(*ids.shape, -1, 1)
        return (weight.float().view(*ids.shape, scale.shape[-2], -1) * scale).flatten(-2)

    def norm(self, name, x):
        t = self.tensors
        return F.layer_norm(x, x.shape[-1:], t[name + ".weight"], t[name + ".bias"], self.config["eps"])

    def attention(self, name, x):
        batch, length, _ = x.shape
        def split(part):
            return self.linear(f"{name}.{part}", x).view(batch, length, self.config["heads"], -1).transpose(1, 2)
        q, k, v = split("query"), split("key"), split("value")
        weights = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1)
        return self.linear(name + ".output", (weights @ v).transpose(1, 2).reshape(batch, length, -1))

    def alike(self, ids, watch=None):
        """Sentences of one length, batch x tokens -> embeddings."""
        t, ids = self.tensors, torch.as_tensor(np.asarray(ids, dtype=np.int64))
        x = self.norm("text.embed.norm", self.words(ids) + t["text.embed.position"][:ids.shape[1]])
        if watch:
            watch("text.embed", x[0])
        for layer in range(self.config["layers"]):
            name = f"text.{layer}"
            x = self.norm(name + ".norm1", x + self.attention(name, x))
            inner = F.gelu(self.linear(name + ".fc1", x))
            x = self.norm(name + ".norm2", x + self.linear(name + ".fc2", inner))
            if watch:
                watch(name, x[0])
        return F.normalize(self.linear("text.proj", x.mean(1)), dim=-1)

    def one(self, ids, watch=None):
        return self.alike(np.asarray(ids)[None], watch)[0]

    @torch.inference_mode()
    def __call__(self, token_lists, batch=64):
        out = torch.empty(len(token_lists), len(self.tensors["text.proj.bias"]))
        by_length = {}
        for i, ids in enumerate(token_lists):
            by_length.setdefault(len(ids), []).append(i)
        for rows in by_length.values():
            for at in range(0, len(rows), batch):
                part = rows[at:at + batch]
                out[part] = self.alike(np.stack([token_lists[i] for i in part]))
        return out


def open_package(path, mode=INT8, exact=False):
    """-> (image tower, text tower); None for one that the package lacks."""
    tensors, metadata = package.read(path)
    return tuple(tower(tensors, metadata, mode, exact) if f"{kind}.family" in metadata else None
                 for kind, tower in (("image", ImageTower), ("text", TextTower)))


def open_tokenizer(path):
    """The tokenizer of a package's text tower: sentences -> list of int arrays, as text_net.tokenize gives them."""
    tensors, metadata = package.read(path)
    config = json.loads(metadata["text.config"])
    if config["tokenizer"] == "unigram":
        tokenizer = unigram.from_tensors(tensors, config)
        return lambda sentences: [np.array(ids, dtype=np.int32) for ids in tokenizer.encode_batch(list(sentences))]
    tokenizer = text_net.wordpiece(tensors["text.vocab"].tobytes().decode().split("\n")[:-1], config["max_tokens"])
    return lambda sentences: text_net.tokenize(tokenizer, sentences)
