"""What a Coqui spec names, without loading anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from kame_data.errors import UsageError
from kame_data.speech.voices.coqui_models import find_model, listed
from kame_data.speech.voices.engines import open_synthesizer

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("coqpit")


@pytest.mark.parametrize(
    ("spec", "name", "term"),
    [
        ("tts_models/en/vctk/vits", "tts_models/en/vctk/vits", ""),
        ("en/vctk/vits", "tts_models/en/vctk/vits", ""),
        ("xtts_v2", "tts_models/multilingual/multi-dataset/xtts_v2", "what it says are for non-commercial use only"),
        ("your_tts", "tts_models/multilingual/multi-dataset/your_tts", "non-commercial"),
        ("tts_models/fra/fairseq/vits", "tts_models/fra/fairseq/vits", "non-commercial"),
    ],
)
def test_listed_models(spec: str, name: str, term: str) -> None:
    model = find_model(spec)
    assert model.name == name and model.path is None
    assert term in model.terms() and bool(term) == bool(model.terms())
    assert open_synthesizer(f"coqui:{spec}").terms() == [model.terms()] * bool(term)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("xtts_v9", "xtts_v2"),
        ("vits", "tts_models/en/vctk/vits"),
        ("en/vctk/vitz", "tts_models/en/vctk/vits"),
        ("/no/such/folder", "no such file or folder"),
        ("./no-such", "no such file or folder"),
    ],
)
def test_a_model_that_there_is_not(spec: str, told: str) -> None:
    with pytest.raises(UsageError, match="--tts coqui:") as error:
        find_model(spec)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_folders_that_hold_no_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.json"):
        find_model(str(tmp_path))
    config = tmp_path / "config.json"
    for text in ("nothing", "{}", "[]"):
        config.write_text(text)
        with pytest.raises(UsageError, match="names no 'model'"):
            find_model(str(tmp_path))
    config.write_text('{"model": "vits"}')
    with pytest.raises(UsageError, match=r"no \.pth file"):
        find_model(str(tmp_path))
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UsageError, match=r"2 \.pth files"):
        find_model(str(tmp_path))
    one = find_model(str(tmp_path / "a.pth"))
    (tmp_path / "model.pth").write_bytes(b"y")
    whole = find_model(str(tmp_path))
    assert whole.path == tmp_path / "model.pth" and "not known" in whole.terms()
    before = whole.identity()
    assert one.identity() == before  # the folder is what it is
    (tmp_path / "model.pth").write_bytes(b"z!")
    assert find_model(str(tmp_path)).identity() != before


def test_terms_must_be_agreed_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)
    voice = open_synthesizer("coqui:xtts_v2")
    with pytest.raises(UsageError, match="COQUI_TOS_AGREED=1"):
        voice.assistant_voice()
    find_model("en/vctk/vits").check_agreed()
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    find_model("xtts_v2").check_agreed()


def test_opening_a_voice_imports_no_torch() -> None:
    script = (
        "import sys; from kame_data.speech.voices.engines import ENGINES, open_synthesizer\n"
        "voice = open_synthesizer('coqui:en/vctk/vits'); print(voice.version, ENGINES['coqui'].examine())\n"
        "assert not {'torch', 'TTS', 'torchaudio'} & set(sys.modules), 'loaded'"
    )
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "coqui tts_models/en/vctk/vits, coqui-tts" in told.stdout and len(listed()) > 50
