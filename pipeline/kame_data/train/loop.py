"""The training loop, from token shards to a checkpoint and its export; read it from top to bottom."""

import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grad_norm_

from kame_data.errors import KameError, UsageError
from kame_data.model.four_streams import FourStreams
from kame_data.model.inputs import Inputs, lay_out
from kame_data.model.start import find_start
from kame_data.model.streams import Batch
from kame_data.settings.training import OF_THE_OUTCOME, Augmentation, TrainSettings
from kame_data.storage.lock import hold
from kame_data.train.batches import Loader
from kame_data.train.checkpoint import Checkpoints, Progress
from kame_data.train.data import TokenFiles, check_finished, token_files
from kame_data.train.export_checkpoint import export, tokens_folder
from kame_data.train.logs import Logs
from kame_data.train.loss import Kinds, counts, means, weighted_sums
from kame_data.train.machine import Machine, add_up_gradients
from kame_data.train.tune import groups, learning_rate_factor
from kame_data.train.validation import evaluate

TOKENS_A_FRAME = 9
"""Text and eight codebooks: what is predicted."""


def train(settings: TrainSettings) -> Path:
    """Train, or go on where the same command stopped; returns the folder of the exported checkpoint.

    Raises UsageError for settings and data that do not go together, KameError where training itself fails: out of
    memory, a loss that is no number, damaged files.
    """
    settings = settings.model_copy(update={"tokens": tokens_folder(settings.tokens)})
    first = os.environ.get("RANK", "0") == "0"
    with hold(settings.run, "training") if first else nullcontext():
        machine = Machine(settings)
        try:
            with _memory_errors(settings):
                return _train(settings, machine)
        finally:
            machine.end()


def _train(settings: TrainSettings, machine: Machine) -> Path:
    # -- data
    loader, validation = open_loaders(settings, machine)
    facts = loader.facts

    # -- model, optimizer, schedule
    start = find_start(settings.init, facts.text_card)
    model = machine.model(start, settings)
    layout = model.layout
    optimizer = torch.optim.AdamW(
        groups(model, settings.optimizer),
        weight_decay=settings.optimizer.weight_decay,
        betas=settings.optimizer.betas,
        eps=settings.optimizer.eps,
        fused=machine.device.type == "cuda",
    )
    rates = [group["lr"] for group in optimizer.param_groups]

    # -- where the run stands
    torch.manual_seed(settings.seed + machine.rank)
    checkpoints = Checkpoints(settings.run / "checkpoints", settings.checkpoints.keep, machine.rank)
    progress = resume(checkpoints, settings, loader.files.digest(), model, optimizer)

    def inputs_of(batch: Batch) -> Inputs:
        return lay_out(batch, layout).to(machine.device)

    def validate() -> dict[str, float]:
        if validation is None:
            return {}
        model.eval()
        with torch.no_grad(), machine.autocast():
            of, limit = settings.loss, settings.validation.batches
            found = evaluate(model, validation, inputs_of, machine.total, of, layout.text_padding, limit)
        model.train()
        return found

    # -- the loop
    model.train()
    batches = endless(loader, progress)
    with Logs(settings, progress.step, machine.rank == 0) as logs:
        if progress.step == 0 and (found := validate()):
            logs.log(0, found)
        since, tokens = time.perf_counter(), 0
        while progress.step < settings.steps:
            step = progress.step + 1
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * learning_rate_factor(step - 1, settings.steps, settings.optimizer)

            # What an update's losses are divided by is known before any is computed.
            micro = [next(batches) for _ in range(settings.accumulate)]
            parts = [inputs_of(batch) for batch in micro]
            kinds = [Kinds.of(i, layout.text_padding, not b.repeated) for i, b in zip(parts, micro, strict=True)]
            count = machine.total(sum_of([counts(kind, settings.loss) for kind in kinds]))

            summed = []
            for number, (inputs, kind) in enumerate(zip(parts, kinds, strict=True), 1):
                add_up_gradients(model, number == settings.accumulate)
                with machine.autocast():
                    text, audio = model(inputs)
                losses = weighted_sums(text, audio, kind, settings.loss)
                # FSDP takes the mean over processes; the sum is wanted.
                (torch.stack(means(losses, count, settings.loss)).sum() * machine.world_size).backward()  # type: ignore[no-untyped-call]
                summed.append(losses.detach())
            norm = clip_grad_norm_((p for p in model.parameters() if p.requires_grad), settings.optimizer.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            progress.step = step
            tokens += TOKENS_A_FRAME * sum(len(inputs.real) for inputs in parts)
            logs.advance(step)

            last = step == settings.steps
            validates = validation is not None and (last or step % settings.validation.every == 0)
            saves = last or step % settings.checkpoints.every == 0
            if not (validates or saves or step % settings.log_every == 0 or step == 1):
                continue

            # The host waits for the device here, and nowhere else.
            total = machine.total(sum_of(summed))
            loss_text, loss_audio = (loss.item() for loss in means(total, count, settings.loss))
            found = {
                "loss/total": loss_text + loss_audio,
                "loss/text": loss_text,
                "loss/audio": loss_audio,
                "grad_norm": whole(norm).item(),
                "lr": optimizer.param_groups[0]["lr"],
                "epoch": progress.epoch,
                "tokens_per_second": tokens * machine.world_size / (time.perf_counter() - since),
            }
            if machine.device.type == "cuda":
                found["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
            if validates:
                found |= validate()
            check_numbers(step, found, settings)
            if validates and (progress.best is None or found["val/loss"] < progress.best):
                progress.best, progress.best_step, saves = found["val/loss"], step, True
            logs.log(step, found)
            if saves:
                checkpoints.save(progress, model, optimizer)
            since, tokens = time.perf_counter(), 0

    # -- what others load
    step = progress.step
    if settings.export == "best" and progress.best_step not in (None, step):
        checkpoints.load(step := progress.best_step, model, optimizer)
    return export(settings, start, facts, model, machine, step)


def open_loaders(settings: TrainSettings, machine: Machine) -> tuple[Loader, Loader | None]:
    """The batches to train on, and those to validate on where the tokens have any.

    Raises UsageError for token shards that are missing, or of another codec, tokenizer or text vocabulary.
    """
    out = tokens_folder(settings.tokens)
    augmentation = settings.augmentation
    shared: dict[str, Any] = {
        "batch_frames": settings.data.batch_frames,
        "frame_multiple": settings.data.frame_multiple,
        "prefetch": settings.data.prefetch,
        "seed": settings.seed,
        "rank": machine.rank,
        "world_size": machine.world_size,
    }
    loader = Loader(token_files(out, "train"), augmentation=augmentation, **shared)
    check_finished(out, loader.files)
    if not any((out / "tokens").glob("validation-*")) or not len(TokenFiles(paths := token_files(out, "validation"))):
        return loader, None
    quiet = Augmentation.off(augmentation.time)
    # In a drawn order, the same each time: without it the first batches would be the shortest dialogues.
    validation = Loader(paths, augmentation=quiet, **shared)
    for what in ("codec", "tokenizer"):
        ours, theirs = getattr(loader.facts, f"{what}_sha256"), getattr(validation.facts, f"{what}_sha256")
        if ours != theirs:
            raise UsageError(
                f"{validation.files.paths[0]}: its {what} is '{getattr(validation.facts, what)}' ({theirs[:8]}), that "
                f"of the train shards '{getattr(loader.facts, what)}' ({ours[:8]}); make both with one {what}"
            )
    return loader, validation


def resume(
    checkpoints: Checkpoints,
    settings: TrainSettings,
    data: str,
    model: FourStreams,
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Load the last checkpoint and return the progress of the run. `data` identifies the tokens.

    Raises UsageError where the run was begun with other settings or tokens.
    """
    kept = json.loads(settings.model_dump_json(include=OF_THE_OUTCOME)) | {"tokens": data}
    checkpoints.sweep()
    steps = checkpoints.steps()
    if not steps:
        return Progress(settings=kept)
    progress = checkpoints.progress(steps[-1])
    if differs := difference(progress.settings, kept):
        name, before, now = differs
        raise UsageError(
            f"--run {settings.run}: was begun with {name} {before}, and this is {now}; give the same, or another --run"
        )
    if progress.step > settings.steps:
        raise UsageError(
            f"--steps {settings.steps}: --run {settings.run} is at step {progress.step} already; give as many or more, "
            "or another --run"
        )
    checkpoints.load(progress.step, model, optimizer)
    return progress


def difference(before: Any, now: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """The first setting that is not as it was: its name, what it was, and what it is."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return None if before == now else (name, before, now)
    for key in now:
        if found := difference(before.get(key), now[key], f"{name}.{key}" if name else key):
            return found
    return None


def check_numbers(step: int, found: dict[str, float], settings: TrainSettings) -> None:
    """Raise KameError where what was measured at a step is no number: weights like that are not kept."""
    if wrong := next((name for name, value in found.items() if not math.isfinite(value)), None):
        raise KameError(
            f"step {step}: {wrong} is no number any more ({found[wrong]}); begin another --run with a lower learning "
            f"rate than optimizer.lr {settings.optimizer.lr}, or a longer warm-up than {settings.optimizer.warmup}"
        )


def endless(loader: Loader, progress: Progress) -> Iterator[Batch]:
    """This process's batches, epoch after epoch, from where `progress` is; it is moved on with every batch."""
    while True:
        for batch in loader.epoch(progress.epoch, progress.batch):
            progress.batch += 1
            yield batch
        progress.epoch, progress.batch = progress.epoch + 1, 0


def sum_of(values: list[torch.Tensor]) -> torch.Tensor:
    """Their sum, f32."""
    return torch.stack(values).sum(0)


def whole(value: torch.Tensor) -> torch.Tensor:
    """The value itself where processes hold shares of it."""
    return value.full_tensor() if isinstance(value, DTensor) else value


@contextmanager
def _memory_errors(settings: TrainSettings) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise KameError(
            f"data.batch_frames {settings.data.batch_frames}: out of memory; lower it (and raise accumulate to match), "
            "turn checkpointing on, train with --tune lora, or share the model by FSDP"
        ) from None
