"""Dialogues in several languages, in the manner of what writers write."""

from kame_data.records import Dialogue, Turn

TEXTS = {
    "en": (
        "My bike club is planning a tour, and I need to know how long it takes. It's one hundred and twenty kilometers "
        "from Alice Springs to the Battle of Hastings museum, and we ride at twenty-four kilometers an hour. How many "
        "hours do we ride?",
        "You ride for five hours. One hundred twenty divided by twenty-four is five, so the afternoon is free.",
        "five hours",
    ),
    "fr": (
        "Bonjour, j'ai une question sur la physique, et je voudrais comprendre la réponse. Quelle est la vitesse de la "
        "lumière dans le vide? Je crois que le professeur a dit trois cent mille kilomètres par seconde, mais je ne "
        "suis pas sûr.",
        "Votre professeur avait raison. La lumière parcourt trois cent mille kilomètres par seconde dans le vide, et "
        "rien ne va plus vite.",
        "trois cent mille kilomètres par seconde",
    ),
    "es": (
        "Hola, estoy estudiando para un examen de historia, y tengo una duda sobre el imperio romano. Quiero saber "
        "quién fue el primer emperador de Roma, porque el libro no lo dice con claridad.",
        "Según la mayoría de los historiadores, el primer emperador de Roma fue Augusto, que gobernó durante cuarenta "
        "años.",
        "Augusto",
    ),
    "de": (
        "Ich lerne gerade für eine Prüfung in Chemie, und ich komme nicht weiter. Welches Gas entsteht, wenn Zink mit "
        "Salzsäure reagiert? Ich glaube, dass es ein leichtes Gas ist, aber der Name fällt mir nicht ein.",
        "Wenn Zink mit Salzsäure reagiert, entsteht Wasserstoff. Das ist das leichteste Gas, das wir kennen.",
        "Wasserstoff",
    ),
    "ru": (
        "Я готовлюсь к экзамену по истории, и у меня есть вопрос. Какой город был столицей России до Москвы, и в каком "
        "году столица была перенесена? Мне кажется, что это был Петербург.",
        "До Москвы столицей был Петроград, а перенесли столицу в тысяча девятьсот восемнадцатом году, весной.",
        "Петроград",
    ),
    "zh": (
        "你好，我在准备考试，有一个问题想问你。一个班有三十名学生，其中十二名是女生。男生有多少名？",
        "三十减去十二等于十八，所以这个班有十八名男生，比女生多六名。",
        "十八名",
    ),
    "ar": (
        "مرحبا، أنا أدرس للامتحان، وعندي سؤال في الجغرافيا. ما هو أطول نهر في العالم، وفي أي قارة يقع هذا النهر؟",
        "أطول نهر في العالم حسب أغلب المصادر هو نهر النيل، وهو يقع في قارة أفريقيا.",
        "نهر النيل",
    ),
    "ja": (
        "こんにちは、試験の勉強をしています。三十引く十二はいくつですか？",
        "三十引く十二は十八です。とても簡単な計算ですね。",
        "十八",
    ),
}


def dialogue(language: str, number: int = 0) -> Dialogue:
    """One question and its answer; `number` makes another dialogue of the same words."""
    user, assistant, answer = TEXTS[language]
    turns = (Turn("user", user, user), Turn("assistant", assistant, assistant))
    return Dialogue(f"own-{language}-v{number}", f"own-{language}", number, language, turns, answer)
