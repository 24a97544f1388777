"""The list of the sources. A new one is a file in sources/ and a line in SOURCES."""

from kame_data.errors import UsageError
from kame_data.imported.source import Imported
from kame_data.settings.tree import IMPORTED, Settings
from kame_data.sources.base import Source
from kame_data.sources.gsm8k import Gsm8k
from kame_data.sources.hssbench import HssBench
from kame_data.sources.mmlu_pro import MmluPro
from kame_data.sources.own_questions import Questions

SOURCES: dict[str, Source] = {
    source.name: source for source in (MmluPro(), Gsm8k(), HssBench(), Questions(), Imported())
}


def get_source(name: str) -> Source:
    """The source of that name. Raises UsageError, naming the known ones, where there is none."""
    if name not in SOURCES:
        raise UsageError(f"source '{name}' is unknown; use one of {', '.join(SOURCES)}")
    return SOURCES[name]


def source_of(settings: Settings, name: str) -> Source:
    """The source of that name, as these settings read it. Raises UsageError where there is none."""
    return Imported(settings.imported, settings.imported_language) if name == IMPORTED else get_source(name)
