"""The weights from which the small model is trained: where to read is laid in them, when to speak is not.

To find the next word in an oracle a transformer needs two circuits: one that counts, and one that looks up the token
with a given number. They are laid into the first two layers and the depth transformer, as exact as floats are, and not
trained; whether training alone would find them was not tried. Numbers are phases: number n is the vector of cos and
sin of 2 pi f n / SERIALS for some frequencies f, so that to count on is to turn, and equal numbers have the largest
product. What to do with the token that was found (when to begin, to wait, to stop) is left to training.
"""

from typing import Any

import numpy as np
import torch
from moshi.utils.compile import no_compile
from numpy.typing import NDArray
from reader_rule import FLOW, OVER, QUIET, SERIALS, STRONG_GAP, WEAK_GAP, Kinds
from scipy.optimize import linprog

from kame_data.model.four_streams import FourStreams

DIM, HEADS, DEPTH_DIM = 208, 4, 80
WIDTH = DIM // HEADS
PLACES = 7
"""Pairs of a head's dimensions that turn fast enough to tell places apart; the others hold contents."""
MAX_PERIOD = 1e12
RUN = 8
"""Frames for which a newer oracle may wait for the end of the word that is being said."""
PHASES, LETTERS = 32, 44
"""Dimensions of a number and of a token's name."""
FLAG, NOTE = 2.0, 0.7
"""Sizes of a flag that stands in an embedding, and of one that a layer notes: small, so that all states stay about
equally long, for a norm divides by their length."""
# Where things stand in the hidden state.
NAME = slice(0, LETTERS)
SAID = slice(LETTERS, LETTERS + PHASES)
HEARD = slice(SAID.stop, SAID.stop + PHASES)
NEWER = slice(HEARD.stop, HEARD.stop + PHASES)
FOUND = slice(NEWER.stop, NEWER.stop + LETTERS)
(ONE, TEXT, EOP, STRONG, WEAK, TOKEN, BEGINS, START, LOUD, IS_FOUND, FOUND_BEGINS) = range(FOUND.stop, FOUND.stop + 11)
(NOISY, BLOCKED, FLOWS, SHARE, IS_NEWER, AMIDST, *FILLERS) = range(FOUND.stop + 11, FOUND.stop + 20)


def arguments(text_card: int) -> dict[str, Any]:
    """`LMModel`'s arguments."""
    return {
        "dim": DIM,
        "text_card": text_card,
        "existing_text_padding_id": 3,
        "n_q": 3,
        "dep_q": 2,
        "card": SERIALS,
        "num_heads": HEADS,
        "num_layers": 3,
        "hidden_scale": 2,
        "causal": True,
        "layer_scale": None,
        "context": 500,
        "max_period": MAX_PERIOD,
        "gating": "silu",
        "norm": "rms_norm_f32",
        "positional_embedding": "rope",
        "depformer_dim": DEPTH_DIM,
        "depformer_dim_feedforward": 160,
        "depformer_num_heads": 2,
        "depformer_num_layers": 1,
        "depformer_layer_scale": None,
        "depformer_multi_linear": True,
        "depformer_context": 2,
        "depformer_max_period": 10000,
        "depformer_gating": "silu",
        "depformer_pos_emb": "none",
        "depformer_weights_per_step": True,
        "delays": [0, 0, 0, 0],
    }


def phases(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors of the numbers, (SERIALS, PHASES), and the matrix that turns each into the next."""
    best: tuple[float, NDArray[np.int64]] | None = None
    steps = np.arange(SERIALS)
    for _ in range(3000):
        frequencies = rng.choice(SERIALS // 2, PHASES // 2, replace=False) + 1
        likeness = np.cos(2 * np.pi * np.outer(steps[1:], frequencies) / SERIALS).mean(axis=1).max()
        if best is None or likeness < best[0]:
            best = float(likeness), frequencies
    assert best is not None
    angle = 2 * np.pi * np.outer(steps, best[1]) / SERIALS
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(SERIALS, PHASES) / np.sqrt(PHASES // 2)
    turn = np.zeros((PHASES, PHASES))
    for index, a in enumerate(2 * np.pi * best[1] / SERIALS):
        turn[2 * index : 2 * index + 2, 2 * index : 2 * index + 2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    return vectors, turn


def waves(far: int = 500) -> NDArray[np.float64]:
    """How the product of a query and a key turns with the frames between them, (far + 1, 2 * PLACES)."""
    turning = MAX_PERIOD ** (-np.arange(PLACES) * 2 / WIDTH)
    angle = np.outer(np.arange(far + 1), turning)
    return np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(far + 1, -1)


def kernel(within: int) -> NDArray[np.float64]:
    """Factors (2 * PLACES,) of a head that is drawn to frames at most `within` back and to none farther back.

    Found by linear programming: the smallest factors by which the sum is high up to there and low behind.
    """
    seen = waves()
    count = seen.shape[1]
    low = np.full(len(seen) - within - 1, -6.0)
    low[0] = -1.0
    largest = np.full((count, 1), -1.0)
    rows = np.block(
        [
            [-seen[: within + 1], np.zeros((within + 1, 1))],
            [seen[within + 1 :], np.zeros((len(low), 1))],
            [np.eye(count), largest],
            [-np.eye(count), largest],
        ]
    )
    bounds = np.r_[np.full(within + 1, -11.0), low, np.zeros(2 * count)]
    return _solved(rows, bounds)


def falling_kernel(within: int) -> NDArray[np.float64]:
    """As `kernel`, but drawn to the nearest of these frames."""
    seen = waves()
    count = seen.shape[1]
    falls = seen[1 : within + 1] - seen[:within]
    low = np.full(len(seen) - within - 5, -6.0)
    largest = np.full((count, 1), -1.0)
    rows = np.block(
        [
            [-seen[: within + 1], np.zeros((within + 1, 1))],
            [falls, np.zeros((within, 1))],
            [seen[within + 5 :], np.zeros((len(low), 1))],
            [np.eye(count), largest],
            [-np.eye(count), largest],
        ]
    )
    bounds = np.r_[np.full(within + 1, -11.0), np.full(within, -10.0), low, np.zeros(2 * count)]
    return _solved(rows, bounds)


def even_kernel(within: int, largest: float = 60.0) -> NDArray[np.float64]:
    """As `kernel`, but drawn to all these frames as evenly as factors of at most `largest` can be."""
    seen = waves()
    count = seen.shape[1]
    low = np.full(len(seen) - within - 1, 1.0)
    low[:2] = 9.0, 6.0
    off = np.full((within + 1, 1), -1.0)
    rows = np.block(
        [
            [-seen[: within + 1], off],
            [seen[: within + 1], off],
            [seen[within + 1 :], np.zeros((len(low), 1))],
            [np.eye(count), np.zeros((count, 1))],
            [-np.eye(count), np.zeros((count, 1))],
        ]
    )
    bounds = np.r_[np.full(within + 1, -11.0), np.full(within + 1, 11.0), low, np.full(2 * count, largest)]
    return _solved(rows, bounds)


def _solved(rows: NDArray[np.float64], bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factors for which the last unknown is smallest."""
    count = rows.shape[1] - 1
    found = linprog(np.r_[np.zeros(count), 1.0], rows, bounds, bounds=[(None, None)] * count + [(0, None)])
    return np.asarray(found.x[:-1])


class Circuits:
    """Lays the circuits into a model, layer by layer: each hangs on how long the vectors before it are."""

    def __init__(self, model: FourStreams, kinds: Kinds, rng: np.random.Generator) -> None:
        self.model: Any = model
        self.kinds = kinds
        self.numbers, self.turn = phases(rng)
        names = rng.normal(size=(len(kinds.begins), LETTERS))
        self.names = names / np.linalg.norm(names, axis=1, keepdims=True)

    @torch.no_grad()
    def lay(self, streams: torch.Tensor, oracle: torch.Tensor) -> None:
        """Lay them; `streams` (B, n_q + 1, T) and `oracle` (B, T) are some inputs, as a step has them."""
        self._embeddings()
        first, second, last = self.model.transformer.layers
        for layer, loudness in ((first, 0.0), (second, 0.0), (last, 0.03)):  # what is not laid says nothing at first
            layer.self_attn.out_projs[0].weight.mul_(loudness)
            layer.gating.linear_out.weight.mul_(loudness)
        self._heads(first, self._length(first.norm1, streams, oracle))
        self._counting(first, self._length(first.norm2, streams, oracle))
        self._second(second, self._length(second.norm1, streams, oracle))
        self._jumping(second, self._length(second.norm2, streams, oracle))
        self._text(self._length(self.model.out_norm, streams, oracle))
        self._notes(self._length(self.model.out_norm, streams, oracle))

    def _length(self, norm: torch.nn.Module, streams: torch.Tensor, oracle: torch.Tensor) -> float:
        """The usual root mean square of what a norm is given."""
        found: list[float] = []

        def see(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            found.append(float(given[0].float().square().mean(-1).sqrt().median()))

        handle = norm.register_forward_pre_hook(see)
        with no_compile():
            self.model.forward_text(streams, oracle_tokens=oracle)
        handle.remove()
        return found[0]

    def _embeddings(self) -> None:
        model, kinds = self.model, self.kinds
        card = len(kinds.begins)
        text, oracle = torch.zeros(card + 1, DIM), torch.zeros(card + 1, DIM)
        text[:, ONE] = 2.0
        text[:card, TEXT] = 2.0
        text[[0, 3], TEXT] = 0.0
        text[0, EOP] = 2.0
        text[:card, STRONG] = 2.0 * torch.tensor(kinds.strong)
        text[:card, WEAK] = 2.0 * torch.tensor(kinds.weak)
        oracle[:card, NAME] = 3.0 * _tensor(self.names)
        oracle[:card, TOKEN] = 2.0
        oracle[:card, BEGINS] = 2.0 * torch.tensor(kinds.begins)
        oracle[3] = 0.0
        oracle[card, START] = 3.0
        numbers = 2.0 * _tensor(np.concatenate([self.numbers, self.numbers[:1]]))  # before the first frame it is 0
        said, heard, user = (torch.zeros(SERIALS + 1, DIM) for _ in range(3))
        said[:, SAID] = numbers
        heard[:, HEARD] = numbers
        user[1:SERIALS, LOUD] = 2.0
        # All vectors are made equally long, for a norm divides by the length of their sum.
        for table, filler in zip((text, oracle, user), FILLERS, strict=True):
            length = table.norm(dim=1).square()
            table[:, filler] = (length.max() - length).sqrt()
        for table, values in zip(
            (model.text_emb, model.oracle_emb, *model.emb), (text, oracle, said, heard, user), strict=True
        ):
            table.weight.copy_(values)

    def _heads(self, layer: Any, length: float) -> None:
        """Head 0 finds the token with the number that is to be said next; the others tell how long ago things were."""
        q, k, v, out = _attention(layer)
        for part in (q, k, v, out):
            part.zero_()
        unit = length / 2.0  # what makes a flag of 2, divided by the length, 1 again
        strength = np.sqrt(40 * np.sqrt(WIDTH)) * unit
        contents = slice(2 * PLACES, 2 * PLACES + PHASES)
        q[0, contents, SAID] = strength * torch.eye(PHASES)
        k[0, contents, HEARD] = strength * torch.eye(PHASES)
        q[0, contents.stop, ONE] = unit * np.sqrt(WIDTH)
        k[0, contents.stop, TOKEN] = unit * 12.0
        v[0, :LETTERS, NAME] = length * torch.eye(LETTERS)
        v[0, LETTERS, TOKEN] = unit
        v[0, LETTERS + 1, BEGINS] = unit
        out[FOUND, 0, :LETTERS] = torch.eye(LETTERS) / 3.0
        out[IS_FOUND, 0, LETTERS] = NOTE
        out[FOUND_BEGINS, 0, LETTERS + 1] = NOTE
        gap, weak, strong = kernel(1), kernel(WEAK_GAP - 1), kernel(STRONG_GAP - 1)
        self._near(layer, 1, {LOUD: kernel(QUIET - 1)}, LOUD, NOISY, unit)
        self._near(layer, 2, {TEXT: gap, WEAK: weak - gap, STRONG: strong - gap}, TEXT, BLOCKED, unit)
        self._near(layer, 3, {TEXT: kernel(FLOW - 1)}, TEXT, FLOWS, unit)

    def _near(
        self, layer: Any, head: int, kernels: dict[int, NDArray[np.float64]], what: int, where: int, unit: float
    ) -> None:
        """A head that notes in `where` that `what` was not long ago. `unit` makes 1 of a flag in the normed state."""
        q, k, v, out = _attention(layer)
        for part in (q, k, v):
            part[head].zero_()
        out[:, head].zero_()
        q[head, 0 : 2 * PLACES : 2, ONE] = unit
        for flag, factors in kernels.items():
            k[head, : 2 * PLACES, flag] = unit * np.sqrt(WIDTH) * _tensor(factors)
        v[head, 0, what] = unit
        out[where, head, 0] = NOTE

    def _counting(self, layer: Any, length: float) -> None:
        """A token heard is counted; an oracle that begins in the midst of a word is marked."""
        gates, values, out = _gating(layer)
        units = slice(0, PHASES)
        for part in (gates[: PHASES + 1], values[: PHASES + 1], out[: PHASES + 1], out[:, SAID], out[:, HEARD]):
            part.zero_()
        gates[units, TOKEN] = 20.0 * length / 2.0
        values[units, HEARD] = length * (_tensor(self.turn) - torch.eye(PHASES))
        out[units, HEARD] = 0.05 * torch.eye(PHASES)
        gates[PHASES, START], values[PHASES, TEXT] = 20.0 * length / 3.0, length / 2.0
        out[:, AMIDST] = 0.0
        out[PHASES, AMIDST] = NOTE / 20.0

    def _second(self, layer: Any, length: float) -> None:
        """Two heads of the second layer: the share of loud frames among the last ones, and whether an oracle began
        amidst the run of tokens that is being said, with the number of its first token."""
        unit = length / 2.0
        self._near(layer, 0, {ONE: even_kernel(OVER - 1)}, LOUD, SHARE, unit)
        waits = falling_kernel(RUN)
        self._near(layer, 1, {ONE: waits, TEXT: -waits, AMIDST: FLAG / NOTE * waits}, AMIDST, IS_NEWER, unit)
        _, _, v, out = _attention(layer)
        v[1, 0, AMIDST] *= FLAG / NOTE
        v[1, 1 : PHASES + 1, HEARD] = unit * torch.eye(PHASES)
        out[NEWER, 1, 1 : PHASES + 1] = 2.0 * torch.eye(PHASES)

    def _jumping(self, layer: Any, length: float) -> None:
        """As soon as no word is being said, the number that is said next moves to a newer oracle's first one."""
        gates, values, out = _gating(layer)
        for part in (gates[: 4 * PHASES], values[: 4 * PHASES], out[: 4 * PHASES], out[:, SAID], out[:, HEARD]):
            part.zero_()
        eye = torch.eye(PHASES)
        # Newer, but not (a token was said, and what was found goes on with its word): 6 - 2 * 3.5 is below 0, all
        # else is 2.5 at least; of that the part from 0.8 to 1.3 opens the gate. What begins in this very frame is
        # taken from where it stands.
        unless = {TEXT: -3.5 / FLAG, IS_FOUND: -3.5 / NOTE, FOUND_BEGINS: 3.5 / NOTE}
        before = unless | {IS_NEWER: 6.0 / NOTE, START: -6.0 / 3.0}
        for first, when, number in ((0, before, NEWER), (2, unless | {START: 6.0 / 3.0}, HEARD)):
            for index, limit, sign in ((first, 0.8, 1.0), (first + 1, 1.3, -1.0)):
                units = slice(index * PHASES, (index + 1) * PHASES)
                for flag, weight in when.items():
                    gates[units, flag] = 20.0 * weight * length
                gates[units, ONE] = -20.0 * limit * length / FLAG
                values[units, SAID], values[units, number] = -length * eye, length * eye
                out[units, SAID] = sign * 0.1 * eye

    def _text(self, length: float) -> None:
        """The token that was found is the one to say."""
        weight = self.model.text_linear.weight
        weight[:, FOUND] = 20.0 * length * _tensor(self.names)

    def _notes(self, length: float) -> None:
        """The depth transformer: a token said is counted; what was heard was counted before."""
        model = self.model
        layer = model.depformer.layers[0]
        base, flag = slice(0, PHASES), PHASES
        model.depformer_text_emb.weight.zero_()
        model.depformer_text_emb.weight[: len(self.kinds.begins), flag] = 4.0
        model.depformer_text_emb.weight[[0, 3], flag] = 0.0
        model.depformer_text_emb.weight[:, flag + 1] = 4.0
        model.depformer_emb[0].weight.zero_()
        eye = torch.eye(PHASES)
        for index, which in enumerate((SAID, HEARD)):
            model.depformer_in[index].weight.zero_()
            model.depformer_in[index].weight[base, which] = 2.0 * length * eye
            model.linears[index].weight.zero_()
            model.linears[index].weight[:, base] = 15.0 * _tensor(self.numbers)
            layer.self_attn.out_projs[index].weight.zero_()
            gating = layer.gating[index]
            gating.linear_out.weight.zero_()
        # A vector of 4 for the number, a flag of 4 and one of 4 that is always there.
        norm = float(np.sqrt(3 * 16 / DEPTH_DIM))
        gates, values = layer.gating[0].linear_in.weight.chunk(2)
        gates[:PHASES].zero_(), values[:PHASES].zero_()
        gates[:PHASES, flag] = 10.0 * norm / 4.0
        values[:PHASES, base] = norm * (_tensor(self.turn) - eye)
        layer.gating[0].linear_out.weight[base, :PHASES] = 0.1 * eye


def _attention(layer: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Views of queries, keys and values (HEADS, WIDTH, DIM), and of what goes out (DIM, HEADS, WIDTH)."""
    q, k, v = layer.self_attn.in_projs[0].weight.view(3, HEADS, WIDTH, DIM)
    return q, k, v, layer.self_attn.out_projs[0].weight.view(DIM, HEADS, WIDTH)


def _gating(layer: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Views of gates and values (hidden, DIM), and of what goes out, (hidden, DIM)."""
    gates, values = layer.gating.linear_in.weight.chunk(2)
    return gates, values, layer.gating.linear_out.weight.T


def _tensor(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
