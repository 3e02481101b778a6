"""Random weights that behave as trained ones do.

A model with its own initialisation is no test of a quantiser: every layer gets values of one size, attention is uniform, and all photos
come out at nearly the same place. What is done here instead, in one forward pass over real photos (or sentences) in which every layer is set
when its input arrives, so that its output is what it would be in a trained model:

- weights are Gaussian with heavy tails, outputs of a layer differ in size (lognormal, sigma 0.35);
- patches of photos see oriented waves with amplitudes that undo the 1/f spectrum of photos, not only their mean colour;
- LayerNorm gains are lognormal (sigma 0.25) with a few channels 5 to 20 times larger, biases are not zero;
- query times key has a standard deviation of about 1.4 before the softmax, from 0.8 to 2.6 between heads, so rows attend to some others more
  than to the rest. (At 2.6 in all heads a random model is chaotic: what one layer is off by, the next doubles. Trained ones are not.)
- what a branch adds to the residual stream has a standard deviation of 0.4; the mean that all rows share is taken off by
  its bias but for a rest;
- two channels of the stream carry massive activations from the second block on (about 40 times the others: Sun et al. 2024, "Massive
  activations in large language models", which shows them for CLIP's ViT too), to which the gains of the LayerNorms after are small;
- batch norms get running statistics of real photos, off by some percent, and layer scales are 0.05 to 1;
- last, the bias before the projection is set so that embeddings have a mean cosine of about one half with each other.
"""
import math

import torch
from torch import nn

MASSIVE = 40.0


class Maker:
    """Holds the random numbers, and what was measured on the way."""

    def __init__(self, seed):
        self.random = torch.Generator().manual_seed(seed)
        self.rows = []  # (name, standard deviation of the output)
        self.spared = set()  # names of modules that are never set by arriving values

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.random)

    def uniform(self, *shape):
        return torch.rand(*shape, generator=self.random)

    def heavy(self, *shape):
        """Student's t with 6 degrees of freedom, standard deviation 1. Of tables with many millions of entries: normal ones."""
        if math.prod(shape) > 30_000_000:
            return self.normal(*shape)
        chi = sum(self.normal(*shape) ** 2 for _ in range(6)) / 6
        return self.normal(*shape) / chi.clamp_min(0.05).sqrt() / math.sqrt(1.5)

    def weights(self, shape):
        """[out][in...], each output about as large as its input."""
        w = self.heavy(*shape) / math.sqrt(max(1, math.prod(shape[1:])))
        size = torch.exp(0.35 * self.normal(shape[0]))
        return w * size.reshape(-1, *[1] * (len(shape) - 1))

    def gains(self, count, outliers=True):
        g = torch.exp(0.25 * self.normal(count))
        if outliers:
            some = torch.randperm(count, generator=self.random)[: max(1, count // 128)]
            g[some] *= 5 + 15 * self.uniform(len(some))
        return g


def wave_filters(maker, out_channels, in_channels, size):
    """Filters [out][in][size][size]: random sums of cosine waves of low frequency, the higher the stronger up to a third of all."""
    at = torch.arange(size) + 0.5
    basis = torch.cos(math.pi / size * at[None, :] * torch.arange(size)[:, None])  # [frequency][place]
    basis[0] /= math.sqrt(2)
    basis *= math.sqrt(2 / size)
    f = (torch.arange(size)[:, None] ** 2 + torch.arange(size)[None, :] ** 2).sqrt()
    amplitude = (0.05 + f) * torch.exp(-((f / (size / 3 + 1)) ** 2))
    grey = maker.heavy(out_channels, 1, size, size)
    colour = maker.heavy(out_channels, in_channels, size, size)
    coefficients = (grey + 0.7 * colour) * amplitude
    w = torch.einsum("oiab,ay,bx->oiyx", coefficients, basis, basis)
    w /= w.flatten(1).norm(dim=1).mean()
    return w * torch.exp(0.35 * maker.normal(out_channels)).reshape(-1, 1, 1, 1)


def batch_norm_after(model):
    """Convolutions and linear layers without a bias are followed by a batch norm, which sets their size."""
    return {m for m in model.modules() if isinstance(m, nn.Conv2d) and m.bias is None}


def set_values(maker, model):
    """All parameters of a model get first values, none of which depends on data."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            shape = module.weight.shape
            if isinstance(module, nn.Conv2d) and module.in_channels == 3 and module.kernel_size[0] >= 8:
                module.weight.data = wave_filters(maker, shape[0], shape[1], shape[2])
            elif isinstance(module, nn.Conv2d) and min(shape[2:]) == 1 and max(shape[2:]) == 1 or isinstance(module, nn.Linear):
                module.weight.data = maker.weights(shape)
            else:
                module.weight.data = maker.weights(shape)
            if module.bias is not None:
                module.bias.data = 0.2 * maker.normal(module.bias.shape[0])
        elif isinstance(module, nn.Embedding):
            module.weight.data = 0.5 * maker.heavy(*module.weight.shape)
        elif isinstance(module, nn.LayerNorm) or type(module).__name__ in ("LayerNorm2d", "LayerNormFp32"):
            count = module.weight.shape[0]
            module.weight.data = maker.gains(count)
            module.bias.data = 0.15 * maker.normal(count)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            count = module.weight.shape[0]
            module.weight.data = maker.gains(count, outliers=count >= 64)
            module.bias.data = 0.2 * maker.normal(count)
        elif isinstance(module, nn.MultiheadAttention):
            module.in_proj_weight.data = maker.weights(module.in_proj_weight.shape)
            module.in_proj_bias.data = 0.2 * maker.normal(module.in_proj_bias.shape[0])
    for name, parameter in model.named_parameters():
        last = name.rsplit(".", 1)[-1]
        if last in ("class_embedding", "cls_token", "probe", "latent"):
            parameter.data = 0.4 * maker.normal(*parameter.shape)
        elif last in ("positional_embedding", "pos_embed") or "position_embedding" in name:
            parameter.data = 0.3 * maker.normal(*parameter.shape)
        elif last in ("proj", "text_projection", "projection_layer") and parameter.dim() == 2:
            parameter.data = maker.weights(parameter.T.shape).T.contiguous()
        elif "layer_scale" in name:
            parameter.data = torch.exp(math.log(0.05) * maker.uniform(*parameter.shape) ** 2) * torch.where(
                maker.uniform(*parameter.shape) < 0.1, -1.0, 1.0)
        elif last == "logit_scale":
            parameter.data = torch.full_like(parameter, math.log(100.0))
        elif last == "logit_bias":
            parameter.data = torch.full_like(parameter, -10.0)


def spread(x):
    """Standard deviation over all rows, the massive channels left out; over channels where all rows are one. x [..., channels]."""
    rows = x.flatten(0, -2)
    over_rows = rows.std(dim=0).median().item() if len(rows) > 1 else 0.0
    return over_rows if over_rows > 1e-4 else rows.mean(dim=0).std().item() + 1e-12


def channels_last(x):
    return x.movedim(1, -1) if x.dim() == 4 else x


def retune(weight, bias, out, target, rest, massive=(), level=0.0):
    """Scales weight [out][...] and moves bias so that `out` (rows by channels, made by them) gets the standard deviation `target` in the
    median channel and keeps `rest` of its mean. Returns what out becomes."""
    flat = out.flatten(0, -2)
    scale = target / spread(out)
    random_part = bias * target
    mean = (flat.mean(dim=0) - bias) * scale
    new_bias = random_part - (1 - rest) * mean
    new = (out - bias) * scale + new_bias
    weight.mul_(scale)
    bias.copy_(new_bias)
    for c in massive:
        bias[c] += level
        new[..., c] += level
    return new


def spread_heads(maker, weight, bias, new):
    """Heads differ in how sharply they look: queries of each (64 channels, or all) get a size of their own."""
    size = 64 if len(bias) % 64 == 0 else len(bias)
    factor = torch.exp(0.3 * maker.normal(len(bias) // size)).repeat_interleave(size)
    weight.mul_(factor[:, None])
    bias.mul_(factor)
    return new * factor


class Tuner:
    """Sets layers when their input arrives: register on a model, run it once, remove."""

    def __init__(self, maker, model, roles):
        """roles(name, module) gives None or (target standard deviation, rest of the mean, massive channels, their level)."""
        self.handles = []
        self.maker = maker
        for name, module in model.named_modules():
            if isinstance(module, nn.MultiheadAttention):
                self.handles.append(module.register_forward_pre_hook(self.before_attention(name), with_kwargs=True))
                self.handles.append(module.register_forward_hook(self.after_attention(name, roles)))
            elif isinstance(module, (nn.Linear, nn.Conv2d)) and module.bias is not None:
                if name.endswith("attn.out_proj") or type(module).__name__ == "NonDynamicallyQuantizableLinear":
                    continue
                self.handles.append(module.register_forward_hook(self.after_layer(name, roles)))

    def remove(self):
        for handle in self.handles:
            handle.remove()

    def after_layer(self, name, roles):
        def hook(module, inputs, out):
            target, rest, massive, level = roles(name, module)
            rows = channels_last(out)
            if name.endswith("qkv") or name.endswith("qkv_proj") or name.endswith(".kv"):
                parts = 2 if name.endswith(".kv") else 3
                third = rows.shape[-1] // parts
                new = torch.cat([retune(module.weight.data[i * third:(i + 1) * third], module.bias.data[i * third:(i + 1) * third],
                                        rows[..., i * third:(i + 1) * third], 1.2 if i < parts - 1 else 1.0, 0.3)
                                 for i in range(parts)], dim=-1)
                if parts == 3:
                    new[..., :third] = spread_heads(self.maker, module.weight.data[:third], module.bias.data[:third], new[..., :third])
            else:
                new = retune(module.weight.data, module.bias.data, rows, target, rest, massive, level)
                if name.endswith(("q_proj", "query")):
                    new = spread_heads(self.maker, module.weight.data, module.bias.data, new)
            self.maker.rows.append((name, spread(new)))
            return new.movedim(-1, 1) if out.dim() == 4 else new
        return hook

    def before_attention(self, name):
        def hook(module, args, kwargs):
            query = kwargs.get("query", args[0] if args else None)
            key = kwargs.get("key", args[1] if len(args) > 1 else query)
            third = module.embed_dim
            for i, x in enumerate((query, key, key)):
                w = module.in_proj_weight.data[i * third:(i + 1) * third]
                b = module.in_proj_bias.data[i * third:(i + 1) * third]
                new = retune(w, b, x @ w.T + b, 1.2 if i < 2 else 1.0, 0.3)
                if i == 0:
                    spread_heads(self.maker, w, b, new)
        return hook

    def after_attention(self, name, roles):
        def hook(module, inputs, out):
            target, rest, massive, level = roles(name, module)
            layer = module.out_proj
            new = retune(layer.weight.data, layer.bias.data, out[0], target, rest, massive, level)
            self.maker.rows.append((name, spread(new)))
            return (new,) + tuple(out[1:])
        return hook


def roles_of(maker, model):
    """What each layer's name says about its place; the names of open_clip, timm, transformers and Apple's."""
    chosen = {}

    def roles(name, module):
        last = name.rsplit(".", 1)[-1]
        if last in ("c_fc", "fc1", "intermediate", "dense") and "output" not in name:
            return 1.0, 0.5, (), 0.0
        if last in ("q_proj", "k_proj", "query", "key"):
            return 1.2, 0.3, (), 0.0
        if last in ("v_proj", "value"):
            return 1.0, 0.3, (), 0.0
        if last in ("c_proj", "fc2") or "output.dense" in name and "attention" not in name or name.endswith("pre_norm_ffn.4"):
            width = module.weight.shape[0]
            first = "resblocks.1." in name or "blocks.1.mlp" in name and "stages" not in name or "layers.1.mlp" in name
            if first and width >= 64:
                two = chosen.setdefault("visual" if "vis" in name else "text", torch.randperm(width, generator=maker.random)[:2].tolist())
                damp(model, two, "vis" in name)
                return 0.4, 0.3, two, MASSIVE * min(1.0, width / 768) ** 0.5
            return 0.4, 0.3, (), 0.0
        if last in ("out_proj", "proj", "attn") or "attention.output" in name:
            return 0.4, 0.2, (), 0.0
        return 1.0, 0.3, (), 0.0
    return roles, chosen


def damp(model, channels, visual):
    """The gains of a tower's LayerNorms in the massive channels are small, as training leaves them."""
    for name, module in model.named_modules():
        if isinstance(module, nn.LayerNorm) and ("vis" in name) == visual and module.weight.shape[0] > max(channels):
            module.weight.data[channels] = 0.05


def tune(maker, model, run):
    """Sets all layers of model by one call of run(). BatchNorms must be in training mode where they are to learn their statistics."""
    roles, chosen = roles_of(maker, model)
    tuner = Tuner(maker, model, roles)
    with torch.no_grad():
        run()
    tuner.remove()
    return chosen


def settle_batch_norms(maker, model, run):
    """Running statistics from what run() shows, then off by some percent, as those of a trained model are for other photos."""
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
        m.train()
    with torch.no_grad():
        run()
    for m in norms:
        m.eval()
        m.momentum = 0.1
        std = m.running_var.sqrt()
        m.running_mean += 0.1 * std * maker.normal(len(std))
        m.running_var *= torch.exp(0.1 * maker.normal(len(std)))


def centre(norm, embeddings, features, cosine=0.5):
    """norm: the module whose bias is the last before a linear projection; features [n][c]: what it gave; embeddings [n][d]: what came out.
    Moves its bias so that the mean cosine between embeddings becomes about `cosine`."""
    mean = embeddings.mean(dim=0)
    var = (embeddings - mean).pow(2).sum(dim=1).mean()
    keep = (cosine / (1 - cosine) * var).sqrt() / mean.norm()
    norm.bias.data += (keep - 1) * (mean if isinstance(norm, nn.Linear) else features.mean(dim=0))
    return keep.item()


def centre_weights(layer, features, cosine=0.5):
    """The same for a projection without a bias before it: its weights lose what they make of the mean of features [n][c]."""
    mean = features.mean(dim=0)
    out = features @ layer.weight.data.T
    middle = out.mean(dim=0)
    var = (out - middle).pow(2).sum(dim=1).mean()
    keep = min(1.0, ((cosine / (1 - cosine) * var).sqrt() / middle.norm()).item())
    layer.weight.data -= (1 - keep) * torch.outer(layer.weight.data @ mean, mean) / mean.dot(mean)
    layer.bias.data.zero_()
    return keep


def mean_cosine(e):
    e = nn.functional.normalize(e.double(), dim=-1)
    n = len(e)
    return ((e.sum(dim=0).pow(2).sum() - n) / (n * (n - 1))).item()
