"""The choices from which a dialogue's brief is drawn: who asks, how they talk, how a turn begins, what is asked.

They say what to do and hold no sentence that a model could copy. The numbers of speakers, registers and openings have
few factors in common, so that the variants of a question meet all their combinations.
"""

from collections.abc import Mapping

from kame_data.records import Form

SPEAKERS = (
    "a student before a test",
    "a parent who helps with homework",
    "a nurse between two shifts",
    "a mechanic with the hands full",
    "a retired teacher",
    "somebody who runs a small shop",
    "somebody on a walk",
    "a driver at the wheel",
    "a colleague in the break",
    "somebody who has just read about it",
    "a journalist who checks a fact",
    "somebody who asks for a friend",
    "somebody who cooks meanwhile",
    "a newcomer to the field",
    "somebody who knows the field well",
    "somebody who prepares a quiz",
)
REGISTERS = (
    "calm and clear, one thought after the other",
    "in a hurry, in short sentences",
    "curious, wonders aloud",
    "friendly and chatty",
    "precise, in the terms of the field",
    "in plain everyday words, without terms where it can be",
    "thinks aloud, with a hesitation or two",
    "a little unsure of how to put it",
    "lively, tells it as a small story",
)
OPENINGS = (
    "with the first thing that is given, without any lead-in",
    "with a number or a name of the matter",
    "with where or when this came up",
    "with what the answer is needed for",
    "with a clause of condition or of time",
    "with the subject in two or three words",
    "with a word to the assistant, as one turns to somebody",
    "in the middle of a thought",
    "with what is known already",
    "with the people or the place that it is about",
    "with what surprises or puzzles about it",
)
FORMS: Mapping[Form, str] = {
    "explain": "have something explained: how or why something about the matter is as it is",
    "compare": "have two things of the matter compared: what they share, where they differ, which one serves when",
    "what_if": "what would happen if one thing about the matter were otherwise",
    "advice": "advice: what to do in a situation of the user's own, in which the matter counts",
    "opinion": "an opinion with reasons, on a point of the matter that can be argued about",
}
"""The open forms, with what the user wants of the assistant."""
FOLLOW_UPS = (
    "changes one thing that was given or said, and asks what becomes of the answer then",
    "asks on about a word or a step that the assistant has just used",
    "asks whether the same holds in another case, which the user names in a few words",
    "asks what to make of that, or what to do with it next",
    "turns it round: asks back from the result, or for the opposite case",
    "doubts one point of the answer, and asks how it can be so",
)
