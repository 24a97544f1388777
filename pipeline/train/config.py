"""The settings of a training run: defaults, a YAML file over them, the environment (KAME_DATA_TRAIN_...), flags."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.settings_room import Place, Room

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
AtLeastOne = Annotated[int, Field(ge=1)]


class LossSettings(Room):
    """Weights of the loss, as kame_finetune has them; see `pipeline.train.loss`."""

    text_padding: NotNegative = 0.5
    first_codebook: NotNegative = 100.0
    other_codebooks: NotNegative = 1.0


class OptimizerSettings(Room):
    """AdamW, its schedule and the clipping of the gradient's norm.

    `depth_lr`: the depth transformer's rate; None is `lr`. `warmup`: updates; `min_lr`: the share of the rate at which
    cosine ends.
    """

    lr: Positive = 3e-5
    depth_lr: Positive | None = None
    weight_decay: NotNegative = 0.1
    betas: tuple[Decay, Decay] = (0.9, 0.95)
    eps: Positive = 1e-8
    warmup: Annotated[int, Field(ge=0)] = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    min_lr: Share = 0.1
    clip: Positive = 1.0


class TuneSettings(Room):
    """What is trained. `full`: everything. `lora`: low-rank factors beside every linear map, and the oracle and text
    embeddings whole. `frozen_depth`: everything but the depth transformer with its embeddings and heads.
    `audio_embeddings` false leaves the tables that both speakers' codes are heard through as they are (LoRA does so
    anyway): with few dialogues they learn these by heart before the oracle is read."""

    what: Literal["full", "lora", "frozen_depth"] = "full"
    audio_embeddings: bool = True
    rank: AtLeastOne = 128
    scaling: Positive = 2.0


class DataSettings(Room):
    """How examples become batches: `batch_frames` is the most frames, padding included, of a batch on one process;
    lengths are rounded up to `frame_multiple`; `prefetch` batches are made ahead."""

    batch_frames: AtLeastOne = 10_000
    frame_multiple: AtLeastOne = 1
    prefetch: Annotated[int, Field(ge=0)] = 2


class AugmentationSettings(Room):
    """What is drawn for every example and epoch; see `pipeline.train.oracle_stream.Augmentation`."""

    time: Literal["arrival", "shift"] = "arrival"
    shift_right: tuple[int, int] = (1, 10)
    shift_left: tuple[int, int] = (1, 15)
    drop: tuple[float, float] | None = (0.1, 0.7)
    jitter: Annotated[int, Field(ge=0)] = 4
    levels: Literal["drawn", "cuts"] = "drawn"


class ValidationSettings(Room):
    """Updates from one validation to the next, and how many batches a process reads at most (None: all there are)."""

    every: AtLeastOne = 200
    batches: AtLeastOne | None = 50


class CheckpointSettings(Room):
    """Updates from one checkpoint to the next, and how many of the last are kept, besides the best by `val/loss`."""

    every: AtLeastOne = 200
    keep: AtLeastOne = 2


class TrainSettings(Room):
    """All settings of a training run.

    `tokens`: a build's folder, or its `tokens` folder. `init`: a Hub id, a folder with `model.safetensors`, or
    untrained-tiny or untrained-small, which are seeded random weights. `steps`: updates of the weights, each from
    `accumulate` batches on every process. `fsdp` None: with more than one process. `checkpointing` makes activations
    again in the backward pass instead of keeping them; None: on a GPU. `wandb`: the project there; None logs nothing to
    it. `export`: the weights that are exported, those of the lowest `val/loss` or the last. `merge`: LoRA is worked
    into them.
    """

    tokens: Place = Path("out")
    run: Path = Path("run")
    init: str = "kyutai/moshiko-pytorch-bf16"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: AtLeastOne = 2000
    accumulate: AtLeastOne = 1

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "bf16", "f32"] = "auto"
    fsdp: bool | None = None
    checkpointing: bool | None = None
    compile: bool = False

    tune: TuneSettings = TuneSettings()
    loss: LossSettings = LossSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    data: DataSettings = DataSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    validation: ValidationSettings = ValidationSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()

    log_every: AtLeastOne = 10
    tensorboard: bool = True
    wandb: str | None = None
    export: Literal["best", "last"] = "best"
    merge: bool = True
    progress: bool = True

    @model_validator(mode="after")
    def _whole(self) -> "TrainSettings":
        if self.optimizer.warmup >= self.steps:
            raise ValueError(f"optimizer.warmup {self.optimizer.warmup} is not below steps {self.steps}; lower it")
        return self


OF_THE_OUTCOME = {"init", "seed", "accumulate", "precision", "tune", "loss", "optimizer", "data", "augmentation"}
"""The settings of `TrainSettings` that change what is learnt: a run that goes on keeps them."""
