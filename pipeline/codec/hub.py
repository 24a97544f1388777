"""Files that stand on the Hub for those who name none of their own."""

import logging
from pathlib import Path

from pipeline.errors import UsageError

REPO = "kyutai/moshiko-pytorch-bf16"
MIMI = "tokenizer-e351c8d8-checkpoint125.safetensors"
TOKENIZER = "tokenizer_spm_32k_3.model"


def fetch(name: str, flag: str, instead: str) -> Path:
    """The file `name` of Kyutai's repository, from the cache or the Hub. Raises UsageError where it cannot be had."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # a line for every attempt says nothing more
    try:
        return Path(hf_hub_download(REPO, name))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        unreachable = isinstance(error, LocalEntryNotFoundError)
        reason = "it cannot be reached" if unreachable else " ".join(str(error).split()).partition(". ")[0]
        raise UsageError(
            f"{flag}: {REPO}/{name} cannot be had from the Hub ({reason}); give {flag} {instead}"
        ) from None
