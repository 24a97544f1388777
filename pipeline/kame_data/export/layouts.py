"""The list of the layouts of an export. A new one is a file here and a name in this list."""

from kame_data.export.kame_finetune import KAME_FINETUNE
from kame_data.export.kame_parquet import KAME_FINETUNE_PARQUET
from kame_data.export.plain import JSON_LINES, MOSHI_FINETUNE, WEBDATASET

LAYOUTS = {
    layout.name: layout for layout in (KAME_FINETUNE, KAME_FINETUNE_PARQUET, MOSHI_FINETUNE, WEBDATASET, JSON_LINES)
}
