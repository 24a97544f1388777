"""Function words by language, which carry no content: articles, prepositions, pronouns, auxiliaries; and negations."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re

_TEXTS: dict[str, str] = {
    "ar": """
        في من على إلى عن مع بين هو هي هم هذا هذه ذلك تلك التي الذي الذين ما ماذا كم كيف أين متى هل أن إن كان كانت يكون
        قد لقد ثم أو و يا كل أي بعد قبل عند
    """,
    "de": """
        der die das den dem des ein eine einen einem einer eines und oder aber in im an am auf aus bei mit nach von vom
        zu zum zur für um ist sind war waren wird werden hat haben es er sie ich du wir ihr man als wie wo wann was wer
        dass so also auch etwa ungefähr rund
    """,
    "en": """
        a an the of to in on at by for from with and or but as that this these those it its is are was were
        be been being has have had do does did will would can could should may might must than then
        so such into about over their his her they he she you your we our i
    """,
    "es": """
        el la los las un una unos unas de del en a al con por para y o pero que qué es son era fue eran fueron ser está
        están ha han se su sus lo le les me te mi tu este esta estos estas ese esa eso esto como más aproximadamente
        alrededor
    """,
    "fr": """
        le la les l un une des de du d à au aux en dans sur pour par avec et ou mais que qu qui est sont était étaient
        c ce cet cette ces ça se s on il elle ils elles je j nous vous me m te t y son sa ses leur leurs a ont être
        comme plus environ
    """,
    "it": """
        il lo la i gli le l un uno una di del della dei degli delle a al alla in nel nella con per da dal e o ma che è
        sono era si su come circa
    """,
    "pt": """
        o a os as um uma uns umas de do da dos das em no na nos nas com por para e ou mas que é são era se como cerca
    """,
    "ru": """
        и в во на с со к ко из о об от до по за для при у а но или что это как он она оно они мы вы я ты его ее их
        был была было были есть быть же бы ли который которая которое которые около примерно
    """,
    "zh": """
        的 了 是 在 和 与 或 也 就 都 而 及 之 这 那 个 我 你 他 她 它 们 为 以 于 由 把 被 从 到 对 向 有 会 能 可
        着 过 地 得 所 其 吗 呢 吧 啊 约
    """,
}
_TEXTS["yue"] = _TEXTS["zh"]
_WORDS = {language: frozenset(text.split()) for language, text in _TEXTS.items()}
_ARTICLES: dict[str, frozenset[str]] = {
    "de": frozenset("der die das den dem des ein eine einen einem einer eines".split()),
    "en": frozenset(["a", "an", "the"]),
    "es": frozenset("el la los las un una unos unas".split()),
    "fr": frozenset("le la les l un une des du".split()),
    "it": frozenset("il lo la i gli le l un uno una".split()),
    "pt": frozenset("o a os as um uma uns umas".split()),
}
_NEGATIONS = {
    "ar": r"\b(?:لا|ليس|ليست|لم|لن|بدون|غير)\b",
    "de": r"\b(?:nicht|nichts|kein\w*|nie|niemals|ohne|weder)\b",
    "en": r"\b(?:not|no|never|neither|nor|none|nothing|without|cannot|[a-z]+n't)\b",
    "es": r"\b(?:no|nunca|jamás|sin|ni|nada|ningun\w*|ningún)\b",
    "fr": r"\b(?:ne|n|pas|jamais|aucun\w*|sans|ni|rien)\b",
    "it": r"\b(?:non|mai|senza|né|nessun\w*|niente)\b",
    "pt": r"\b(?:não|nunca|sem|nem|nenhum\w*|nada)\b",
    "ru": r"\b(?:не|нет|без|никогда|ни|нельзя)\b",
    "zh": "不|没|未|無|无",
}
_NEGATION_RES = {language: re.compile(pattern) for language, pattern in _NEGATIONS.items()}
_NONE: frozenset[str] = frozenset()


def function_words(language: str = "en") -> frozenset[str]:
    """The function words in small letters (for Chinese: signs); empty for a language that has no list here."""
    return _WORDS.get(language.split("-")[0], _NONE)


def articles(language: str = "en") -> frozenset[str]:
    """The articles in small letters."""
    return _ARTICLES.get(language.split("-")[0], _NONE)


def negated(text: str, language: str = "en") -> bool:
    """True where a text says that something is not so; False in a language that has no list here."""
    found = _NEGATION_RES.get(language.split("-")[0])
    return bool(found and found.search(text.casefold()))
