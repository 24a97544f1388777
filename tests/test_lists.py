"""The lists of providers, voices, layouts and codecs: a new entry is taken by the commands, and what a user reads
names all entries."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kame_data.cli.doctor import examine
from kame_data.cli.main import app
from kame_data.codec.mimi import CODECS
from kame_data.errors import UsageError
from kame_data.export.layouts import LAYOUTS
from kame_data.llm.providers import PROVIDERS
from kame_data.settings.looking import ExportSettings
from kame_data.settings.speech import SpeechSettings
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.tree import LLM_HELP
from kame_data.speech.voices.base import VoiceEngine
from kame_data.speech.voices.engines import ENGINES, open_synthesizer
from kame_data.storage.paths import LocalPath
from kame_data.tandem import streaming_recognisers as at_work

DOCS = Path(__file__).resolve().parents[1] / "docs"


def help_of(tree, name):
    return tree.model_fields[name].description


def test_help_names_all_entries():
    assert all(f"{name}:MODEL[@URL]" in LLM_HELP for name in PROVIDERS)
    assert all(engine.form in help_of(SpeechSettings, "tts") for engine in ENGINES.values())
    assert all(name in help_of(ExportSettings, "layout") for name in LAYOUTS)
    assert all(name in help_of(TokenSettings, "codec") for name in CODECS)
    said = (DOCS / "EXPORT.md").read_text()
    assert all(f"--to {name}" in said for name in LAYOUTS)


def test_a_voice_is_one_object(monkeypatch):
    opened = []
    engine = VoiceEngine("tin", "tin:CAN", lambda *a: opened.append(a), lambda: (False, "no can"), "buy a can")
    with pytest.raises(UsageError, match="--tts tin:9: no such voice; use espeak or coqui:MODEL"):
        open_synthesizer("tin:9")
    monkeypatch.setitem(ENGINES, "tin", engine)
    open_synthesizer("tin:9", 2, 4)
    assert opened == [("9", 2, 4)]
    found = {finding.what: finding for finding in examine(LocalPath("."))}
    assert (found["voice: tin:CAN"].ok, found["voice: tin:CAN"].found) == (False, "no can")
    assert found["voice: espeak"].ok and found["voice: espeak"].needed and not found["voice: coqui:MODEL"].needed
    assert {"key: OPENAI_API_KEY", "key: ANTHROPIC_API_KEY"} <= set(found)


def test_doctor_lists_every_recogniser_at_work(monkeypatch):
    ear = at_work.StreamingEngine("ear:SIZE", "ears", "no-such-ear", lambda rest, silence: None)
    monkeypatch.setitem(at_work.ENGINES, "ear", ear)
    found = {finding.what: finding for finding in examine(LocalPath("."))}
    assert all(f"recogniser at work: {engine.form}" in found for engine in at_work.ENGINES.values())
    missing = found["recogniser at work: ear:SIZE"]
    assert (missing.ok, missing.needed, missing.cure) == (False, False, "pip install 'kame-data[ears]'")
    assert found["recogniser at work: openai:MODEL[@URL]"].ok


def test_help_shows_square_brackets(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert LLM_HELP in CliRunner().invoke(app, ["build", "--help"]).stdout
