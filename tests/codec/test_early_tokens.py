"""The oracle that an answer begins with early is never dropped from a token row."""

from early_rows import rows
from kame_data.codec.token_row import READ, _oracles
from kame_data.codec.tokenizer import Tokenizer
from kame_data.settings.tree import Settings


def test_the_oracle_of_an_early_start_is_kept():
    assert "starts" in READ
    tokenizer, looked_at = Tokenizer.of("sample"), 0
    for row in rows(Settings(duplex={"early": {"share": 1.0, "filler": 1.0}}).model_dump_json(), 30):
        keep = _oracles(row, tokenizer)["oracle_keep"]
        last = {o.turn: o.prefix_words for o in row.oracles}
        early = {(start.asked, start.prefix_words) for start in row.starts}
        for oracle, kept in zip(row.oracles, keep, strict=True):
            place = (oracle.turn, oracle.prefix_words)
            assert kept == (place in early or place == (oracle.turn, last[oracle.turn]))
            looked_at += place in early and place[1] != last[oracle.turn]
    assert looked_at > 5
