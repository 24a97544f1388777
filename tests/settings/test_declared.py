"""Settings are declared once: flags, --set, files, the environment and forms come from the declaration."""

import inspect
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kame_data.cli.flags import takes
from kame_data.cli.main import app
from kame_data.cli.schedule_commands import flow_parameters
from kame_data.errors import UsageError
from kame_data.settings.branch import ROOTED
from kame_data.settings.declared import as_flags, flagged, settings_in
from kame_data.settings.layers import from_command_line, load
from kame_data.settings.looking import ExportSettings, ReportSettings
from kame_data.settings.nights import NightSettings, ScheduleSettings
from kame_data.settings.prefect_forms import BuildForm, PublishForm, TokensForm
from kame_data.settings.publication import Publication
from kame_data.settings.tandem import TandemSettings
from kame_data.settings.tokenizing import TokenSettings
from kame_data.settings.training import TrainSettings
from kame_data.settings.tree import Settings

TREES = [
    Settings,
    TokenSettings,
    Publication,
    TrainSettings,
    ReportSettings,
    ExportSettings,
    ScheduleSettings,
    TandemSettings,
]


@pytest.mark.parametrize("tree", TREES)
def test_every_flag_is_explained_and_spelled_once(tree):
    found = list(flagged(tree))
    names = [setting.name for setting in found]
    spelled = [name for setting in found for name in setting.flag.name.split("/")]
    assert len(names) == len(set(names)) and len(spelled) == len(set(spelled))
    assert all(setting.help.endswith(".") for setting in found)
    path = tree.example.partition("=")[0]
    assert path in {setting.path for setting in settings_in(tree)}, "the example of the help is no setting"


def test_all_spellings_of_a_build_are_there():
    spelled = {setting.flag.name for setting in flagged(Settings, "build")}
    assert spelled == {
        "--out", "--source", "--limit", "--target", "--levels", "--schedule", "--prefix-every", "--writer",
        "--simulator", "--back-end", "--llm-mode", "--budget", "--pilot", "--prompts", "--tts", "--speech/--no-speech",
        "--asr", "--latency", "--stt-noise", "--languages", "--max-variants", "--seed", "--ledger", "--workers",
        "--runner", "--address",
    }  # fmt: skip
    imports = {setting.flag.name for setting in flagged(Settings, "import")}
    never = {"--source", "--writer", "--tts", "--asr", "--target", "--max-variants"}
    assert imports == spelled - never | {"--assistant", "--resample"}


def test_every_command_that_takes_settings_has_set_and_config():
    commands = {c.name or c.callback.__name__: inspect.signature(c.callback) for c in app.registered_commands}
    for name in (
        "build",
        "import",
        "pull",
        "plan",
        "preview",
        "tokens",
        "train",
        "tandem",
        "report",
        "export",
        "publish",
    ):
        assert {"set", "config", "debug"} <= set(commands[name].parameters), name
    assert {"set", "config"} <= set(commands["nightly"].parameters) & set(commands["serve"].parameters)
    for name in ("plan", "status", "quality", "verify", "doctor", "build", "import", "pull", "tokens", "export"):
        assert "json" in commands[name].parameters, name


def test_a_form_has_every_flag_of_a_build_that_a_run_may_be_given():
    asked = {setting.name for setting in flagged(Settings)} - {"out"}
    assert set(BuildForm.model_fields) == asked | {"config", "llm", "set"}
    assert BuildForm(set=["part_size=3"], limit=2).given() == {"set": ["part_size=3"], "limit": 2}


def test_a_form_says_what_holds_unless_it_is_filled_in():
    said = {form: form.model_fields for form in (BuildForm, TokensForm, PublishForm)}
    assert said[BuildForm]["seed"].description.endswith(" Unless given, what the settings file says, else 0.")
    assert said[TokensForm]["device"].description.endswith(" Unless given, auto.")
    assert said[PublishForm]["private"].description.endswith(" Unless given, False.")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("speech.tss=espeak", "--set speech.tss=espeak: there is no setting speech.tss; the nearest: speech.tts"),
        ("tts=espeak", "the nearest: speech.tts"),
        ("latency.pol=1", "latency.poll"),
        ("xyzzy=1", "there is no setting xyzzy$"),
        ("speech.tts", r"write NAME=VALUE, as in latency\.poll=0\.5"),
        ("limit=[", r"'\[' is no value in YAML"),
        ("limit=0", "limit 0: "),
        ("sources=", "sources"),
        ("out=", "^out None: give a folder, or its URL"),
        ("out=[a]", r"^out \['a'\]: give a folder"),
        ("runner.task_seconds=.inf", r"^runner\.task_seconds inf: "),
        ("runner.task_seconds=1e300", r"^runner\.task_seconds '1e300': "),
        ("llm.timeout=1.0e+300", r"^llm\.timeout 1e\+300: "),
        ("llm.budget=.nan", r"^llm\.budget nan: "),
        ("llm.prices={m: {input: .inf}}", r"^llm\.prices\.m\.input inf: "),
        ("cuts=[0.1, .nan]", r"^cuts\.1 nan: "),
        ("speech.checks.alignment=.inf", r"^speech\.checks\.alignment inf: "),
    ],
)
def test_a_set_that_will_not_do_is_a_line(given, why):
    with pytest.raises(UsageError, match=why):
        load(Settings, None, {}, [given])


@pytest.mark.parametrize("text", ["- a", "three", "1: 2", "a: [", "\udcff"])
def test_a_file_that_is_none_of_settings_is_named(tmp_path, text):
    (tmp_path / "mine.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=r"^--config \S+/mine\.yaml: is no YAML of settings"):
        load(Settings, str(tmp_path / "mine.yaml"), {})


def test_set_goes_before_file_and_environment_and_the_later_wins(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("limit: 3\ntarget: 7\nspeech: {tts: 'coqui:a', lead_in: [0.1, 0.2]}\n")
    monkeypatch.setenv("KAME_DATA_LIMIT", "4")
    sets = ["limit=5", "limit=6", "speech.tts=espeak", "target=null", "llm.budget=2", "levels=0,5"]
    found = load(Settings, str(tmp_path / "mine.yaml"), {}, sets)
    assert (found.limit, found.target, found.llm.budget, found.levels) == (6, None, 2.0, (0, 5))
    assert found.speech.tts == "espeak" and found.speech.lead_in.high == 0.2, "what stands beside it stays"


def test_a_flag_and_a_set_that_contradict_each_other_are_told():
    with pytest.raises(UsageError, match=r"^--tts coqui:a: --set speech\.tts=espeak says otherwise"):
        load(Settings, None, {"tts": "coqui:a"}, ["speech.tts=espeak"])
    with pytest.raises(UsageError, match=r"^--source \['gsm8k', 'mmlu_pro'\]: --set sources=gsm8k says otherwise"):
        load(Settings, None, {"sources": ["gsm8k", "mmlu_pro"]}, ["sources=gsm8k"])
    with pytest.raises(UsageError, match=r"^--limit 3: --set limit=abc says otherwise"):
        load(Settings, None, {"limit": 3}, ["limit=abc"])


@pytest.mark.parametrize(
    ("flag", "given"),
    [
        ({"tts": "espeak"}, "speech.tts=espeak"),
        ({"limit": 3}, "limit=3"),
        ({"languages": "en,fr"}, "languages=[en, fr]"),
        ({"levels": "0-2"}, "levels=[0, 1, 2]"),
        ({"levels": "0-2"}, "levels=0,1,2"),
        ({"sources": ["gsm8k=sample"]}, "sources={gsm8k: sample}"),
        ({"runner": "dask", "address": "tcp://a:1"}, "runner={kind: dask}"),
    ],
)
def test_a_flag_and_a_set_may_say_the_same_in_two_ways(flag, given):
    assert load(Settings, None, flag, [given]) == load(Settings, None, flag)


def test_what_a_command_says_itself_is_no_flag_of_it():
    line = ["import", "recordings", "--from", "kame-finetune", "--set", "sources=gsm8k=sample"]
    told = CliRunner().invoke(app, line).exception
    assert isinstance(told, UsageError)
    assert str(told) == "--set sources=gsm8k=sample: `kame-data import` sets that itself; leave it out"


def test_llm_is_short_for_both_and_goes_behind_them():
    assert from_command_line(Settings, {"llm": "a:b"}, ["writer=c:d"]) == {"writer": "c:d", "simulator": "a:b"}


def test_a_cluster_of_builds_is_that_of_tokens_too(monkeypatch):
    monkeypatch.setenv("KAME_DATA_RUNNER__KIND", "dask")
    monkeypatch.setenv("KAME_DATA_RUNNER__ADDRESS", "tcp://a:1")
    monkeypatch.setenv("KAME_DATA_WORKERS", "7")
    monkeypatch.setenv("KAME_DATA_TOKENS_CODEC", "untrained")
    found = load(TokenSettings, None, {"address": "tcp://b:1"})
    assert (found.runner.kind, found.runner.address) == ("dask", "tcp://b:1")
    assert (found.codec, found.workers) == ("untrained", None)


def test_what_is_missing_is_named_by_its_flag():
    with pytest.raises(UsageError, match=r"^--repo: is missing"):
        load(Publication, None, {})


def test_settings_become_flags_again():
    flags = {"codec": "untrained", "workers": 2, "progress": False}
    told = list(as_flags(load(TokenSettings, None, flags, ["runner.task_seconds=9"])))
    assert told == [
        "--codec", "untrained", "--workers", "2", "--set", "runner.task_seconds=9.0", "--no-progress",
    ]  # fmt: skip
    told = list(as_flags(load(Settings, None, {"levels": "0,5"}, ["speech.assistant_voice=naïve 😀"])))
    assert told[:3] == ["--levels", "0,5", "--set"]
    assert load(Settings, None, {}, [told[3]]).speech.assistant_voice == "naïve 😀"


def test_a_night_takes_the_settings_of_all_its_parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    flags = {"repo": "A/B", "sources": ["questions=rows.jsonl"], "codec": "mimi", "private": True, "limit": 3}
    sets = ("more=7", "publish.audio=false", "speech.pauses.rate=0.2", "prompts=mine", "tokens.device=cpu")
    found = flow_parameters(ScheduleSettings, None, flags, sets)
    assert (found["repo"], found["more"], found["out"]) == ("A/B", 7, str(tmp_path / "out"))
    assert found["publish"] == {"audio": False, "private": True}
    assert found["tokens"] == {"codec": "mimi", "device": "cpu"}
    assert found["build"] == {
        "sources": [f"questions={tmp_path / 'rows.jsonl'}"],
        "limit": 3,
        "set": ["speech.pauses.rate=0.2", f'prompts="{tmp_path / "mine"}"'],
    }
    with pytest.raises(UsageError, match="says otherwise"):
        flow_parameters(ScheduleSettings, None, {"repo": "A/B"}, ("repo=C/D",))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sources={gsm8k: sample}", 'sources=[{"name": "gsm8k", "location": "sample"}]'),
        ("sources=gsm8k", 'sources=[{"name": "gsm8k", "location": null}]'),
        ("sources=questions=rows.jsonl", 'sources=[{"name": "questions", "location": "HERE/rows.jsonl"}]'),
        ("sources=[{name: gsm8k, location: rows.jsonl}]", 'sources=[{"name": "gsm8k", "location": "HERE/rows.jsonl"}]'),
        ("speech.assistant_voice=coqui:./voice", 'speech.assistant_voice="coqui:HERE/voice"'),
        ("speech.user_voices=rows.jsonl", 'speech.user_voices=[{"voice": "HERE/rows.jsonl"}]'),
        ("speech={tts: coqui:voice}", 'speech={"tts": "coqui:HERE/voice"}'),
        ("ledger=paid", 'ledger="HERE/paid"'),
        ("ledger=null", "ledger=null"),
        ("prompts=null", "prompts=null"),
        ("latency.poll=null", "latency.poll=null"),
        ("languages=en,fr", 'languages=["en", "fr"]'),
        ("latency.first_token=0.1,0.2", 'latency.first_token={"low": 0.1, "high": 0.2}'),
    ],
)
def test_a_night_builds_from_what_a_build_would_with_its_paths_from_the_root(tmp_path, monkeypatch, given, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    (tmp_path / "voice").mkdir()
    sets = flow_parameters(NightSettings, None, {"repo": "A/B"}, (given,))["build"]["set"]
    assert sets == [told.replace("HERE", str(tmp_path))]
    built, asked = (load(Settings, None, {}, s).model_dump(mode="json", context=ROOTED) for s in (sets, [given]))
    assert built == asked


def test_flags_of_a_night_fill_the_forms(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    (tmp_path / "mine.yaml").write_text("limit: 3\n")
    flags = {"repo": "A/B", "languages": "en,fr", "levels": "0-2", "workers": 2, "llm": "a:b", "ledger": Path("paid")}
    found = flow_parameters(NightSettings, "mine.yaml", flags | {"dry_run": "dry", "tokenizer": "rows.jsonl"}, ())
    assert BuildForm(**found["build"]).given() == {
        "config": str(tmp_path / "mine.yaml"), "languages": "en,fr", "levels": "0,1,2", "workers": 2, "llm": "a:b",
        "ledger": str(tmp_path / "paid"),
    }  # fmt: skip
    assert PublishForm(**found["publish"]).given() == {"dry_run": str(tmp_path / "dry")}
    assert TokensForm(**found["tokens"]).given() == {"tokenizer": str(tmp_path / "rows.jsonl")}


def test_a_night_without_a_codec_or_with_another_out_may_be_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sets = ("tokens.codec=null", "publish.dry_run=null", "publish={private: true}", "out=mine", "report_url=null")
    found = flow_parameters(NightSettings, None, {"repo": "A/B"}, sets)
    assert TokensForm(**found["tokens"]).given() == {}
    assert PublishForm(**found["publish"]).given() == {"private": True}
    assert (found["out"], found["report_url"], found["build"]) == (str(tmp_path / "mine"), None, {})
    with pytest.raises(UsageError, match=r"^--out x: --set out=y says otherwise"):
        flow_parameters(NightSettings, None, {"repo": "A/B", "out": "x"}, ("out=y",))


@pytest.mark.parametrize(
    ("flags", "sets", "why"),
    [
        ({"more": 0}, (), "^more 0: "),
        ({}, ("more=abc",), "^more 'abc': "),
        ({"limit": 0}, (), "^limit 0: "),
        ({}, ("publish.audio=maybe",), r"^publish\.audio 'maybe': "),
        ({}, ("tokens.codec=[1]",), r"^tokens\.codec \[1\]: "),
        ({"interval": float("inf")}, (), "^interval inf: "),
        ({"interval": 1e300}, (), r"^interval 1e\+300: "),
        ({"interval": 0.5}, (), r"^interval 0\.5: "),
        ({"repo": None}, (), "^repo None: "),
    ],
)
def test_what_is_wrong_with_a_night_is_a_line(flags, sets, why):
    with pytest.raises(UsageError, match=why) as told:
        flow_parameters(ScheduleSettings, None, {"repo": "A/B"} | flags, sets)
    assert "\n" not in str(told.value)


def test_a_command_gets_its_settings_and_its_own_parameters():
    seen = []

    def command(settings, word):
        seen.append((settings.dialogues, word))

    takes(ReportSettings)(command)(config=None, set=["dialogues=3"], debug=False, word="x", audio=None)
    assert seen == [(3, "x")]
