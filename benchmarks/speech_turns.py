"""Turns as builds have them, for the benchmark of the alignment score: our own short ones, and those of dialogues."""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pipeline.config import DuplexSettings
from pipeline.dialogues import write_dialogues
from pipeline.duplex import make_duplex
from pipeline.llm.offline.writer import OfflineWriter
from pipeline.questions import pull
from pipeline.records import Dialogue
from pipeline.sources import get_source
from pipeline.text.words import split_words

LONGEST_SHORT = 6
QUESTIONS = 150
ALL = DuplexSettings(hesitation=0.3, user_back_channel=1.0, assistant_back_channel=1.0, barge_in=1.0)
# Of our own writing, no two alike, one to six words each: what people say to open, to hold, to give or take the floor,
# to answer, to confirm, to correct. Half of them are held out.
SHORT = """
Yes. | No. | Okay. | Right. | Sure. | Exactly. | Really? | Why? | Thanks. | Hello. | Hi. | Hey. | Wait. | Stop. |
Nope. | Correct. | Wrong. | Maybe. | Never. | Always. | Perfect. | Great. | Mostly. | Pardon? | Sorry? | Which? |
When? | Wow. | Twelve. | Seventy. | Thursday. | Oxygen. | Paris. | Nitrogen. | Eight. | Gravity. | Mercury. |
Inflation. | Shakespeare. | Interesting. | Definitely. | Absolutely. | Certainly. | Probably. | Understood. | Agreed. |
Goodbye. | Alright. | Cheers. | Go on. | Go ahead. | I see. | Of course. | Got it. | Not yet. | Not quite. |
Thank you. | Good morning. | Hold on. | Yes, please. | No, thanks. | Okay, sure. | Oh, right. | Ah, yes. | What else? |
How so? | Says who? | Never mind. | Fair enough. | Twenty miles. | Forty-two. | Half past. | Carbon dioxide. |
The heart. | Option three. | Two thirds. | A mammal. | Blue whale. | Uh-huh, right. | Mm, okay. | Oh, I see. |
Well, maybe. | So, what? | Um, yes. | Uh, no. | Hmm, okay. | Yeah, exactly. | Right, thanks. | Let me think. |
Tell me more. | Are you there? | Can you hear? | That is right. | Sure, go ahead. | Sorry, go on. | Say that again. |
What was that? | One more time. | I'm not sure. | I don't know. | It's the first. | You're quite right. |
That's my guess. | Isn't it ten? | It was France. | Six per cent. | No, the other. | Just the number. |
Sure. Bowie knife. | Okay. Next one. | Yes. The liver. | Right. Ninety days. | Sure. Two dollars. | No. Only half. |
Sure. Four years. | Of course. Helium. | Well, good luck. | Hm, not today. | Give me a moment. |
Could you repeat that? | What does that mean? | How did you know? | I think it's seven. | That makes sense, thanks. |
Is that your answer? | Please start over again. | Let's try the next. | We can stop here. |
Okay, I'm listening to you. | Sure, what's the question? | Yes, I can hear you. | No, that isn't what I meant. |
Hold on a second, please. | Wait, what was the second? | So it's about fifteen dollars? | The answer is the pancreas. |
It comes to eighty grams. | I'd say the third one. | Sorry, could you speak up? | Thanks, that helps me a lot. |
Great, let's do another one. | Good evening, is anyone there? | Oh, now I get it. | Well, it depends on that. |
You're welcome, any time at all. | Sure, in what year exactly? | Because the pressure drops there. |
By the end of June. | Not at all. | No problem. | My pleasure. | Take your time. | Carry on. | Keep going. |
Anything else? | That's all. | Good question. | Good luck. | Pure chance. | Your turn. | A tour guide. | Poor thing. |
During lunch. | Four hours. | Her cure. | The moor. | For sure. | Make sure of it. | Do you mean the larger one? |
Actually, it was nineteen fifty. | Roughly a third of them. | Only if it rains. | Every second Tuesday of May. |
Around six in the evening. | Between three and five. | Less than a litre. | More than you think. | As far as I know. |
I give up. | Try me. | You first. | After you. | Come in. | Let's go. | Look at this. | Ask him. | Ask her. |
Show me how.
"""


def short_turns(held_out: bool) -> list[str]:
    """Half of our own short turns."""
    found = [" ".join(turn.split()) for turn in SHORT.split("|")]
    random.Random("short turns").shuffle(found)
    return sorted(set(found[int(held_out) :: 2]))


@cache
def dialogue_turns(held_out: bool, sources: tuple[tuple[str, str], ...]) -> list[str]:
    """The turns of all roles and kinds of dialogues by rule, without their likes, short ones first in no order.

    `sources` are names with files. Half of the questions are held out; so each set has other words, but the phrases
    that our writer opens, closes and interrupts with are in both.
    """
    found: dict[str, None] = {}
    for name, path in sources:
        with pull(get_source(name), path) as pulled:
            questions = pulled.accepted[int(held_out) :: 2][:QUESTIONS]
        for item in write_dialogues(questions, 0, OfflineWriter(1)):
            if isinstance(item, Dialogue):
                duplex = make_duplex(item, ALL, 1)
                found.update(dict.fromkeys(turn.intended_text for turn in duplex.turns))
    turns = sorted(found)
    random.Random("turns").shuffle(turns)
    return [turn for turn in turns if turn.isascii()]


def length(turn: str) -> int:
    """In words."""
    return len(split_words(turn, "en"))


def turns(held_out: bool, folder: Path, short: int, longer: int) -> list[str]:
    """So many short turns, half of them our own, and so many longer ones of dialogues."""
    sources = {
        "gsm8k": "gsm8k/train.parquet",
        "mmlu_pro": "mmlu_pro/test.parquet",
        "hssbench": "hssbench/data-open.jsonl",
    }
    said = dialogue_turns(held_out, tuple((name, str(folder / path)) for name, path in sources.items()))
    ours = short_turns(held_out)
    theirs = _chosen([turn for turn in said if length(turn) <= LONGEST_SHORT], max(0, short - len(ours)))
    return [*ours[:short], *theirs, *_chosen([turn for turn in said if length(turn) > LONGEST_SHORT], longer)]


def _chosen(found: Sequence[str], count: int) -> list[str]:
    return list(found[:count])
