import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import dummies
from kame_data.publish.markdown import LONGEST, Markdown, code, fence, one_line, table

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=80))
def test_any_text_is_shown_as_it_is(text):
    (_, inline, _) = MARKDOWN.parse(f"told: {code(text)}.")
    kinds = [child.type for child in inline.children]
    wanted = one_line(text).strip()
    assert kinds == (["text", "code_inline", "text"] if wanted else ["text"])
    if wanted:
        assert inline.children[1].content == wanted


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_stays_in_its_block(lines):
    (block,) = MARKDOWN.parse(fence(lines))
    assert block.type == "fence" and len(block.content.splitlines()) == len(lines)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_stays_in_its_cell(one, other):
    tokens = MARKDOWN.parse(table(("a", "b"), [(one, 1), (2, other)]))
    assert [t.type for t in tokens].count("td_open") == 4 and [t.type for t in tokens].count("tr_open") == 3


@pytest.mark.parametrize("text", dummies.HOSTILE)
def test_what_is_hostile_is_code(text):
    assert MARKDOWN.render(f"told: {code(text)}").count("<") == (4 if one_line(text).strip() else 2)


def test_ours_is_markdown_and_long_text_is_cut():
    assert table(("a",), [(Markdown("**b**"),)]).endswith("| **b** |")
    assert one_line("x" * 2000) == "x" * LONGEST + "..." and one_line("a\ud800b\n\tc") == "a?b c"
