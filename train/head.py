"""The image head: pooled feature -> joined space. e = proj(x) + fc2(gelu(fc1(x))), x the standardised feature."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class ImageHead(nn.Module):
    def __init__(self, dim, hidden, inputs=1280, dropout=0.1):
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.dropout = nn.Dropout(dropout)
        self.proj = nn.Linear(inputs, dim)
        self.fc1, self.fc2 = nn.Linear(inputs, hidden), nn.Linear(hidden, dim)
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.bias)

    def fit_scale(self, features):
        self.mean.copy_(features.mean(0))
        self.scale.copy_(features.std(0).clamp_min(1e-2))

    def forward(self, features):
        x = self.dropout((features - self.mean) / self.scale)
        return F.normalize(self.proj(x) + self.fc2(self.dropout(F.gelu(self.fc1(x)))), dim=-1)

    @torch.no_grad()
    def folded(self):
        """The standardisation moved into the weights: what the package holds."""
        out = {}
        for name in ("proj", "fc1"):
            layer = getattr(self, name)
            weight = layer.weight / self.scale
            out[name] = (weight, layer.bias - weight @ self.mean)
        out["fc2"] = (self.fc2.weight.clone(), self.fc2.bias.clone())
        return out
