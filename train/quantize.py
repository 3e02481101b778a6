"""A trained checkpoint -> the INT8 tensors of a package.

Image net: symmetric weights per output channel with the clipping that loses least, static u8 ranges that lose least on
training photos, then each layer's bias corrected for the mean error that the integer arithmetic makes up to there.
Everything after the pooled feature, and the text tower, is quantised by row at run time: only weights are prepared.
"""
import random

import numpy as np
import torch

import image_net
import package
from common import load_rgb, log, squash
from simulate import ImageTower


def quantise_rows(weight, search=True, low=-127, high=127):
    """Rows x rest -> int8 from low to high, scale a row; the scale is searched so that the squared error is least."""
    flat = weight.reshape(len(weight), -1).double()
    top = flat.abs().amax(1).clamp_min(1e-8)
    best, best_error = top / high, torch.full_like(top, float("inf"))
    for shrink in (torch.linspace(0.6, 1.0, 41) if search else [torch.tensor(1.0)]):
        scale = top * shrink / high
        error = ((flat / scale[:, None]).round().clamp(low, high) * scale[:, None] - flat).square().sum(1)
        better = error < best_error
        best, best_error = torch.where(better, scale, best), torch.where(better, error, best_error)
    best = best.float()
    q = (flat / best.double()[:, None]).round().clamp(low, high)
    return q.reshape(weight.shape).to(torch.int8), best


def add_linear(out, name, weight, bias, search=True, grid=None):
    """grid: the scales that the weights were tuned with, if they were."""
    weight = weight.detach()
    q, scale = quantise_rows(weight, search) if grid is None else (on_grid(weight, grid), grid)
    out[name + ".weight"], out[name + ".scale"] = q.numpy(), scale.numpy()
    out[name + ".bias"] = bias.detach().float().numpy()


def best_range(values, relu6):
    """Scale and zero point of u8 levels with the least squared error on the values."""
    low, high = (0.0, values.max().item()) if relu6 else (min(values.min().item(), 0.0), max(values.max().item(), 0.0))
    best = None
    for keep_high in np.linspace(0.4, 1.0, 31):
        for keep_low in ([1.0] if relu6 else np.linspace(0.4, 1.0, 13)):
            scale = np.float32(max((high * keep_high - low * keep_low) / 255, 1e-6))
            zero = float(np.clip(np.rint(-low * keep_low / scale), 0, 255)) + 0.0  # never -0
            back = ((values / scale).round() + zero).clamp(0, 255).sub(zero).mul(scale)
            error = (back - values).square().mean().item()
            if best is None or error < best[0]:
                best = (error, scale, zero)
    return np.array([best[1], best[2]], dtype=np.float32)


def calibration_photos(work, photos, use, count, size, seed=7):
    """Photos of every source, half of them captioned ones: their whole squashed pixels."""
    dice = random.Random(seed)
    captioned = [p for p, u in zip(photos, use) if u and p.captions]
    named = [p for p, u in zip(photos, use) if u and not p.captions and p.source != "tinyimagenet"]
    chosen = dice.sample(captioned, count // 2) + dice.sample(named, count - count // 2)
    return torch.from_numpy(np.stack([squash(load_rgb(work, p), size) for p in chosen]))


def layout(weight, conv):
    """out,in,ky,kx -> the package's order."""
    if conv.kind == "stem":
        return weight.permute(0, 2, 3, 1).contiguous()
    if conv.kind == "depthwise":
        return weight[:, 0].permute(1, 2, 0).contiguous()
    return weight[:, :, 0, 0].contiguous()


def observe(net, pixels, samples=200000, batch=16):
    """A random sample of each layer's float outputs."""
    kept = [[] for _ in net.flat]
    share = samples * batch // len(pixels)
    def watch(index, y):
        flat = y.flatten()
        kept[index].append(torch.cat([flat[torch.randint(0, flat.numel(), (share,))], y.amax()[None], y.amin()[None]]))
        return y
    with torch.inference_mode():
        for at in range(0, len(pixels), batch):
            net.run(image_net.scale_pixels(pixels[at:at + batch]), watch=watch)
    return [torch.cat(k) for k in kept]


def quantise_convs(net, pixels, ranges=None, grids=None):
    """ranges, grids: for the layers they name, what the weights were tuned with."""
    ranges, grids, out = ranges or {}, grids or {}, {}
    for index, (conv, values) in enumerate(zip(net.flat, observe(net, pixels))):
        weight = net.weights[index].detach()
        q, scale = (on_grid(weight, grids[conv.name]), grids[conv.name]) if conv.name in grids else quantise_rows(weight)
        out[conv.name + ".weight"] = layout(q, conv).numpy()
        out[conv.name + ".scale"] = scale.numpy()
        out[conv.name + ".bias"] = net.biases[index].detach().float().numpy().copy()
        out[conv.name + ".out"] = np.array(ranges[conv.name], dtype=np.float32) if conv.name in ranges else best_range(values, conv.relu6)
    return out


def on_grid(weight, scale):
    return (weight.flatten(1) / scale[:, None]).round().clamp(-127, 127).view(weight.shape).to(torch.int8)


@torch.inference_mode()
def correct_biases(net, tensors, metadata, pixels, last=None):
    """Layer by layer: run the integer net up to here, and take its mean error a channel out of the bias. Layers from `last` on
    stay."""
    tower = ImageTower(tensors, metadata)
    x = image_net.scale_pixels(pixels)
    c = tower.config
    q = pixels.float().permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    scale, zero = torch.tensor(1.0 / c["std"]), torch.tensor(float(c["mean"]))
    for index, (conv, weight) in enumerate(zip(tower.flat[:last], tower.weights)):
        if image_net.starts_block(conv, tower.flat):
            kept_x, kept_q, kept_scale, kept_zero = x, q, scale, zero
        wanted = image_net.convolve(x, net.weights[index], conv, net.biases[index])
        got = tower.real(conv, q, scale, zero, weight)
        wanted, got = (wanted + kept_x, got + kept_scale * (kept_q - kept_zero)) if conv.residual else (wanted, got)
        shift = mean_shift(wanted, got, conv.relu6)
        tensors[conv.name + ".bias"] = tensors[conv.name + ".bias"] + shift.numpy()
        got = got + shift[:, None, None]
        x = wanted.clamp(0, 6) if conv.relu6 else wanted
        got = got.clamp(0, 6) if conv.relu6 else got
        scale, zero = tower.tensors[conv.name + ".out"]
        q = ((got * (1.0 / scale)).round() + zero).clamp(0, 255)
    return tensors


def mean_shift(wanted, got, relu6, rounds=4):
    """What to add to the bias of a channel so that the mean after the clamp agrees."""
    if not relu6:
        return (wanted - got).mean((0, 2, 3))
    target, shift = wanted.clamp(0, 6).mean((0, 2, 3)), torch.zeros(wanted.shape[1])
    for _ in range(rounds):
        moved = got + shift[:, None, None]
        live = ((moved > 0) & (moved < 6)).float().mean((0, 2, 3)).clamp_min(0.2)
        shift = shift + (target - moved.clamp(0, 6).mean((0, 2, 3))) / live
    return shift.clamp(-0.5, 0.5)


def quantise_head(head):
    out = {}
    folded = head.folded()
    for name, target in (("proj", "image.proj"), ("fc1", "image.mlp.fc1"), ("fc2", "image.mlp.fc2")):
        add_linear(out, target, *folded[name])
    return out


def quantise_words(weight, int4=False, groups=1):
    """The word table's two tensors; `groups` parts of a row have a scale each."""
    parts = weight.detach().reshape(len(weight) * groups, -1)
    q, scale = quantise_rows(parts, low=-8, high=7) if int4 else quantise_rows(parts)
    q = q.reshape(weight.shape).numpy()
    scale = scale.reshape(len(weight), groups) if groups > 1 else scale
    return {"text.embed.word.weight": package.pack_int4(q) if int4 else q, "text.embed.word.scale": scale.numpy()}


def quantise_text(text, int4=False, groups=1, grids=None):
    """All tensors of a text tower but its vocabulary; int4 and groups are of the word table; grids as grid.py gives them."""
    grids = grids or {}
    out = quantise_words(text.word.weight, int4, groups)
    out["text.embed.position"] = text.position.detach().float().numpy()
    def norm(name, module):
        out[name + ".weight"] = module.weight.detach().float().numpy()
        out[name + ".bias"] = module.bias.detach().float().numpy()
    norm("text.embed.norm", text.norm)
    for number, layer in enumerate(text.layers):
        name = f"text.{number}."
        for part in ("query", "key", "value", "output", "fc1", "fc2"):
            linear = getattr(layer, part)
            add_linear(out, name + part, linear.weight, linear.bias, grid=grids.get(f"{number}.{part}"))
        norm(name + "norm1", layer.norm1)
        norm(name + "norm2", layer.norm2)
    add_linear(out, "text.proj", text.proj.weight, text.proj.bias, grid=grids.get("proj"))
    return out


def compare_layers(net, tensors, metadata, pixels):
    """Cosine of each layer's output, integer against float: where quality goes."""
    wanted, rows = {}, []
    def keep(index, y):
        wanted[net.flat[index].name] = y
        return y
    tower = ImageTower(tensors, metadata)
    def watch(name, q):
        scale, zero = tower.tensors[name + ".out"]
        rows.append((name, torch.cosine_similarity((scale * (q - zero)).flatten(1), wanted[name].flatten(1)).mean().item()))
    with torch.inference_mode():
        feature = net.run(image_net.scale_pixels(pixels), watch=keep).mean((2, 3))
        got = tower.features(pixels, watch)
    rows.append(("pooled", torch.cosine_similarity(got, feature).mean().item()))
    for name, cosine in rows:
        log(f"{name:24s} {cosine:.4f}")
