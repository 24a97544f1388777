import pytest
from typer.testing import CliRunner

import dummies
from kame_data.cli.main import app
from kame_data.errors import KameError, UsageError
from kame_data.publish import gates
from publish.conftest import change, make, put, rising


def dry(out, folder, **more):
    return put(out, dry_run=folder, **more)


def test_stand_ins_stop_it_with_a_line_and_leave_nothing(copy, spoken, tmp_path):
    out = copy(spoken)
    change(out, stand_ins=["writer: offline rules", "voice: espeak"])
    done = CliRunner().invoke(app, ["publish", str(out), "--repo", "ORG/NAME", "--dry-run", str(tmp_path / "dry")])
    assert isinstance(done.exception, KameError) and done.exception.exit_code == 1
    line = str(done.exception)
    assert "writer: offline rules, voice: espeak" in line and "--allow-stand-ins" in line and "\n" not in line
    assert not (tmp_path / "dry").exists()
    dry(out, tmp_path / "dry", allow_stand_ins=True)
    card = (tmp_path / "dry" / "README.md").read_text()
    assert "> Stand-ins made part of this: `writer: offline rules`, `voice: espeak`." in card


def test_a_voice_that_stands_in_does_not_count_where_it_is_left_out(copy, spoken, tmp_path):
    out = copy(spoken)
    change(out, stand_ins=["voice: espeak"])
    written = dry(out, tmp_path / "dry", audio=False)
    assert set(written.rows) == {"text"}
    card = (tmp_path / "dry" / "README.md").read_text()
    assert "[!WARNING]" not in card and "Its sound is not published here" in card and "espeak" not in card


def test_an_untrained_codec_is_a_stand_in(with_tokens, tmp_path):
    with pytest.raises(KameError, match="codec: untrained"):
        dry(with_tokens, tmp_path / "dry")
    assert set(dry(with_tokens, tmp_path / "dry", audio=False).rows) == {"text"}


def damaged(out):
    path = sorted((out / "shards").iterdir())[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def missing(out):
    sorted((out / "shards").iterdir())[0].unlink()


def another(out):
    (out / "shards" / "train-00009-of-00010.parquet").write_bytes(b"?")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(damaged, "its checksum is not the manifest's"), (missing, "is missing"), (another, "is not in the manifest")],
)
def test_damage_stops_it_whatever_is_allowed(copy, spoken, tmp_path, spoil, told):
    out = copy(spoken)
    spoil(out)
    for allowed in (False, True):
        with pytest.raises(KameError, match=told):
            dry(out, tmp_path / "dry", allow_stand_ins=allowed)
    assert not (tmp_path / "dry").exists()


def test_tokens_of_other_shards_or_damaged_ones_stop_it(copy, with_tokens, tmp_path):
    out = copy(with_tokens)
    damaged(out / "tokens" / "..")  # a shard
    with pytest.raises(KameError, match="checksum"):
        dry(out, tmp_path / "dry", allow_stand_ins=True)
    path = sorted((out / "tokens").glob("*.parquet"))[0]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(KameError, match=r"and \d more: `kame-data verify"):
        dry(out, tmp_path / "dry", allow_stand_ins=True)


def test_stale_tokens(copy, with_tokens, tmp_path, rows):
    out = copy(with_tokens)
    for path in (out / "shards").iterdir():
        path.unlink()
    make(out, rows[:12])
    with pytest.raises(KameError, match=r"tokens.*verify"):
        dry(out, tmp_path / "dry", allow_stand_ins=True)


def test_a_falling_level_curve_stops_it_and_only_rules_are_excused(tmp_path):
    falling = [rising(dummies.row(n)) for n in range(12)]
    for row in falling:
        for oracle in row["oracles"]:
            if oracle["level"] == 3:
                oracle["text"] = "hm"
    out = make(tmp_path / "out", falling)
    for allowed in (False, True):
        with pytest.raises(KameError, match="level 3 do not say more of the answer than those of level 2"):
            dry(out, tmp_path / "dry", allow_stand_ins=allowed)
    change(out, stand_ins=["simulator: offline rules"])
    dry(out, tmp_path / "dry", allow_stand_ins=True)
    assert "The curve does not rise with every level (2 to 3, mean chrF" in (tmp_path / "dry" / "README.md").read_text()


def test_what_is_no_finished_build(tmp_path, copy, spoken):
    with pytest.raises(UsageError, match="holds no finished build"):
        put(tmp_path / "nothing", dry_run=tmp_path / "dry")
    out = copy(spoken)
    (out / "manifest.json").write_text("{")
    with pytest.raises(KameError, match=r"manifest.json: is damaged"):
        put(out, dry_run=tmp_path / "dry")
    empty = make(tmp_path / "empty", [])
    with pytest.raises(KameError, match="holds no dialogues"):
        put(empty, dry_run=tmp_path / "dry")


def test_a_build_that_was_begun_anew_is_unfinished(tmp_path):
    import building

    out = tmp_path / "out"
    building.build(building.settings_of(out, limit=2, sources=("gsm8k=sample",)))
    building.Build(building.settings_of(out, limit=5, sources=("gsm8k=sample",))).claim()
    with pytest.raises(KameError, match="a build with limit 5 has begun there since the one of 2"):
        put(out, dry_run=tmp_path / "dry", allow_stand_ins=True)


def test_gates_do_not_open_the_hub(site, copy, spoken):
    out = copy(spoken)
    damaged(out)
    with pytest.raises(KameError):
        put(out)
    assert not site.log


def test_stand_ins_are_those_of_what_is_published():
    build, tokens = ("writer: offline rules", "voice: espeak"), ("codec: untrained",)
    assert gates.stand_ins_of(build, tokens, audio=True) == [*build, *tokens]
    assert gates.stand_ins_of(build, tokens, audio=False) == ["writer: offline rules"]
