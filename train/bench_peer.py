"""The image net in ONNX Runtime, one thread: the peer for docs/benchmarks.md. Float32, and its own static INT8 (QDQ, per channel).

Wall and CPU milliseconds, median and best of --runs. Needs the packages onnx and onnxruntime besides requirements.txt.
"""
import argparse
import os
import time

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import image_net

SIZE = 192


class Noise(CalibrationDataReader):
    """Smooth random pictures: ranges do not matter for speed."""

    def __init__(self, count=8):
        dice = np.random.default_rng(1)
        coarse = dice.uniform(-1, 1, (count, 1, 3, SIZE // 32, SIZE // 32)).astype(np.float32)
        self.rows = iter([{"pixels": np.kron(x, np.ones((1, 1, 32, 32), np.float32))} for x in coarse])

    def get_next(self):
        return next(self.rows, None)


def export(folder):
    plain, quantised = os.path.join(folder, "peer.onnx"), os.path.join(folder, "peer.int8.onnx")
    torch.onnx.export(image_net.load_timm(), torch.zeros(1, 3, SIZE, SIZE), plain, input_names=["pixels"], dynamo=False, opset_version=17)
    quantize_static(plain, quantised, Noise(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return plain, quantised


def measure(path, runs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pixels = next(Noise(1).rows)
    wall, cpu = [], []
    for run in range(runs + 5):
        w, c = time.perf_counter(), time.process_time()
        session.run(None, pixels)
        wall.append(1e3 * (time.perf_counter() - w))
        cpu.append(1e3 * (time.process_time() - c))
    return [f(x[5:]) for x in (wall, cpu) for f in (np.median, np.min)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--runs", type=int, default=100)
    args = parser.parse_args()
    for name, path in zip(("float32", "INT8"), export(args.work)):
        print("onnxruntime %s, %s: wall median %.2f best %.2f, CPU median %.2f best %.2f ms" % (onnxruntime.__version__, name, *measure(path, args.runs)))


if __name__ == "__main__":
    main()
