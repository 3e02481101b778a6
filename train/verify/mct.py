"""The text tower of MobileCLIP-S0 (Vasu et al. 2024, "MobileCLIP", section 4.2): a transformer between two convolutional mixing blocks, with
the names that Apple's checkpoint gives its tensors. open_clip has no such tower, so this is written from the paper and the published shapes."""
import torch
from torch import nn
from torch.nn import functional as F


class Branches(nn.Module):
    """A depthwise MobileOne block along the text: a convolution of the full length, one of length 1, and nothing, a batch norm after each."""

    def __init__(self, width, length, only_skip=False):
        super().__init__()
        self.rbr_skip = nn.BatchNorm2d(width)
        self.length = length
        if not only_skip:
            self.rbr_scale = self.pair(width, 1)
            self.rbr_conv = nn.ModuleList([self.pair(width, length)])

    @staticmethod
    def pair(width, length):
        pair = nn.Sequential()
        pair.add_module("conv", nn.Conv2d(width, width, (1, length), padding=(0, length // 2), groups=width, bias=False))
        pair.add_module("bn", nn.BatchNorm2d(width))
        return pair

    def forward(self, x):
        y = self.rbr_skip(x)
        if hasattr(self, "rbr_conv"):
            y = y + self.rbr_scale(x) + self.rbr_conv[0](x)
        return y


class Mixer(nn.Module):
    def __init__(self, width, length):
        super().__init__()
        self.norm = Branches(width, length, only_skip=True)
        self.mixer = Branches(width, length)
        self.layer_scale = nn.Parameter(torch.ones(width, 1, 1))

    def forward(self, x):
        return x + self.layer_scale * (self.mixer(x) - self.norm(x))


class ConvFFN(nn.Module):
    def __init__(self, width, length, hidden):
        super().__init__()
        self.conv = nn.Sequential()
        self.conv.add_module("conv", nn.Conv2d(width, width, (1, length), padding=(0, length // 2), groups=width, bias=False))
        self.conv.add_module("bn", nn.BatchNorm2d(width))
        self.fc1 = nn.Conv2d(width, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, width, 1)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(self.conv(x))))


class MixingBlock(nn.Module):
    def __init__(self, width, length=11, ratio=4):
        super().__init__()
        self.token_mixer = Mixer(width, length)
        self.convffn = ConvFFN(width, length, width * ratio)
        self.layer_scale = nn.Parameter(torch.ones(width, 1, 1))

    def forward(self, x):  # [n][tokens][width]
        y = self.token_mixer(x.transpose(1, 2).unsqueeze(2))
        y = y + self.layer_scale * self.convffn(y)
        return y.squeeze(2).transpose(1, 2)


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        n, rows, width = x.shape
        q, k, v = (p.reshape(n, rows, self.heads, -1).transpose(1, 2) for p in self.qkv_proj(x).chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, rows, width))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads, ratio=4):
        super().__init__()
        self.pre_norm_mha = nn.ModuleList([nn.LayerNorm(width), SelfAttention(width, heads)])
        self.pre_norm_ffn = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.GELU(), nn.Identity(),
                                          nn.Linear(ratio * width, width))

    def forward(self, x):
        x = x + self.pre_norm_mha[1](self.pre_norm_mha[0](x))
        return x + self.pre_norm_ffn(x)


class Position(nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.pos_embed = nn.Module()
        self.pos_embed.pos_embed = nn.Parameter(torch.zeros(1, 1, tokens, width))


class TextTower(nn.Module):
    """Ids [n][tokens] to embeddings [n][dim]; no mask: zeros behind the end token are seen too. Pooled at the largest id."""

    def __init__(self, vocabulary=49408, width=512, heads=8, layers=4, dim=512, tokens=77, length=11, ratio=4):
        super().__init__()
        self.embedding_layer = nn.Embedding(vocabulary, width)
        self.positional_embedding = Position(tokens, width)
        self.transformer = nn.ModuleList([MixingBlock(width, length, ratio)] + [TransformerBlock(width, heads, ratio) for _ in range(layers)] +
                                         [MixingBlock(width, length, ratio)])
        self.final_layer_norm = nn.LayerNorm(width)
        self.projection_layer = nn.Parameter(torch.zeros(width, dim))

    def forward(self, ids):
        x = self.embedding_layer(ids) + self.positional_embedding.pos_embed.pos_embed[0]
        for block in self.transformer:
            x = block(x)
        x = self.final_layer_norm(x)
        return x[torch.arange(len(ids)), ids.argmax(dim=-1)] @ self.projection_layer
