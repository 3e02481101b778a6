"""The image head of the second model: mean over pixels and attention over pixels, into the joined space.

e = proj(m) + fc2(gelu(fc1(m))) + out(concat_h value_h(s_h)),  m the mean over pixels, s_h = sum_p softmax_p(key_h . f_p) f_p.
Everything reads standardised features; `folded` moves the standardisation into the weights, as the package has them.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class StudentHead(nn.Module):
    def __init__(self, dim, hidden, heads, inputs=1280, dropout=0.1):
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.dim, self.heads = dim, heads
        self.dropout = nn.Dropout(dropout)
        self.proj = nn.Linear(inputs, dim)
        self.fc1, self.fc2 = nn.Linear(inputs, hidden), nn.Linear(hidden, dim)
        if heads:
            self.key = nn.Parameter(torch.randn(heads, inputs) * 0.02)
            self.value, self.out = nn.Linear(inputs, dim), nn.Linear(dim, dim, bias=False)
            nn.init.zeros_(self.out.weight)

    def begin(self, mean, scale, proj, fc1, fc2):
        """From a head that reads plain features: (weight, bias) of each layer."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        for layer, (weight, bias) in ((self.proj, proj), (self.fc1, fc1)):
            layer.weight.data.copy_(weight * scale)
            layer.bias.data.copy_(bias + weight @ mean)
        self.fc2.weight.data.copy_(fc2[0])
        self.fc2.bias.data.copy_(fc2[1])

    def attended(self, x):
        """x: N,P,inputs standardised -> N,heads,inputs"""
        weights = (x @ self.key.T).softmax(1)
        return weights.transpose(1, 2) @ x

    def join(self, m, s):
        m = self.dropout(m)
        e = self.proj(m) + self.fc2(self.dropout(F.gelu(self.fc1(m))))
        if self.heads:
            v = self.value.weight.view(self.heads, self.dim // self.heads, -1)
            mixed = torch.einsum("nhi,hdi->nhd", self.dropout(s), v).flatten(1) + self.value.bias
            e = e + self.out(mixed)
        return F.normalize(e, dim=-1)

    def forward(self, pixels):
        """pixels N,P,inputs -> N,dim"""
        x = (pixels.float() - self.mean) / self.scale
        return self.join(x.mean(1), self.attended(x) if self.heads else None)

    def of_features(self, features):
        """As if all pixels were alike."""
        m = (features - self.mean) / self.scale
        return self.join(m, m[:, None].expand(-1, self.heads, -1) if self.heads else None)

    @torch.no_grad()
    def folded(self):
        """name -> (weight, bias) over plain features; key: weight alone, as a constant shift leaves a softmax as it was."""
        out = {}
        for name in ("proj", "fc1") + (("value",) if self.heads else ()):
            layer = getattr(self, name)
            weight = layer.weight / self.scale
            out[name] = (weight, layer.bias - weight @ self.mean)
        out["fc2"] = (self.fc2.weight.clone(), self.fc2.bias.clone())
        if self.heads:
            out["key"] = (self.key / self.scale, None)
            out["out"] = (self.out.weight.clone(), torch.zeros(self.dim))
        return out
