"""The English tower as a TextNet: from a checkpoint, or out of a package, dequantised."""
import torch

import simulate
import text_net


def of_package(path):
    """The package's English tower as a TextNet, dequantised."""
    _, tower = simulate.open_package(path, simulate.FLOAT)
    t, net = tower.tensors, text_net.TextNet()
    def weight(name):
        return t[name + ".weight"].float() * t[name + ".scale"][:, None]
    net.word.weight.data.copy_(weight("text.embed.word"))
    net.position.data.copy_(t["text.embed.position"])
    def norm(module, name):
        module.weight.data.copy_(t[name + ".weight"])
        module.bias.data.copy_(t[name + ".bias"])
    norm(net.norm, "text.embed.norm")
    for number, layer in enumerate(net.layers):
        for part in ("query", "key", "value", "output", "fc1", "fc2"):
            getattr(layer, part).weight.data.copy_(weight(f"text.{number}.{part}"))
            getattr(layer, part).bias.data.copy_(t[f"text.{number}.{part}.bias"])
        norm(layer.norm1, f"text.{number}.norm1")
        norm(layer.norm2, f"text.{number}.norm2")
    net.proj.weight.data.copy_(weight("text.proj"))
    net.proj.bias.data.copy_(t["text.proj.bias"])
    return net.eval()


def load(path):
    if path.endswith(".safetensors"):
        return of_package(path)
    net = text_net.TextNet()
    net.load_state_dict(torch.load(path)["text"])
    return net.eval()


def grids(path):
    """The scales that a checkpoint's weights were tuned with; None: none."""
    return None if path.endswith(".safetensors") else torch.load(path).get("grids")
