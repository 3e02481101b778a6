"""Makes the checkpoints that tests/import/test_checkpoint.c reads, and expected.tsv with what is in them: a few numbers each, drawn here.

    python3 tests/data/import/checkpoints/make.py     in the repository's root; needs PyTorch and safetensors

The files are PyTorch's own but for script.pt, which is packed again without its notes for debuggers: those name files of the machine that
it was made on.
"""
import argparse, collections, io, json, pathlib, zipfile
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.manual_seed(7)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)

    def forward(self, x):
        return self.norm(self.fc(x))


class Tower(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 2, 2, bias=False)
        self.blocks = torch.nn.Sequential(Block(), torch.nn.LayerNorm(2))
        self.scale = torch.nn.Parameter(torch.tensor(2.5))
        self.register_buffer("size", torch.tensor(224))
        self.register_buffer("ids", torch.arange(5).unsqueeze(0))

    def forward(self, x):
        return self.blocks(x) * self.scale


def several():
    """One of each kind of number, and tensors that are laid out in other ways."""
    wide = torch.randn(4, 6)
    kinds = {"f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64, "i64": torch.int64, "i32": torch.int32,
             "i16": torch.int16, "i8": torch.int8, "u8": torch.uint8, "bool": torch.bool}
    tensors = {"kinds." + name: (torch.randn(2, 3) * 20).abs().to(kind) for name, kind in kinds.items()}
    tensors.update(wide=wide, part=wide[1:, 2:5], turned=wide.t(), inner=wide[:, 3], tied=wide, repeated=torch.tensor([[1.5], [2.5]]).expand(2, 3),
                   swapped=torch.randn(2, 3, 4, 2).permute(3, 0, 2, 1), empty=torch.zeros(0, 4))
    return tensors


def training_run(model):
    """What training scripts save: the weights beside anything else."""
    optimizer = torch.optim.AdamW(model.parameters())
    weights = collections.OrderedDict(("module." + name, tensor) for name, tensor in model.state_dict().items())
    return {"epoch": 3, "name": "ViT", "model": "ViT-B-32", "args": argparse.Namespace(lr=0.1, betas=(0.9, 0.98), model="x", path=pathlib.PurePosixPath("a")),
            "state_dict": weights, "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()[:8].clone(), "device": torch.device("cpu"),
            "dtype": torch.float16, "best": float("nan"), "seen": 1 << 70, "steps": {1, 2}}


def expected(out, file, tensors):
    for name, t in sorted(tensors.items()):
        kind = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int64": "I64", "int32": "I32", "int16": "I16",
                "int8": "I8", "uint8": "U8", "bool": "BOOL"}[str(t.dtype)[6:]]
        shape = "x".join(map(str, t.shape)) or "-"
        values = ",".join("%.9g" % v for v in t.detach().to(torch.float32).flatten().tolist()) or "-"
        out.append(f"{file}\t{name}\t{kind}\t{shape}\t{values}\n")


def scripted(model):
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(model), file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(HERE / "script.pt", "w") as new:
        for entry in old.infolist():
            if not entry.filename.endswith((".debug_pkl", "serialization_id")):
                method = entry.compress_type
                new.writestr(zipfile.ZipInfo(entry.filename), old.read(entry), compress_type=method)


def sharded(tensors):
    names = sorted(tensors)
    files = {name: "shard-%d.safetensors" % (1 + i % 2) for i, name in enumerate(names)}
    for file in set(files.values()):
        save_file({n: tensors[n].contiguous() for n in names if files[n] == file}, HERE / file)
    (HERE / "shards.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": files}) + "\n")


def main():
    torch.set_num_threads(1)
    out, model = [], Tower()
    state = model.state_dict()
    torch.save(training_run(model), HERE / "run.pt")
    torch.save(several(), HERE / "several.pt")
    torch.save(model, HERE / "module.pt", pickle_protocol=4)
    torch.save(state, HERE / "before16.pt", _use_new_zipfile_serialization=False)
    half = Tower().half()
    scripted(half)
    sharded(state)
    kept = {name: t.clone().contiguous() for name, t in several().items()}
    save_file(kept, HERE / "several.safetensors", metadata={"format": "pt"})
    expected(out, "run.pt", state)
    expected(out, "several.pt", torch.load(HERE / "several.pt"))
    expected(out, "module.pt", state)
    expected(out, "script.pt", half.state_dict())
    expected(out, "shards.safetensors.index.json", state)
    expected(out, "several.safetensors", kept)
    (HERE / "expected.tsv").write_text("".join(out))


if __name__ == "__main__":
    main()
