"""Texts to vectors by the C library itself, through ctypes: for packages whose tokenizer has no twin here."""
import ctypes
import os

import torch

LIBRARY = os.path.join(os.path.dirname(__file__), "..", "build", "libphotosearch.so")


class Reader:
    """The text tower of a package of vectors with `dim` numbers; its companions have no say."""

    def __init__(self, package, dim, library=LIBRARY):
        self.library, self.model, self.dim = ctypes.CDLL(os.path.abspath(library)), ctypes.c_void_p(), dim
        self.library.ps_last_error.restype = ctypes.c_char_p
        self.check(self.library.ps_model_open(ctypes.byref(self.model), package.encode(), None))

    def check(self, status):
        if status:
            raise RuntimeError(self.library.ps_last_error(None).decode(errors="replace"))

    def texts(self, texts, lang):
        out = torch.empty(len(texts), self.dim)
        for row, text in zip(out, texts):
            utf8 = text.encode()
            self.check(self.library.ps_model_embed_text_in(ctypes.c_void_p(row.data_ptr()), self.model, lang.encode(), utf8,
                                                           ctypes.c_size_t(len(utf8))))
        return out

    def close(self):
        self.library.ps_model_free(self.model)
