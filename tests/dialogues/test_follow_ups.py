"""A turn of the user's that asks on needs what came before it."""

import pytest

from kame_data.dialogues.follow_ups import check_follow_ups
from kame_data.errors import Refusal
from kame_data.records import Dialogue, Turn

FIRST = {
    "en": ("A board of two metres bends by three millimetres under a child. How far under two children?", "Six."),
    "de": ("Ein Brett biegt sich unter einem Kind um drei Millimeter. Wie weit unter zwei Kindern?", "Um sechs."),
    "fr": ("Une planche plie de trois millimètres sous un enfant. De combien sous deux enfants ?", "De six."),
    "es": ("Una tabla se dobla tres milímetros bajo un niño. ¿Cuánto bajo dos niños?", "Seis."),
    "ru": ("Доска прогибается под ребёнком на три миллиметра. На сколько под двумя детьми?", "На шесть."),
    "zh": ("一块木板站一个孩子弯三毫米，站两个孩子弯多少？", "六毫米。"),
    "ar": ("ينحني لوح ثلاثة مليمترات تحت طفل واحد. كم ينحني تحت طفلين؟", "ستة."),
    "it": ("Una tavola si piega di tre millimetri sotto un bambino. Di quanto sotto due?", "Sei."),
}


def dialogue(asked: str, language: str = "en") -> Dialogue:
    texts = (*FIRST[language], asked, "Then it is so.")
    turns = tuple(Turn("assistant" if n % 2 else "user", text, text) for n, text in enumerate(texts))
    return Dialogue("q-v0", "q", 0, language, turns, "six")


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        ("en", "And if it were twice as wide?"),
        ("en", "Why is that?"),
        ("en", "What about steel?"),
        ("en", "Does that change when the board gets wet?"),
        ("en", "Would they bend it less by standing at the ends?"),
        ("en", "How does this go for a longer one?"),
        ("en", "You said six, but is the board not stiffer in the middle?"),
        ("en", "How far would the second child alone bend the board?"),
        ("en", "How far would the board bend under three children?"),
        ("en", "Can you say the first part again?"),
        ("de", "Wie weit biegt sich das Brett aus Stahl?"),
        ("fr", "Combien de temps tient la planche ?"),
        ("de", "Und wenn es doppelt so breit wäre?"),
        ("de", "Gilt das auch für Stahl, oder hängt es davon ab?"),
        ("fr", "Et si elle était deux fois plus large ?"),
        ("es", "¿Y si fuera el doble de ancha?"),
        ("ru", "А если она будет вдвое шире?"),
        ("zh", "那如果宽一倍呢？"),
        ("ar", "وماذا لو كان أعرض مرتين؟"),
        ("it", "E se fosse larga il doppio?"),
    ],
)
def test_what_leans_on_the_turn_before_passes(language: str, asked: str) -> None:
    check_follow_ups(dialogue(asked, language))


@pytest.mark.parametrize(
    ("language", "asked", "reason"),
    [
        ("en", "Thanks a lot, that helps me.", "no_question"),
        ("en", "Great. Have a nice day!", "no_question"),
        ("zh", "谢谢你，我明白了。", "no_question"),
        ("en", "What is the capital of France?", "follow_up_alone"),
        ("en", "How many legs does the common spider have?", "follow_up_alone"),
        ("en", "What is the metal that most bridges are built with?", "follow_up_alone"),
        ("en", "Where is the bridge of London?", "follow_up_alone"),
        ("de", "Wie viele Beine hat die Spinne?", "follow_up_alone"),
        ("fr", "Combien de pattes a une araignée ?", "follow_up_alone"),
        ("zh", "蜘蛛有几条腿？", "follow_up_alone"),
        ("en", "So a board of two metres bends three millimetres under a child: how far under two children?",
         "follow_up_restates"),
        ("en", "And " + "if it were so, and so, and so, " * 5 + "what then?", "follow_up_long"),
    ],
)  # fmt: skip
def test_what_stands_alone_or_asks_nothing_is_refused(language: str, asked: str, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_follow_ups(dialogue(asked, language))
    assert refusal.value.reason == reason


def test_a_dialogue_of_one_exchange_has_nothing_to_check() -> None:
    whole = dialogue("And then?")
    check_follow_ups(Dialogue("q-v0", "q", 0, "en", whole.turns[:2], "six"))
