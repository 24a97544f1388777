"""The line by which a model is told why the draft before was refused, so that the next one is better.

It comes from the refusal alone, so that the same draft leads to the same request. For oracles it holds nothing of the
draft, the answer or what the user goes on to say: only what kind of thing was wrong.
"""

from collections.abc import Mapping, Sequence

from kame_data.errors import Refusal

MOST_DETAIL = 200
"""Characters of a refusal's detail that a writer is told, at the most."""
OF_BOTH: Mapping[str, str] = {
    "llm_bad_json": "the reply was not the JSON object that is wanted",
    "llm_refusal": "nothing was written",
    "model_talk": "it speaks of being a model",
    "letters": "it names an option by its letter",
    "wrong_language": "it is in another language",
    "not_spoken": "it has digits, signs or markup where only words may stand",
}
OF_ORACLES: Mapping[str, str] = {
    **OF_BOTH,
    "too_long": "it is too long",
    "empty_oracle": "it says nothing",
    "missing_oracle": "it is missing",
    "repeats_prompt": "it repeats these instructions",
    "half_heard": "it speaks of what was heard or is still to come",
    "verbatim_answer": "it is the right answer word for word",
    "unheard_word": "it has a word that only a later piece has",
    "early_answer": "it gives the answer away",
    "other_number": "it names a number that is neither said nor right",
    "lacks_answer": "it does not say the result",
    "other_result": "it names a result that is not the right one",
}
OF_DIALOGUES: Mapping[str, str] = {
    **OF_BOTH,
    "turns": "user and assistant do not take turns",
    "length": "a turn has the wrong length",
    "exchanges": "the number of exchanges is wrong",
    "answer_length": "an answer has the wrong length",
    "no_reason": "an answer gives no reason",
    "no_steps": "the steps of the answer are missing",
    "no_question": "the user asks nothing",
    "follow_up_long": "a further question is too long",
    "follow_up_restates": "a further question asks the same once more",
    "follow_up_alone": "a further question can be understood alone",
    "claim_not_first": "an answer is not said in the assistant's first sentence",
    "answer_told": "the user tells the answer",
    "wrong_answer": "the answer is wrong",
    "answer_not_said": "the assistant does not say the answer",
    "no_claim": "the answer is no claim",
    "off_the_matter": "it is about another matter",
    "held_out": "it repeats a question that is kept for tests",
    "lost_meaning": "something of the question is missing",
    "choice_not_offered": "the choices are wrong",
    "choices_not_named": "the user does not name the choices",
    "needs_picture": "it points at the picture",
    "picture_not_told": "the user does not tell what is in the picture",
}


def why_dialogue(refusal: Refusal) -> str:
    """The line for a writer, which knows the answer: what was wrong, and where."""
    detail = " ".join(refusal.detail.split())[:MOST_DETAIL]
    return f"{OF_DIALOGUES.get(refusal.reason, 'it could not be used')} ({detail})"


def why_oracles(refusals: Sequence[Refusal]) -> str:
    """The line for a simulator about lines 1, 2, ... of what it is asked for; "" for the first draft."""
    whys = [OF_ORACLES.get(refusal.reason, "it could not be used") for refusal in refusals]
    if len(set(whys)) < 2:
        return whys[0] if whys else ""
    return "; ".join(f"line {number}: {why}" for number, why in enumerate(whys, 1))
