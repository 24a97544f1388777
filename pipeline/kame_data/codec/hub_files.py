"""Files that stand on the Hub for those who name none of their own."""

import logging
from pathlib import Path

from kame_data.errors import UsageError

REPO = "kyutai/moshiko-pytorch-bf16"
MIMI = "tokenizer-e351c8d8-checkpoint125.safetensors"
TOKENIZER = "tokenizer_spm_32k_3.model"


def fetch(name: str, flag: str, instead: str, repo: str = REPO) -> Path:
    """The file `name` of a repository, Kyutai's, from the cache or the Hub. Raises UsageError where it cannot be had.

    The error tells to give `flag` with what `instead` says.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    be_quiet()
    try:
        return Path(hf_hub_download(repo, name))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        unreachable = isinstance(error, LocalEntryNotFoundError)
        reason = "it cannot be reached" if unreachable else " ".join(str(error).split()).partition(". ")[0]
        raise UsageError(
            f"{flag}: {repo}/{name} cannot be had from the Hub ({reason}); give {flag} {instead}"
        ) from None


def be_quiet() -> None:
    """Let the Hub's client say nothing by itself: a bar for every file, and a line for every attempt, say nothing more
    than the error at the end."""
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
