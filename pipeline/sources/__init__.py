"""The sources of questions. A new one is a file here and a line in SOURCES."""

from pipeline.errors import UsageError
from pipeline.sources.base import Row, Source
from pipeline.sources.gsm8k import Gsm8k
from pipeline.sources.hssbench import HssBench
from pipeline.sources.imported import Imported
from pipeline.sources.mmlu_pro import MmluPro
from pipeline.sources.questions import Questions

__all__ = ["SOURCES", "Row", "Source", "get_source"]

SOURCES: dict[str, Source] = {
    source.name: source for source in (MmluPro(), Gsm8k(), HssBench(), Questions(), Imported())
}


def get_source(name: str) -> Source:
    """The source of that name. Raises UsageError, naming the known ones, where there is none."""
    if name not in SOURCES:
        raise UsageError(f"source '{name}' is unknown; use one of {', '.join(SOURCES)}")
    return SOURCES[name]
