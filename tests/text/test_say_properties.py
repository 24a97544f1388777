import re

from hypothesis import given, settings
from hypothesis import strategies as st

from kame_data.errors import Refusal
from kame_data.text.spoken import is_spoken, join_words, normalise, say, split_words

_PIECES = st.sampled_from(
    ["5", "1,000", "$3.50", "10%", "x^2", "_1", "(", ")", "1984", "in ", "ft^3", "/", "°C", "e.g.", "St.", "-", "–",
        "\\frac{1}{2}", "II", "World War ",
     "H2O", "\n", "•", "...", "the", "ofthe", "A.", "U.S.", "=", "+", "10^-9", "____", "'", '"', "3:30", "1/2", "?",
     ",", " ", " ", " ", "no. 7", "é", "μ"]
)  # fmt: skip
_TEXTS = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=12).map("".join))
_ALLOWED = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ'\- .,?!;:]*")


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_what_is_said_is_spoken_words_or_refused(text: str) -> None:
    try:
        said = say(text)
    except Refusal:
        return
    assert _ALLOWED.fullmatch(said), said
    assert "  " not in said and said == said.strip()
    assert is_spoken(said) == []
    assert say(said) == said


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_words_join_to_the_text(text: str) -> None:
    single = " ".join(text.split())
    assert join_words(split_words(single)) == single
    assert join_words(split_words(single, "zh"), "zh") == single
    assert bool(normalise(text)) == bool(text.strip())
