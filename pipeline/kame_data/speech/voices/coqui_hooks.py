"""Hooks around a Coqui model's own calls: they keep what the API throws away, and draw noise sentence by sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Recorder:
    """Stands in front of a model's `inference` and keeps its inputs and outputs, which the API throws away."""

    def __init__(self, inference: Any) -> None:
        self.inference = inference
        self.symbols: list[int] = []
        self.outputs: dict[str, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The model's own `inference`, looked at."""
        self.symbols, self.outputs = [], {}
        outputs = self.inference(*args, **kwargs)
        if isinstance(outputs, dict) and args and getattr(args[0], "ndim", 0) == 2:
            self.symbols, self.outputs = args[0][0].tolist(), outputs
        return outputs

    def frames(self) -> NDArray[np.float64] | None:
        """Frames of each symbol: the model's durations, or its alignment where that is a path; None where it says
        neither."""
        durations = self.outputs.get("durations")
        if durations is not None:
            return np.asarray(durations[0].reshape(-1).double().cpu())
        alignment = self.outputs.get("alignments")
        if alignment is None or alignment.ndim != 3:
            return None
        path = np.asarray(alignment[0].double().cpu())
        if path.shape[0] != len(self.symbols):
            path = path.T
        hard = path.shape[0] == len(self.symbols) and np.isin(path, (0.0, 1.0)).all() and (path.sum(axis=0) == 1).all()
        return np.asarray(path.sum(axis=1)) if hard else None


class RowNoise:
    """While it is open, normal noise is drawn row by row, each row from its own seed.

    So a sentence is given the same noise whatever it is said together with, and on whatever device.
    """

    def __init__(self, torch: Any, seeds: Sequence[int]) -> None:
        class Mode(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
            def __torch_function__(mode, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if func is torch.randn_like and args[0].ndim == 3 and len(args[0]) == len(seeds):
                    return self._noise(tuple(args[0].shape)).to(args[0])
                if func is torch.randn and len(args) == 3 and args[0] == len(seeds):
                    return self._noise(args)
                return func(*args, **(kwargs or {}))

        self.torch, self.mode, self.seeds, self.calls = torch, Mode(), seeds, 0

    def _noise(self, shape: tuple[int, ...]) -> Any:
        # Time comes first in the draw, so that a padded row begins as it would alone.
        draws = [np.random.default_rng((seed, self.calls)) for seed in self.seeds]
        self.calls += 1
        rows = [draw.standard_normal((shape[2], shape[1]), np.float32).T for draw in draws]
        return self.torch.from_numpy(np.stack(rows))

    def __enter__(self) -> None:
        self.mode.__enter__()

    def __exit__(self, *error: object) -> None:
        self.mode.__exit__(*error)
