"""Files that travel with the code: data/ and prompts/, in a checkout at its root, in a wheel inside it."""

from pathlib import Path

from kame_data.errors import KameError

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The path of a bundled file or folder, named from the root (`data/samples/gsm8k.jsonl`, `prompts`).

    Raises KameError where the installation lacks it.
    """
    # The wheel's place first: beside an installed package there may be a stranger's `data`.
    for root in (_PACKAGE, _PACKAGE.parents[1]):
        if (root / name).exists():
            return root / name
    raise KameError(f"bundled file '{name}' is missing from this installation of kame-data; install it again")
