"""Early starts with a model over HTTP: what the dialogues stage asks for, the oracles stage finds in the ledger."""

import hashlib
import re

import pytest

from building import build, settings_of, shard_bytes
from kame_data.engine.build_work import workers_of
from kame_data.finished.early_figures import faults
from kame_data.finished.reader import Finished
from llm import plausible
from llm.server import ScriptedServer, prompt

NUMBERS = ("twelve", "forty", "seven", "one hundred fifty", "nine thousand")
EARLY = {"share": 1.0, "unheard": [2, 8], "filler": 0.5}


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for provider in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{provider}_API_KEY", "sk-test-0123456789abcdefghij")


def reply(body):
    """As `plausible`, but the back end leads with an answer: a number or a name, and a reason."""
    heard = prompt(body)
    if "Manner of the user:" in heard or "The turn, piece by piece:" in heard:
        return plausible.reply(body)
    draw = int(hashlib.sha256(heard.encode()).hexdigest(), 16)
    what = NUMBERS[draw % 5] if re.search(r"how (many|much)|total|number", heard, re.I) else "the nervous system"
    return f"It's {what}, because that is what comes of it. Nothing else fits so well."


def early_settings(server, tmp_path, out, provider="openai", **changes):
    url = f"openai:gpt-4.1-nano@{server.url}" if provider == "openai" else f"anthropic:claude-haiku-4-5@{server.root}"
    wanted = {"writer": url, "simulator": url, "ledger": tmp_path / "ledger", "max_refused": 1.0, "limit": 4}
    return settings_of(tmp_path / out, **wanted | {"duplex": {"early": EARLY}} | changes)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_early_oracle_is_asked_for_once(tmp_path, provider):
    with ScriptedServer(reply=reply) as server:
        manifest, _ = build(early_settings(server, tmp_path, "out", provider))
        asked = [entry["digest"] for entry in server.log]
        assert len(asked) == len(set(asked)), "nothing is asked twice"
        rows = list(Finished.open(tmp_path / "out").rows())
        guesses = [o for row in rows for o in row.oracles if o.level == 0]
        hinted = {(row.id, o.turn, o.level) for row in rows for o in row.oracles if 0 < o.level < 5}
        early = [(row, start) for row in rows for start in row.starts if start.kind == "early"]
        # For a dialogue that stays as it was, a guess and the oracles behind it (levels 3 and 4) were asked for too.
        wanted, stay = len(rows) + len(guesses) + len(hinted), len(rows) - len(early)
        assert wanted <= len(asked) <= wanted + 3 * stay
        assert len(early) > 0.5 * len(rows) and any(start.mend for _, start in early)
        assert not [fault for row in rows for fault in faults(row)]
        told = [entry["prompt"].strip() for entry in server.log]
        for row, start in early:
            heard = " ".join(word.word for word in row.words_by_turn[start.asked][: start.prefix_words])
            said = [f"{row.turns[n].role}: {row.turns[n].text}" for n in row.floor if n < start.asked]
            assert ("\n".join([*said, f"user: {heard}"]) if said else heard) in told, "as it was said, and no answer"
        before = len(server.log)
        again, _ = build(early_settings(server, tmp_path, "again", provider))
        assert len(server.log) == before and again["spend"]["dollars"] == 0
        assert shard_bytes(tmp_path / "again") == shard_bytes(tmp_path / "out")
        assert manifest["spend"]["dollars"] > 0


def test_a_changed_share_asks_only_for_what_it_changes(tmp_path):
    with ScriptedServer(reply=reply) as server:
        build(early_settings(server, tmp_path, "plain", duplex={"early": {"filler": 0.0}}))
        plain = {entry["digest"] for entry in server.log}
        build(early_settings(server, tmp_path, "early"))
        more = [entry for entry in server.log if entry["digest"] not in plain]
        assert more and not [entry for entry in more if "Manner of the user:" in entry["prompt"]]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_batch_jobs_bring_the_same_early_starts(tmp_path, provider):
    with ScriptedServer(reply=reply) as server:
        build(early_settings(server, tmp_path, "out", provider))
        direct = len(server.log)
        jobs = early_settings(
            server, tmp_path, "jobs", provider, llm={"mode": "batch", "poll": 0.2}, ledger=tmp_path / "other"
        )
        build(jobs, workers=workers_of(jobs))
        assert len(server.log) - direct <= 4, "all but the requests that try out a model go in jobs"
    assert shard_bytes(tmp_path / "jobs") == shard_bytes(tmp_path / "out")


def test_a_back_end_of_its_own_says_the_early_words(tmp_path):
    with ScriptedServer(reply=reply) as server:
        back_end = f"openai:tiny@{server.url}"
        build(early_settings(server, tmp_path, "out", simulator="offline", writer="offline", back_end=back_end))
        rows = list(Finished.open(tmp_path / "out").rows())
        asked = [entry["digest"] for entry in server.log]
    assert len(asked) == len(set(asked))
    early = [(row, start) for row in rows for start in row.starts if start.kind == "early"]
    assert early and not [fault for row in rows for fault in faults(row)]
    assert all("t's " in row.turns[start.turn].text for row, start in early)
