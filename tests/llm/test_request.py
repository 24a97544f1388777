"""The key of a request, and the names of models."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kame_data.errors import Refusal, UsageError
from kame_data.llm.request import Answer, Message, PicturePart, Request
from kame_data.llm.spec import Spec, api_key, parse_spec

BASE = Request(
    "openai",
    "m",
    (Message("system", "s"), Message("user", ("look", PicturePart(b"\x89PNG1")))),
    "http://h/v1",
    temperature=0.5,
    max_tokens=10,
    top_p=0.9,
    seed=3,
    stop=("a",),
    schema={"type": "object", "properties": {"a": {}, "b": {}}},
)
CHANGES: list[dict[str, Any]] = [
    {"provider": "anthropic"},
    {"model": "m2"},
    {"base_url": "http://h2/v1"},
    {"base_url": None},
    {"messages": BASE.messages[1:]},
    {"messages": (Message("system", "s "), BASE.messages[1])},
    {"messages": (Message("user", "s"), BASE.messages[1])},
    {"messages": (BASE.messages[0], Message("user", ("look", PicturePart(b"\x89PNG2"))))},
    {"messages": (BASE.messages[0], Message("user", ("look", PicturePart(b"\x89PNG1", "image/jpeg"))))},
    {"messages": (BASE.messages[0], Message("user", ("look",)))},
    {"temperature": 0.6},
    {"temperature": None},
    {"max_tokens": 11},
    {"top_p": 1.0},
    {"seed": 4},
    {"stop": ()},
    {"schema": None},
    {"schema": {"type": "object", "properties": {"b": {}, "a": {}}}},
    {"schema_name": "other"},
    {"sample": 1},
]


def test_everything_that_can_change_the_answer_changes_the_key() -> None:
    keys = [BASE.key, *(replace(BASE, **change).key for change in CHANGES)]
    assert len(set(keys)) == len(keys)


def test_what_can_not_change_the_answer_does_not() -> None:
    assert replace(BASE, stage="oracles", level=3).key == BASE.key
    assert replace(BASE, base_url="http://h/v1/").key == BASE.key
    assert replace(BASE, temperature=1).key == replace(BASE, temperature=1.0).key
    assert replace(BASE, base_url=None).key == replace(BASE, base_url="https://api.openai.com/v1").key
    assert (
        replace(BASE, messages=(BASE.messages[0], Message("user", "x"))).key
        == replace(BASE, messages=(BASE.messages[0], Message("user", ("x",)))).key
    )


def test_the_key_stays_what_it_is() -> None:
    """A change here forgets every ledger there is: raise KEY_VERSION, and say so."""
    plain = Request("openai", "gpt-4.1-nano", (Message("user", "é"),), temperature=0.7)
    assert plain.key == "8479fd98377cfa6a52086cf886c702ec06e738e97fd53e2794180071e5bf3429"


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4), st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_no_two_lists_of_texts_share_a_key(a: list[str], b: list[str]) -> None:
    one, two = (Request("openai", "m", tuple(Message("user", text) for text in texts)) for texts in (a, b))
    assert (one.key == two.key) == (a == b)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("offline", Spec("offline")),
        ("openai:gpt-4.1-nano", Spec("openai", "gpt-4.1-nano")),
        ("anthropic:claude-haiku-4-5", Spec("anthropic", "claude-haiku-4-5")),
        ("openai:Qwen/Qwen3@http://host:8000/v1", Spec("openai", "Qwen/Qwen3", "http://host:8000/v1")),
        ("openai:llama3:8b@http://host/v1/", Spec("openai", "llama3:8b", "http://host/v1")),
        ("anthropic:m@v2@https://h", Spec("anthropic", "m@v2", "https://h")),
        ("anthropic:claude@20250514", Spec("anthropic", "claude@20250514")),
        ("openai:m@http://[::1]:8000/v1", Spec("openai", "m", "http://[::1]:8000/v1")),
    ],
)
def test_specs(text: str, spec: Spec) -> None:
    assert parse_spec(text, {}) == spec
    assert parse_spec(str(spec), {}) == spec


@pytest.mark.parametrize(
    "text",
    [
        *("", "gpt-4", "openai", "openai:", "mistral:x"),
        *("openai:@http://h", "openai:m@", "openai:m@ftp://h", "openai:m@http://", "openai:m@http://h:port"),
        *("openai:m@host:8000", "openai:m@http://u:p@h/v1", "openai:m@http://h/v1?key=s3cret"),
    ],
)
def test_what_is_no_spec(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(text, {})
    assert "s3cret" not in str(caught.value) and "u:p" not in str(caught.value) and "\n" not in str(caught.value)


def test_an_address_in_the_environment_is_part_of_the_request() -> None:
    spec = parse_spec("openai:m", {"OPENAI_BASE_URL": "http://h/v1"})
    assert spec.base_url == "http://h/v1"
    assert spec.request(Message("user", "x"), max_tokens=5).url == "http://h/v1"


def test_keys() -> None:
    assert api_key("openai", None, {"OPENAI_API_KEY": "k"}) == "k"
    assert api_key("anthropic", "http://h", {}) is None
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY is not set"):
        api_key("anthropic", None, {"OPENAI_API_KEY": "k"})


def test_structured_answers() -> None:
    assert Answer('```json\n{"a": 1}\n```', "").data() == {"a": 1}
    with pytest.raises(Refusal, match="llm_bad_json"):
        Answer("I think", "").data()
    with pytest.raises(Refusal, match="max_tokens"):
        Answer('{"a": "b', "", finish="length").data()


def test_keys_are_those_of_earlier_versions() -> None:
    """Keys that the first version gave: an answer that was paid for then is found now."""
    fields: tuple[dict[str, Any], ...] = (
        {},
        {"temperature": 1},
        {"schema": {"b": 1, "a": {"x": "é"}}, "schema_name": "n"},
        {"sample": 2, "stop": ("x",), "max_tokens": 5},
    )
    models = ("openai:gpt-4.1-nano", "anthropic:claude-x", "openai:q@http://h:8/v1/", "anthropic:z@http://h:9")
    asked = [Message("system", ("Sé",)), Message("user", ("hi",))]
    found = [parse_spec(model, {}).request(*asked, **rest).key for model in models for rest in fields]
    assert found == [
        "bc3bee108c0b445596ea0056e98f33123a585ef87b53558caed4c0b6b0a04eb0",
        "c0af01afafa95d64fccd81bb003df3b3d34aaa4a09d93d4c2613e0c5501a0b80",
        "dc14971a2c7ecbe7155348980cd4d9242ca20ca97e9f275d6a8b65062a148e89",
        "5743b5d6d27977dfb3501ca606d5543910c3269408af6b64ba0ef06abb4f6abd",
        "2d73084121dbed51c8776bc56b745129477517f4712973e9c2faad246973dea4",
        "394271cd7cf9bc188bfceeb880a996374f6ff5dbed2588bc908dfe0df37ab2ff",
        "5434f62b6f43c2e06fc14cf26a4cfb3b03f228b61a0da7306223608190ed70b7",
        "0c0bc4f09818409751400651dbcb8aef262f248d3ba00d1f604d099f2cb44117",
        "8f0fdd4b72e3c0b13f450cb25991917ea5aa102261e8a6cd23e4222ae3a0d5f3",
        "18a18c0a7a579261a6a03720ab18853748333007213775fdb5ee74b238c9383c",
        "435875c77d65895a0058859d340c122ceff3829ea2df4cc2c94961729320149b",
        "642267006f8e613af99f596c15353ae5d13705cc258db73be3842d4f66c81b87",
        "b501fdfb64a407657f3d754e5d447977a6f7078dc066bedb239b814421c4e75e",
        "c4cb0dcbd0e96ccbb816936d0d81ca7ca8608c25c4301bf1d2f0abde795f6cbc",
        "20edc636efcb1de477f8a08882da07dda5c0430d63a8505ea63cec107f581bd2",
        "7b55a71ffe73408ff6ba9b391513d0fd84e13872bc2c765b91e50728de6b194d",
    ]
