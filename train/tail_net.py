"""The last blocks of the image net for training: pointwise convolutions as matrix products over rows of pixels, depthwise
kernels frozen. Several times faster on a CPU than the library's backward of the same convolutions.

Layout: N,H,W,C in bfloat16 throughout.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

import image_net
from grid import Grid


class FixedDepthwise(torch.autograd.Function):
    """A depthwise convolution whose kernel is not trained, TensorFlow's SAME padding; its backward is a forward with the
    turned kernel over the gradient, spread out where the stride skipped pixels."""

    @staticmethod
    def forward(ctx, x, weight, bias, stride):
        ctx.save_for_backward(weight)
        ctx.stride, ctx.size = stride, x.shape[1]
        k = weight.shape[-1]
        size = x.shape[1]
        total = max((-(-size // stride) - 1) * stride + k - size, 0)
        ctx.before = total // 2
        y = x.permute(0, 3, 1, 2)
        if total % 2 == 0:
            y = F.conv2d(y, weight, bias, stride, total // 2, groups=len(weight))
        else:
            y = F.conv2d(F.pad(y, (total // 2, total - total // 2) * 2), weight, bias, stride, groups=len(weight))
        return y.permute(0, 2, 3, 1).contiguous()

    @staticmethod
    def backward(ctx, grad):
        weight, = ctx.saved_tensors
        k, size = weight.shape[-1], ctx.size
        if ctx.stride > 1:
            spread = grad.new_zeros(grad.shape[0], size, size, grad.shape[3])
            spread[:, ::ctx.stride, ::ctx.stride] = grad
            grad = spread
        first, last = k - 1 - ctx.before, ctx.before
        g = grad.permute(0, 3, 1, 2)
        if first == last:
            g = F.conv2d(g, weight.flip(2, 3), None, 1, first, groups=len(weight))
        else:
            g = F.conv2d(F.pad(g, (first, last, first, last)), weight.flip(2, 3), None, 1, groups=len(weight))
        return g.permute(0, 2, 3, 1).contiguous(), None, None, None


class Levels(torch.autograd.Function):
    """An activation as the C kernels store it: u8 levels of one scale and zero point, after the clamp of ReLU6 where there is
    one. The gradient passes where nothing was clamped."""

    @staticmethod
    def forward(ctx, x, scale, zero, relu6):
        low, high = -zero * scale, (255 - zero) * scale
        if relu6:
            low, high = 0.0, min(6.0, high)
        y = x.clamp(low, high)
        ctx.save_for_backward(x == y)
        return y.div_(scale).round_().mul_(scale)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None, None, None


class TailNet(nn.Module):
    """Layers `first`.. of the net. Weights start from a list of (weight, bias) a layer, float32. With `ranges` (scale and zero
    point of each layer's output) and `grids` (a scale an output channel of each layer's weights) it computes as the INT8
    kernels do, up to bfloat16."""

    def __init__(self, flat, first, weights):
        super().__init__()
        self.flat, self.first = flat[first:], first
        self.all = flat
        self.ranges = self.grids = None
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for conv, (weight, bias) in zip(self.flat, weights):
            tuned = conv.kind == "pointwise"
            w = weight[:, :, 0, 0] if tuned else weight
            self.weights.append(nn.Parameter(w.clone(), requires_grad=tuned))
            self.biases.append(nn.Parameter(bias.clone(), requires_grad=tuned))

    def forward(self, x):
        """N,H,W,C bfloat16 -> N,P,head: the last layer's pixels."""
        for conv, weight, bias in zip(self.flat, self.weights, self.biases):
            if image_net.starts_block(conv, self.all):
                kept = x
            at = conv.name
            if self.grids and conv.kind != "depthwise":
                weight = Grid.apply(weight, self.grids[at])
            if conv.kind == "depthwise":
                x = FixedDepthwise.apply(x, weight, bias, conv.stride)
            else:
                x = F.linear(x, weight, bias)
            if conv.residual:
                x = x + kept
            if self.ranges:
                x = Levels.apply(x, *self.ranges[at], conv.relu6)
            elif conv.relu6:
                x = F.hardtanh(x, 0.0, 6.0)
        return x.flatten(1, 2)
