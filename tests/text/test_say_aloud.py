"""What a reader trips over: saints and streets, bare years, telephone numbers, addresses, numerals behind a title."""

import pytest

from kame_data.errors import Refusal
from kame_data.text.acceptance import check_said
from kame_data.text.spoken import say

SAID = {
    # saints and streets
    "Who founded St. John's College?": "Who founded Saint John's College?",
    "Is St Andrews in Scotland?": "Is Saint Andrews in Scotland?",
    "Mount St. Helens erupted.": "Mount Saint Helens erupted.",
    "She lives on Main St. in Boston.": "She lives on Main Street in Boston.",
    "Who lives at 5 Baker St.?": "Who lives at five Baker Street?",
    "He lives at 5 Oak St. Paul visits him.": "He lives at five Oak Street. Paul visits him.",
    # years, spans, dates
    "Which castle was built by 1066?": "Which castle was built by ten sixty-six?",
    "Who wrote the novel 1984?": "Who wrote the novel nineteen eighty-four?",
    "1066 and All That is by whom?": "Ten sixty-six and All That is by whom?",
    "What is 1984 + 16?": "What is one thousand nine hundred eighty-four plus sixteen?",
    "A town of 1984 people.": "A town of one thousand nine hundred eighty-four people.",
    "The price grew by 1450.": "The price grew by one thousand four hundred fifty.",
    "There are 1500 in the box.": "There are one thousand five hundred in the box.",
    "the abbey, c. 1150": "the abbey, around eleven fifty",
    "Born ca. 1500; d. 1564.": "Born around fifteen hundred; died fifteen sixty-four.",
    "the West, c. 1590s": "the West, around fifteen nineties",
    "Ibn Battuta, c. 1325-1354": "Ibn Battuta, around thirteen twenty-five to thirteen fifty-four",
    "The 1960s-70s.": "The nineteen sixties to seventies.",
    "On 2020-05-12 it began.": "On May twelfth, twenty twenty it began.",
    "Q3 2019": "Q three twenty nineteen",
    "a 1080p screen": "a one thousand eighty p screen",
    # figure by figure
    "Call 555-0199 for details.": "Call five five five, zero one nine nine for details.",
    "Call 1-800-555-0199 now.": "Call one, eight zero zero, five five five, zero one nine nine now.",
    "Call (212) 555-0199 now.": "Call two one two, five five five, zero one nine nine now.",
    "It is +44 20 7946 0958.": "It is plus four four, two zero, seven nine four six, zero nine five eight.",
    "Rooms cost 500-1000 a night.": "Rooms cost five hundred to one thousand a night.",
    "ISBN 0-306-40615-2": "ISBN zero, three zero six, four zero six one five, two",
    "Write to jane.doe@example.com today.": "Write to jane dot doe at example dot com today.",
    "Open 24/7 since 9/11.": "Open twenty-four seven since nine eleven.",
    "9/11 of the cake": "nine elevenths of the cake",
    "The 50/50 split, either/or.": "The fifty-fifty split, either or.",
    "John 3:16": "John three sixteen",
    "What's 5-3? What is 10 - 4?": "What's five minus three? What is ten minus four?",
    "What is 7! ?": "What is seven factorial?",
    # abbreviations and numerals
    "He lives in apt. 4.": "He lives in apartment four.",
    "vol. 3, ch. 4, fig. 2": "volume three, chapter four, figure two",
    "It weighs 3.5e6 kg.": "It weighs three point five times ten to the sixth kilograms.",
    "He works at AT&T.": "He works at A T and T.",
    "Super Bowl LIV and Rocky IV": "Super Bowl fifty-four and Rocky four",
    "King Ethelred II": "King Ethelred the Second",
    # the same price twice
    "It cost 29 cents ($0.29) each.": "It cost twenty-nine cents each.",
    "It cost 29 cents ($0.30) each.": "It cost twenty-nine cents, thirty cents, each.",
    "₹500": "five hundred rupees",
}


@pytest.mark.parametrize(("text", "said"), SAID.items())
def test_say_aloud(text: str, said: str) -> None:
    assert say(text) == said
    assert say(said) == said


@pytest.mark.parametrize(
    "line",
    [
        "Marcel Proust wrote À la recherche du temps perdu.",
        "Do you know À la recherche du temps perdu?",
        "Who painted Le Déjeuner sur l'herbe?",
        "Have you read Les Fleurs du mal?",
    ],
)
def test_a_foreign_title_in_an_english_line_is_english(line: str) -> None:
    check_said(line, "en")


@pytest.mark.parametrize(
    "line",
    [
        "Qui a écrit À la recherche du temps perdu ?",
        "Marcel Proust a écrit À la recherche du temps perdu.",
        "Je pense que c'est Le Déjeuner sur l'herbe de Manet.",
        "Vous avez lu Les Fleurs du mal, je crois.",
        "Der Autor ist Marcel Proust.",
    ],
)
def test_a_line_of_another_language_is_refused_whatever_title_it_names(line: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_said(line, "en")
    assert refusal.value.reason == "wrong_language"
