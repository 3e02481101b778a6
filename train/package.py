"""Reads and writes the package file: a safetensors file, F32 tensors first, header padded to 64 bytes."""
import json
import os
import struct

import numpy as np
import xxhash

KINDS = {np.dtype("<f4"): "F32", np.dtype("int8"): "I8", np.dtype("uint8"): "U8", np.dtype("<i4"): "I32"}
TYPES = {name: kind for kind, name in KINDS.items()}
ORDER = ["F32", "I32", "I8", "U8"]


def pack_int4(q):
    """Whole numbers from -8 to 7, rows x an even number -> U8, two a byte, the first in the low four bits."""
    bits = (np.asarray(q) + 8).astype(np.uint8)
    return bits[:, 0::2] | bits[:, 1::2] << 4


def unpack_int4(packed):
    packed = np.asarray(packed)
    return np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:-1], -1).astype(np.int8) - np.int8(8)


def write(path, tensors, metadata):
    kind = {name: KINDS[a.dtype] for name, a in tensors.items()}
    names = sorted(tensors, key=lambda n: ORDER.index(kind[n]))
    arrays = [np.ascontiguousarray(tensors[name]).tobytes() for name in names]
    digest = xxhash.xxh3_64()
    for blob in arrays:
        digest.update(blob)
    header, at = {"__metadata__": {**metadata, "checksum": digest.hexdigest()}}, 0
    for name in names:
        header[name] = {"dtype": kind[name], "shape": list(tensors[name].shape),
                        "data_offsets": [at, at + tensors[name].nbytes]}
        at += tensors[name].nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(path + ".new", "wb") as f:  # a program may have the old one mapped
        f.write(struct.pack("<Q", len(text)) + text)
        for blob in arrays:
            f.write(blob)
    os.replace(path + ".new", path)


def read(path):
    """-> (tensors, metadata)"""
    with open(path, "rb") as f:
        blob = f.read()
    length = struct.unpack("<Q", blob[:8])[0]
    header, data = json.loads(blob[8:8 + length]), 8 + length
    metadata = header.pop("__metadata__", {})
    out = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        out[name] = np.frombuffer(blob[data + first:data + last], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return out, metadata
