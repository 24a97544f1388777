"""The settings of a training run: defaults, a YAML file over them, the environment (KAME_DATA_TRAIN_...), flags."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from kame_data.settings.branch import Branch, Flag, Place, Tree
from kame_data.storage.local import LocalPath

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
AtLeastOne = Annotated[int, Field(ge=1)]


class LossSettings(Branch):
    """Weights of the loss, as kame_finetune has them; see `kame_data.train.loss`."""

    text_padding: NotNegative = 0.5
    first_codebook: NotNegative = 100.0
    other_codebooks: NotNegative = 1.0


class OptimizerSettings(Branch):
    """AdamW, its schedule and the clipping of the gradient's norm.

    `depth_lr`: the depth transformer's rate; None is `lr`. `warmup`: updates; `min_lr`: the share of the rate at which
    cosine ends.
    """

    lr: Annotated[Positive, Flag("--lr"), Field(description="Learning rate.")] = 3e-5
    depth_lr: Positive | None = None
    weight_decay: NotNegative = 0.1
    betas: tuple[Decay, Decay] = (0.9, 0.95)
    eps: Positive = 1e-8
    warmup: Annotated[int, Field(ge=0)] = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    min_lr: Share = 0.1
    clip: Positive = 1.0


class TuneSettings(Branch):
    """The parts of the model that are trained. `full`: everything. `lora`: low-rank factors beside every linear map,
    and the oracle and text embeddings whole. `frozen_depth`: everything but the depth transformer with its embeddings
    and heads. `audio_embeddings` false leaves the tables that both speakers' codes are heard through as they are (LoRA
    does so anyway): with few dialogues they learn these by heart before the oracle is read."""

    what: Annotated[
        Literal["full", "lora", "frozen_depth"],
        Flag("--tune"),
        Field(description="What is trained: full, lora or frozen_depth."),
    ] = "full"
    audio_embeddings: bool = True
    rank: Annotated[AtLeastOne, Flag("--rank"), Field(description="Rank of LoRA.")] = 128
    scaling: Positive = 2.0


class DataSettings(Branch):
    """Settings of batches: `batch_frames` is the most frames, padding included, of a batch on one process;
    lengths are rounded up to `frame_multiple`; `prefetch` batches are made ahead."""

    batch_frames: Annotated[
        AtLeastOne, Flag("--batch-frames"), Field(description="Most frames of a batch, on each process.")
    ] = 10_000
    frame_multiple: AtLeastOne = 1
    prefetch: Annotated[int, Field(ge=0)] = 2


def _rising(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    if bounds is not None and not 0 <= bounds[0] <= bounds[1]:
        raise ValueError("give two rising numbers, 0 or more")
    return bounds


Frames = Annotated[tuple[int, int], AfterValidator(_rising)]


class Augmentation(Branch):
    """Draws that are made anew for every example and epoch; frames are of 80 ms.

    `time`: `arrival` lays an event where the shard's replayed back end sent it (an event that never came is left out);
    `shift` lays it where its prefix had been heard, and moves the whole stream right or left, with equal odds, by a
    number of frames drawn from `shift_right` or `shift_left`. `drop`: bounds of the probability, drawn per example,
    with which each event is left out, but never the last one of a user turn; None drops nothing. `jitter`: the most
    frames that an event may come later. `levels`, where the shard holds several levels at a prefix: `drawn` draws five
    rising cuts per example, `cuts` takes the usual ones (`kame_data.levels.CUTS`); the whole turn has the true answer
    in both.
    """

    time: Literal["arrival", "shift"] = "arrival"
    shift_right: Frames = (1, 10)
    shift_left: Frames = (1, 15)
    drop: Annotated[tuple[Share, Share] | None, AfterValidator(_rising)] = (0.1, 0.7)
    jitter: Annotated[int, Field(ge=0)] = 4
    levels: Literal["drawn", "cuts"] = "drawn"

    @classmethod
    def off(cls, time: Literal["arrival", "shift"] = "arrival") -> "Augmentation":
        """Nothing is drawn: each event at its own time (`shift`: when it was heard), its level by the usual cuts."""
        return cls(time=time, shift_right=(0, 0), shift_left=(0, 0), drop=None, jitter=0, levels="cuts")


class ValidationSettings(Branch):
    """Updates from one validation to the next, and how many batches a process reads at most (None: all there are)."""

    every: AtLeastOne = 200
    batches: AtLeastOne | None = 50


class CheckpointSettings(Branch):
    """Updates from one checkpoint to the next, and how many of the last are kept, besides the best by `val/loss`."""

    every: AtLeastOne = 200
    keep: AtLeastOne = 2


class TrainSettings(Tree):
    """All settings of a training run.

    `tokens`: a build's folder, or its `tokens` folder. `init`: a Hub id, a folder with `model.safetensors`, or
    untrained-tiny or untrained-small, which are seeded random weights. `steps`: updates of the weights, each from
    `accumulate` batches on every process. `fsdp` None: with more than one process. `checkpointing` makes activations
    again in the backward pass instead of keeping them; None: on a GPU. `wandb`: the project there; None logs nothing to
    it. `export`: the weights that are exported, those of the lowest `val/loss` or the last. `merge`: LoRA is worked
    into them.
    """

    environment: ClassVar[str] = "KAME_DATA_TRAIN_"
    example: ClassVar[str] = "validation.every=50"
    recipes: ClassVar[str | None] = "data/recipes/train"

    tokens: Annotated[
        Place, Flag("OUT"), Field(description="Folder (or URL) of a build with tokens, or its tokens folder.")
    ] = LocalPath("out")
    run: Annotated[Path, Flag("--run"), Field(description="Folder of the run. Goes on where it is.")] = Path("run")
    init: Annotated[
        str,
        Flag("--init", metavar="untrained-tiny|HUB_ID|FOLDER"),
        Field(description="Where the weights come from."),
    ] = "kyutai/moshiko-pytorch-bf16"
    seed: Annotated[int, Flag("--seed"), Field(ge=0, lt=2**63, description="Seed of every draw.")] = 0
    steps: Annotated[AtLeastOne, Flag("--steps"), Field(description="Updates of the weights.")] = 2000
    accumulate: Annotated[
        AtLeastOne, Flag("--accumulate"), Field(description="Batches of an update, on each process.")
    ] = 1

    device: Annotated[Literal["auto", "cpu", "cuda"], Flag("--device"), Field(description="auto, cpu or cuda.")] = (
        "auto"
    )
    precision: Annotated[
        Literal["auto", "bf16", "f32"], Flag("--precision"), Field(description="auto (bf16 on a GPU), bf16 or f32.")
    ] = "auto"
    fsdp: bool | None = None
    checkpointing: bool | None = None
    compile: Annotated[
        bool, Flag("--compile/--no-compile"), Field(description="Compile the layers (torch.compile).")
    ] = False

    tune: TuneSettings = TuneSettings()
    loss: LossSettings = LossSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    data: DataSettings = DataSettings()
    augmentation: Augmentation = Augmentation()
    validation: ValidationSettings = ValidationSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()

    log_every: AtLeastOne = 10
    tensorboard: bool = True
    wandb: Annotated[str | None, Flag("--wandb"), Field(description="Log to this project of wandb, too.")] = None
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
