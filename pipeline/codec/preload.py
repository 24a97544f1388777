"""What a worker of the tokens stage needs, imported once in the process that the workers are forked from."""

import moshi.models.loaders
import torch

__all__ = ["moshi", "torch"]
