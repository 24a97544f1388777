"""The offline writer: a question becomes a dialogue by rule and seed, without a model."""

from functools import lru_cache

from kame_data import seeds
from kame_data.errors import Refusal
from kame_data.offline import answering, asking
from kame_data.offline.following import follow
from kame_data.records import Dialogue, Question, Turn

_NOT_OURS = "the offline writer writes English only, not '{}'; name a model with --writer or --llm"


class OfflineWriter:
    """Writes dialogues by rule; variant v of a question depends on (seed, question, v) alone.

    Each variant of a question has a lead-in of its own, so that no two have the same user's text.
    """

    name = "offline"
    version = "6"
    sees_pictures = False
    names_choices = False

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._leads = lru_cache(maxsize=16_384)(self._lead_order)

    def write(self, question: Question, variant: int) -> Dialogue:
        """Dialogue number `variant` of the question. Raises Refusal for what the rules cannot put well."""
        if question.language.split("-")[0] != "en":
            raise Refusal("language", _NOT_OURS.format(question.language))
        leads = self._leads(question.id)
        if variant >= len(leads):
            raise Refusal("variants", f"the offline writer has {len(leads)} ways to ask this, numbered from 0")
        draws = seeds.rng(self.seed, "dialogue", question.id, variant)
        asked = asking.ask(question, draws)
        said = asking.turn(asked, leads[variant], draws)
        answer = answering.answer(question, asked, draws)
        turns = [_user(said), _assistant(answer.text, answer.claim)]
        for wanted, reply, claim in follow(asked, answer, draws):
            turns += [_user(wanted), _assistant(reply, claim)]
        return Dialogue(
            id=f"{question.id}-v{variant}",
            question_id=question.id,
            variant=variant,
            language=question.language,
            turns=tuple(turns),
            answer=asked.answer,
            choices=asked.choices,
            writer=self.name,
        )

    def _lead_order(self, question_id: str) -> list[str]:
        return asking.lead_order(seeds.rng(self.seed, "leads", question_id))


def _user(text: str) -> Turn:
    return Turn("user", text, text)


def _assistant(text: str, claim: str) -> Turn:
    return Turn("assistant", text, text, claim=claim)
