"""Weights on the grid they will have as INT8, for tuning with the rounding in place (straight-through gradients)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import quantize


class Grid(torch.autograd.Function):
    """Weights on their s8 grid, a scale an output channel; the gradient passes."""

    @staticmethod
    def forward(ctx, weight, scale):
        return (weight.float() / scale[:, None]).round().clamp(-127, 127).mul(scale[:, None]).to(weight.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class GridLinear(nn.Linear):
    """A linear layer that computes with its weights on `grid`, a scale an output."""

    def forward(self, x):
        return F.linear(x, Grid.apply(self.weight, self.grid), self.bias)


def put_on_grid(net):
    """All linear layers of a text tower -> {name in the package without "text.": scale}; parameters and their names stay."""
    grids = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear):
            module.__class__ = GridLinear
            module.grid = quantize.quantise_rows(module.weight.detach().float())[1]
            grids[name.removeprefix("layers.")] = module.grid
    return grids
