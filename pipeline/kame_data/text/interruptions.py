"""Words that people say while the other speaks: back-channels, and the words of a barge-in, by language.

Synthesizers say these back-channels as people do (espeak spells 'mm-hm' letter by letter). They mean only "I am
listening": 'exactly' would tell a user who guesses that the guess is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kame_data.text.words import bare_words

BACK_CHANNELS: dict[str, tuple[str, ...]] = {
    "ar": ("نعم.", "تمام.", "حسنا."),
    "de": ("Ja.", "Okay.", "Aha.", "Verstehe."),
    "en": ("Uh-huh.", "Right.", "Okay.", "Yeah.", "I see."),
    "es": ("Ajá.", "Sí.", "Vale.", "Ya veo."),
    "fr": ("Oui.", "D'accord.", "Ah oui.", "Je vois.", "OK."),
    "ru": ("Угу.", "Ага.", "Понятно.", "Так."),
    "zh": ("嗯。", "好的。", "嗯嗯。"),
}
# What people say besides, and no synthesizer as they do.
_ALSO: dict[str, str] = {
    "ar": "ايوه آه اه اها مم",
    "de": "mhm hm mm genau klar gut ok ach so",
    "en": "mhm mm hm hmm mm-hm mm-hmm uh-huh ok yes yep oh ah sure good great",
    "es": "mm mhm ok claro bueno ya",
    "fr": "mm mhm ouais ok bon voilà",
    "ru": "мм да ну ясно хорошо ок",
    "zh": "哦啊是的对行",
}


@dataclass(frozen=True, slots=True)
class Interruptions:
    """The wordings of a barge-in.

    `enough`: the user has heard the answer and breaks off, with what the assistant says to it. `point`: the user asks
    for the answer before it was said; `short` then gives it, `{answer}` in its place and `{Answer}` with a capital.
    `stated` are the ones for an answer that begins with one of `nouns` or a number, and so stands behind a verb.
    """

    enough: tuple[tuple[str, str], ...]
    point: tuple[str, ...]
    short: tuple[str, ...]
    stated: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()


INTERRUPTIONS: dict[str, Interruptions] = {
    "ar": Interruptions(
        enough=(("حسنا، فهمت، شكرا.", "على الرحب والسعة. اسألني متى شئت."),),
        point=("عفوا، الجواب فقط من فضلك.", "لحظة، ما هو الجواب؟"),
        short=("طبعا. {answer}.", "بالتأكيد. {answer}."),
    ),
    "de": Interruptions(
        enough=(
            ("Okay, alles klar, danke.", "Gern geschehen. Frag einfach, wenn noch etwas ist."),
            ("Ah, gut, das reicht mir schon, danke.", "Gerne. Viel Erfolg noch damit."),
            ("Super, mehr brauche ich nicht, danke.", "Kein Problem. Melde dich gern wieder."),
        ),
        point=(
            "Entschuldigung, nur die Antwort, bitte.",
            "Moment, sag mir bitte einfach die Antwort.",
            "Ja, aber was ist denn nun die Antwort?",
        ),
        short=("Klar. {Answer}.", "Natürlich. {Answer}.", "Also, die Antwort: {answer}."),
    ),
    "en": Interruptions(
        enough=(
            ("Okay, got it, thanks.", "You're welcome. Just ask if anything else comes up."),
            ("Great, that's all I need, thank you.", "Glad to help. Come back whenever you like."),
            ("Perfect, that's what I wanted to know.", "Glad to hear it. Feel free to ask me another one."),
            ("Ah, okay, that helps, thanks.", "Any time. Good luck with the rest of it."),
            ("Got it, you can stop there, thank you.", "No problem. I'm here if you need anything else."),
            ("Oh, right, of course, thanks a lot.", "My pleasure. I hope that clears it up."),
        ),
        point=(
            "Sorry, just the answer, please.",
            "Hold on, I only need the answer.",
            "Wait, can you just tell me the answer?",
            "Okay, but what's the answer?",
            "Could you skip to the answer, please?",
            "Sorry to cut in, but what's the answer, in short?",
        ),
        short=("Sure. {Answer}.", "Of course. {Answer}.", "Okay, in short: {answer}.", "Sure, here you go: {answer}."),
        stated=("Of course. It's {answer}.", "Sure. The answer is {answer}.", "Right. In short, it's {answer}."),
        nouns=("the", "a", "an"),
    ),
    "es": Interruptions(
        enough=(
            ("Vale, ya lo tengo, gracias.", "De nada. Pregunta cuando quieras."),
            ("Perfecto, con eso me basta, gracias.", "Un placer. Suerte con lo demás."),
            ("Ah, claro, muchas gracias.", "No hay de qué. Aquí estoy si necesitas algo."),
        ),
        point=(
            "Perdona, solo la respuesta, por favor.",
            "Espera, dime solo la respuesta.",
            "Sí, pero la respuesta es lo único que necesito.",
        ),
        short=("Claro. {Answer}.", "Por supuesto. {Answer}.", "Bien, en resumen: {answer}."),
    ),
    "fr": Interruptions(
        enough=(
            ("D'accord, j'ai compris, merci.", "Je vous en prie. N'hésitez pas si vous avez autre chose."),
            ("Parfait, ça me suffit, merci.", "Avec plaisir. Bon courage pour la suite."),
            ("Ah oui, bien sûr, merci beaucoup.", "De rien. Je suis là s'il vous faut autre chose."),
        ),
        point=(
            "Pardon, juste la réponse, s'il vous plaît.",
            "Attendez, dites-moi seulement la réponse.",
            "Oui, mais quelle est la réponse?",
        ),
        short=("Bien sûr. {Answer}.", "Oui, pardon. {Answer}.", "Alors, en bref: {answer}."),
    ),
    "ru": Interruptions(
        enough=(
            ("Хорошо, теперь понятно, спасибо.", "Пожалуйста. Спрашивайте, если что-то ещё понадобится."),
            ("Отлично, этого достаточно, спасибо.", "Не за что. Удачи вам с остальным."),
        ),
        point=("Простите, только ответ, пожалуйста.", "Подождите, скажите просто ответ."),
        short=("Конечно. {Answer}.", "Хорошо, если коротко: {answer}."),
    ),
    "zh": Interruptions(
        enough=(
            ("好的，我明白了，谢谢。", "不客气。有别的问题可以再问我。"),
            ("够了，这就是我想知道的，谢谢。", "不用谢。需要的话随时再来问我。"),
        ),
        point=("不好意思，直接告诉我答案吧。", "等一下，答案是什么？"),
        short=("好的。{answer}。", "没问题，答案是{answer}。"),
    ),
}


def listens(words: Sequence[str], language: str = "en") -> bool:
    """True where words mean only "I am listening": each is a word of a back-channel of the language."""
    own = language.split("-")[0]
    known = set(bare_words(" ".join((*BACK_CHANNELS.get(own, ()), _ALSO.get(own, ""))), language))
    said = bare_words(" ".join(words), language)
    return bool(said) and known.issuperset(said)
