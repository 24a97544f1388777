"""How fast training is: tokens a second (nine a frame), memory at the peak, and the share of the chip's peak.

python benchmarks/train.py [SHAPE ...] [--frames T] [--batch B] [--tune full|lora|frozen_depth] [--device cpu|cuda]
                           [--steps N] [--compile] [--no-moshi] [--peak TFLOPS]

A shape is tiny, small, 1b or 7b. Each line is a process of its own: the training forward of this project, and Moshi's
own (`LMModel.forward`, logits of all frames in f32) on the same model and batch, both with the backward pass and AdamW.
FLOPs come from the formula in docs/TRAINING.md; what is computed twice counts once. The peak is that of dense bf16
products, by the card's name or from --peak; a CPU has none here.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flows"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

SHAPES = {
    "tiny": {"dim": 96, "heads": 4, "layers": 2, "depth_dim": 32, "depth_heads": 2, "depth_layers": 1},
    "small": {"dim": 512, "heads": 8, "layers": 8, "depth_dim": 256, "depth_heads": 4, "depth_layers": 4},
    "1b": {"dim": 2048, "heads": 16, "layers": 16, "depth_dim": 1024, "depth_heads": 16, "depth_layers": 6},
    "7b": {"dim": 4096, "heads": 32, "layers": 32, "depth_dim": 1024, "depth_heads": 16, "depth_layers": 6},
}
# Dense bf16 TFLOP/s, from the vendor's data sheets.
PEAKS = {"H200": 989, "H100": 989, "A100": 312, "L40S": 362, "4090": 165, "B200": 2250}
TEXT_CARD = 32_000


def one(args: argparse.Namespace, shape: str, way: str) -> dict[str, object]:
    """The figures of one line, in this process."""
    import torch
    from torch.nn import functional as F

    from kame_data.model.four_streams import FourStreams, TrainingLayer
    from kame_data.model.inputs import lay_out
    from kame_data.model.start import moshi_arguments
    from kame_data.model.streams import Batch
    from kame_data.settings.training import TuneSettings
    from kame_data.train.flops import flops_per_frame
    from kame_data.train.tune import prepare

    device = torch.device(args.device)
    cuda = device.type == "cuda"
    computed_in = torch.bfloat16 if cuda else torch.float32
    torch.manual_seed(0)
    arguments = moshi_arguments(TEXT_CARD, SHAPES[shape])
    model = FourStreams(device=device, dtype=computed_in, **arguments)
    prepare(model, TuneSettings(what=args.tune, rank=args.rank), computed_in, 0)
    model.to(device)
    for layer in model.modules():
        if isinstance(layer, TrainingLayer):
            layer.checkpointing = cuda
            if args.compile and way == "ours":
                layer.train_forward = torch.compile(layer.train_forward)
    model.transformer.checkpointing = model.depformer.checkpointing = cuda
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=cuda)
    draw = torch.Generator().manual_seed(0)
    rows, length = args.batch, args.frames
    codes = torch.randint(0, 2048, (rows, 17, length), generator=draw)
    batch = Batch(
        codes=codes.int().numpy(),
        oracle=codes[:, 0].int().numpy(),
        answer=(codes[:, 0] >= 0).numpy(),
        level=codes[:, 0].char().numpy(),
        ids=("",) * rows,
        frames=torch.full((rows,), length).numpy(),
    )
    inputs, codes = lay_out(batch, model.layout).to(device), codes.to(device)

    def ours() -> torch.Tensor:
        text, audio = model(inputs)
        return text.mean() + audio.mean()

    def moshis() -> torch.Tensor:
        out = model.moshi_forward(codes)
        text = F.cross_entropy(out.text_logits[:, 0].float().flatten(0, 1), codes[:, 0].flatten())
        wanted = torch.where(out.mask, codes[:, 1:9], -1)
        audio = F.cross_entropy(out.logits.float().nan_to_num().flatten(0, 2), wanted.flatten(), ignore_index=-1)
        return text + audio

    precision = torch.autocast("cuda", torch.bfloat16) if cuda else contextlib.nullcontext()

    def step() -> None:
        with precision:
            loss = (ours if way == "ours" else moshis)()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    for _ in range(args.warmup):
        step()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    for _ in range(args.steps):
        step()
    if cuda:
        torch.cuda.synchronize()
    seconds = (time.perf_counter() - begun) / args.steps
    flops = flops_per_frame(arguments, length, args.tune, args.rank) * rows * length
    peak = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    name = torch.cuda.get_device_name() if cuda else "cpu"
    best = args.peak or next((tflops for card, tflops in PEAKS.items() if card in name), None)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": seconds,
        "tokens": 9 * rows * length / seconds,
        "gib": peak / 2**30,
        "tflops": flops / seconds / 1e12,
        "share": flops / seconds / 1e12 / best if best else None,
        "device": name,
    }


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", choices=[*SHAPES, []], default=[], metavar="SHAPE")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--tune", default="lora", choices=["full", "lora", "frozen_depth"])
    parser.add_argument("--rank", type=int, default=128)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--no-moshi", action="store_true")
    parser.add_argument("--peak", type=float, help="TFLOP/s of the chip, dense bf16")
    parser.add_argument("--way", choices=["ours", "moshi"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    cuda = args.device == "cuda"
    args.frames = args.frames or (1250 if cuda else 125)  # 100 s, as moshi-finetune, or 10 s
    args.batch = args.batch or (16 if cuda else 2)
    if args.way:
        print(json.dumps(one(args, args.shapes[0], args.way)))
        return
    for shape in args.shapes or (["small", "1b", "7b"] if cuda else ["tiny", "small"]):
        print(f"\n{shape}, {args.tune}, {args.batch} x {args.frames} frames ({args.frames / 12.5:g} s)", flush=True)
        print("forward  parameters  s/step  tokens/s  peak GiB  TFLOP/s  of peak  device")
        for way in ("ours",) if args.no_moshi else ("ours", "moshi"):
            print(line(args, shape, way), flush=True)


def line(args: argparse.Namespace, shape: str, way: str) -> str:
    """A line of the table, measured in a process of its own."""
    given = {"frames": args.frames, "batch": args.batch, "tune": args.tune, "rank": args.rank, "device": args.device}
    given |= {"steps": args.steps, "warmup": args.warmup, "way": way}
    command = [sys.executable, __file__, shape, *(f"--{name}={value}" for name, value in given.items())]
    command += ["--compile"] * args.compile + [f"--peak={args.peak}"] * (args.peak is not None)
    # Moshi compiles its norm by itself where it may; on a CPU that costs more than it gains.
    environment = os.environ | ({"NO_TORCH_COMPILE": "1"} if args.device == "cpu" else {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        told = "out of memory" if "OutOfMemoryError" in done.stderr else done.stderr.strip().splitlines()[-1]
        return f"{way:>7}  {told}"
    f = json.loads(done.stdout.splitlines()[-1])
    share = f"{f['share']:7.1%}" if f["share"] is not None else "      -"
    return (
        f"{way:>7}  {f['parameters'] / 1e6:8.0f} M  {f['seconds']:6.2f}  {f['tokens']:8,.0f}  {f['gib']:8.1f}  "
        f"{f['tflops']:7.2f}  {share}  {f['device']}"
    )


if __name__ == "__main__":
    main()
