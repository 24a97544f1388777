"""Talk about hearing only a part of what the user says, or about having only a part of the answer, by kinds.

Such a line says nothing of the matter, so no oracle may hold it. A kind is one thing that can be said in many wordings;
each language has its own patterns for it.
"""

import re
from functools import cache

# What is left to come, and the words for a part, in each language.
_EN_PART = (
    r"(?:(?:the|a|an|one|your|about|only|just|some|this|that) )*(?:first |last |small |little |other |opening |"
    r"tiny )?"
    r"(?:half|halves|part|parts|bit|bits|piece|pieces|portion|fraction|fragment|beginning|start|words|third|quarter|"
    r"opening|outline|glimpse|hints?|clues?|picture)"
)
_EN_REST = (
    r"(?:the|your) (?:rest|remainder|remaining (?:part|words|bit)|missing (?:part|words|bit|half|piece)|other half)"
)

KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "a part is all there is": (
            rf"\bi(?:'ve| have|'m| am)?(?: \w+)? (?:only|just|merely)(?: \w+)? "
            rf"(?:have|got|heard|hear|hearing|know|caught|catch|see|given|gotten)(?: \w+)? {_EN_PART}\b",
            r"\b(?:i|we)(?:'ve| have)? (?:only|just|merely)?\s?(?:have|got|heard|hear|know|caught|see)(?: \w+){0,2} "
            r"(?:half|part|a (?:part|bit|piece|fraction|fragment)|some|a few words|a few pieces|the (?:first|second) "
            r"(?:half|part|bit|words?)|the (?:beginning|start))(?: of)?\b(?! (?:a|an|one)\b)",
            r"\b(?:is|was|'s) (?:all|everything|as much as|as far as) (?:that )?(?:i|we)(?:'ve| have)? "
            r"(?:have|got|heard|hear|know|can (?:hear|tell))\b",
            r"\ball (?:that )?i (?:have|'ve|know|heard|can (?:hear|tell))(?: \w+)? (?:is|so far|yet|for now)\b",
            r"\bonly (?:half|part) of (?:it|that|this|the (?:answer|question|sentence|story|picture))\b",
        ),
        "so far": (
            r"\b(?:what|all|everything|as much as) (?:that )?(?:i|you|we)(?:'ve| have)?(?: \w+)? "
            r"(?:heard|said|told me|told us|given|got|have|caught|mentioned|know|hear)(?: \w+){0,2} (?:so far|as yet|"
            r"until now|up to now|by now)\b",
            r"\bso far (?:i|you|we)(?:'m|'ve|'re| am| are| have| only| just)*(?: only| just)? "
            r"(?:heard?|hearing|said|told|have|got|know|caught|mentioned)\b",
            r"\b(?:heard|hearing|know|got|have|caught) (?:\w+ ){0,4}so far\b",
            r"\b(?:based on|from|judging by|going by) (?:what|the (?:little|bit|part|words|beginning)) (?:that )?"
            r"(?:(?:i|you|we)(?:'ve| have)?) (?:heard|said|have|got|caught|given|told)\b",
            r"\bfrom what i have\b",
        ),
        "the rest is to come": (
            rf"\b(?:hear|hearing|wait|waiting|need|needing|miss|missing|want|without|until|once|when|give|tell|get|"
            rf"have|"
            rf"know|work out|lack|lacking|finish)\b(?: \w+){{0,4}} {_EN_REST}(?: of (?:it|that|this|the|your|what)\b|"
            r"(?: of it)?(?=[,.;:!?]|$)| (?:is|comes|yet|to come|first|before|so)\b)",
            rf"\b{_EN_REST}(?: of \w+(?: \w+)?)? (?:is|are|'s|has)(?: \w+)? (?:still |yet )?(?:to come|missing|to "
            rf"follow|"
            r"not (?:here|there|clear|said|known)|unclear|unknown|open|come)\b",
            r"\b(?:exact|full|whole|final|complete|precise) (?:\w+ )?(?:figure|number|answer|question|value|sum|sums|"
            r"result|picture|sentence|story)s? (?:is|are) (?:still |yet )?(?:to come|missing|open|coming|unknown|"
            r"unclear)\b",
            r"\b(?:i|we)(?:'ll| will| still)? ?(?:still )?(?:have|need|want) (?:to )?(?:hear|know|work out|find|"
            r"wait|see)"
            r"(?: for)? (?:\w+ ){0,2}(?:more|rest|exact|remaining|whole|full|end|last)\b",
            r"\b(?:need|needs|requires?|without|want|give me|lack|lacking|await|awaiting|waiting for|wait for)"
            r"(?: \w+){0,2} (?:more|further|additional|missing|full|complete|enough) "
            r"(?:\w+ )?(?:information|info|context|details?|words|facts|data|input|question|sentence|to go on)\b",
            r"\b(?:there is|there's|is)(?: \w+)? (?:not|n't|nothing|little|too little)(?: \w+){0,2} to go on\b",
            r"\bisn't (?:much|enough|a lot) to go on\b",
            r"(?:\bnot|n't) (?:\w+ )?enough (?:\w+ )?(?:information|context|details?|words|yet|to (?:go on|say|"
            r"tell|answer))\b",
            r"\b(?:there's|there is|it has|has) (?:\w+ )?more (?:\w+ )?(?:to it )?(?:that )?(?:i|to come|still to)\b",
            r"\b(?:don't|do not|haven't|have not|can't|cannot) (?:\w+ ){0,2}(?:have|got|get|hear|heard|see|know|done|"
            r"caught|said?|tell)(?: \w+){0,5} (?:yet|rest|whole|all of it|remainder|end of (?:it|the|your))\b",
        ),
        "the user has not finished": (
            r"\byou(?:'ve| have)?(?:n't| not| still have| still need| are not| aren't|'re not| are still|'re still)"
            r"(?: \w+){0,2} (?:finish(?:ed)?|done|complete[d]?|ask(?:ed)?|said?|told|mention(?:ed)?|speaking|talking|"
            r"get to|got to|reached)\b",
            r"\b(?:once|when|after|until|as soon as|if) you(?:'ve|'re| have| are)?(?: \w+)? (?:(?:finish(?:ed)?|"
            r"complete[d]?|done|ask(?:ed)?|continue)(?=[,.;:!?]|$| (?:your|the|asking|speaking|talking|with your|"
            r"with the) ?"
            r"(?:question|sentence|thought|turn|asking)?(?:[,.;:!?]|$| i\b))|get to the|go on(?=[,.;:!?]|$)|say more|"
            r"tell me|give me)\b",
            r"\b(?:question|sentence|turn|request|statement|thought|prompt|message|phrase|input)s? (?:\w+ )?(?:is|"
            r"was|"
            r"seems|appears|sounds|looks|got|gets|has been|isn't|is not|wasn't|being)(?: to be)?(?: \w+)? "
            r"(?:incomplete|unfinished|cut(?: off| short)?|not (?:complete|finished|over)|truncated|finished|"
            r"complete|"
            r"half|partial|interrupted|missing)\b",
            r"\b(?:incomplete|unfinished|partial|truncated|half-finished|cut-off|half a) (?:\w+ )?(?:question|"
            r"sentence|"
            r"turn|request|statement|thought|prompt|message|phrase|input|answer|information|context)\b",
            r"\bbefore (?:you|the (?:question|sentence))(?:'ve|'re| have| are| is)?(?: \w+)? (?:finish(?:ed)?|done|"
            r"over|"
            r"complete|asked|ended)\b",
        ),
        "the user is to go on": (
            r"(?:^|[.,;:!?] |\b(?:please|you|so|just|do|and) )go on(?=[.,;:!?]|$)|\bplease go on\b",
            r"\b(?:go ahead|keep going|carry on|please continue|continue,? please|do continue|i'm listening|"
            r"i am listening|i'm all ears|tell me (?:more|the rest|what)|say more|let me hear|let's hear)\b",
            r"\b(?:could|can|would|will) you (?:please )?(?:clarify|repeat|elaborate|specify|provide|complete|finish|"
            r"continue|rephrase|tell me|say (?:that|it|more)|explain what|give me)\b",
            r"\bplease (?:\w+ )?(?:clarify|repeat|elaborate|specify|provide|complete|finish|rephrase|tell me|share|"
            r"give me|state)\b",
            r"\b(?:finish|complete) (?:your|the|that) (?:question|sentence|thought|turn)\b",
        ),
        "the answer breaks off": (
            r"\b(?:lose|lost|losing) the thread\b",
            r"\bnot (?:\w+ )?sure (?:\w+ )?(?:about )?the (?:last|end|other|second|final) (?:bit|part|half|word|"
            r"piece)\b",
            r"\bi (?:only|still|just)(?: \w+)? (?:need|have) to (?:finish|complete) (?:that|the|this)\b",
            r"\bthat's (?:most|half|part|some) of it\b|\bthe size of it,? not the\b|\bi couldn't say more\b",
            r"\bthat's all i have\b|\band (?:so on|then some)\s*[.]?$",
            r"\bit (?:begins|starts|goes) (?:something )?like (?:this|that)\b",
        ),
        "hints": (
            r"\b(?:the|these|those|your|given|my|a) (?:hints?|keywords?|key words|clues?)\b(?= (?:say|says|point|"
            r"points|"
            r"tell|tells|suggest|suggests|give|gives|i|that i|is|are|given|provided|lead|leads)\b)",
            r"\b(?:based on|from|using|by|according to|given) (?:the|these|those|your|my) (?:hints?|keywords?|key "
            r"words|"
            r"clues?|important words)\b",
            r"\bi (?:was|am|'m|have been|'ve been) given (?:the|a|some|these|only)\b",
        ),
    },
    "de": {
        "a part": (
            r"\b(?:habe|höre|hörte|kenne|weiß|verstehe|verstand|bekam)\b(?: \w+){0,2} (?:nur|erst|bloß|lediglich)\b"
            r"(?: \w+){0,4} (?:teil|hälfte|anfang|stück|bruchstück|beginn|teile|worte)\b",
            r"\bbis(?:her|lang| jetzt)\b(?: \w+){0,4} (?:gehört|gesagt|verstanden|weiß|habe|bekannt|erwähnt|"
            r"mitbekommen)\b",
            r"\b(?:gehört|gesagt|verstanden|weiß|habe|kenne|erwähnt)\b(?: \w+){0,3} bis(?:her|lang| jetzt)\b",
            r"\b(?:der|den|dem|auf den|vom) rest\b(?: (?:der|deiner|ihrer) \w+| (?:noch|fehlt|kommt|höre|kenne|"
            r"abwarten)|"
            r"(?=[,.;:!?]|$))",
            r"\b(?:frage|satz|aussage)\b(?: \w+){0,2} (?:unvollständig|unfertig|nicht (?:vollständig|fertig|zu ende)|"
            r"abgebrochen|abgeschnitten)\b|\b(?:unvollständige|unfertige)[rns]? (?:frage|satz|aussage)\b",
            r"\b(?:sobald|wenn|bis|falls) (?:du|sie)(?: \w+){0,4} (?:fertig|zu ende|ausgesprochen|weitersprechen|"
            r"weiterreden|ausreden)\b",
            r"\b(?:mehr|weitere|genauere|noch) (?:informationen|angaben|details|kontext|einzelheiten)\b",
            r"\b(?:sprechen sie|sprich|reden sie|rede|fahren sie|fahr|mach|machen sie)(?: \w+)? (?:weiter|fort)\b|"
            r"\bich höre(?: \w+)? zu\b|\b(?:könnten|können|kannst|könntest) (?:sie|du)(?: \w+){0,4} "
            r"(?:wiederholen|erklären|präzisieren|vervollständigen|sagen)\b",
            r"\b(?:hinweis|hinweise|stichwort|stichwörter|stichworte)n? (?:nach|zufolge|deuten|sagen|sagt)\b|"
            r"\b(?:laut|nach) (?:den|dem|der) (?:hinweis\w*|stichw\w*)\b",
        ),
    },
    "es": {
        "a part": (
            r"\b(?:solo|sólo|solamente|únicamente|apenas)\b(?: \w+)? (?:oído|oigo|oí|escuch\w+|tengo|sé|conozco|"
            r"entend\w+|"
            r"entiendo|recib\w+)\b(?: \w+){0,3} (?:parte|mitad|principio|comienzo|trozo|inicio|fragmento|pedazo|"
            r"palabras)\b",
            r"\b(?:hasta (?:ahora|aquí|el momento)|por (?:ahora|el momento))\b(?: \w+){0,4} (?:oído|dicho|tengo|sé|"
            r"escuchado|entendido|has|ha)\b|\b(?:oído|dicho|tengo|sé|escuchado|has dicho)(?: \w+){0,2} hasta "
            r"(?:ahora|aquí|el momento)\b",
            r"\b(?:el resto|lo que falta|lo demás)\b(?: de (?:la|tu|su) (?:pregunta|frase|respuesta)| (?:está|"
            r"falta|viene)|"
            r"(?=[,.;:!?]|$))",
            r"\b(?:pregunta|frase|oración)\b(?: \w+){0,2} (?:incompleta|inacabada|cortada|a medias|sin terminar)\b",
            r"\b(?:cuando|hasta que|si|una vez que) (?:\w+ )?(?:termines|termine|acabes|acabe|completes|complete|"
            r"continúes|continúe)\b",
            r"\bmás (?:información|datos|detalles|contexto)\b",
            r"\b(?:continúa|continúe|sigue|siga|adelante|te escucho|le escucho)\b(?=[,.;:!]|$| por favor)|"
            r"\b(?:podrías|podría|puedes|puede) (?:\w+ )?(?:repetir|aclarar|completar|precisar|explicar|"
            r"decirme)\w*\b",
            r"\b(?:las|estas|según las) (?:pistas|palabras clave)\b",
        ),
    },
    "fr": {
        "a part": (
            r"\b(?:entend\w*|ai|sais|connais|compris|reçu)\b(?: \w+)? (?:seulement|uniquement|juste|que)\b(?: "
            r"\w+){0,3} "
            r"(?:partie|moitié|début|morceau|bout|fragment|bribes?)\b",
            r"\b(?:jusqu'(?:ici|à présent|à maintenant)|pour l'instant|pour le moment)\b(?: [\w']+){0,4} "
            r"(?:entendu|dit|"
            r"ai|sais|compris|avez|as)\b|\b(?:entendu|dit|ai|sais|compris)\b(?: \w+){0,2} jusqu'(?:ici|à présent)\b",
            r"\b(?:le reste|la suite)\b(?: de (?:la|ta|votre) (?:question|phrase|réponse)| (?:manque|est à venir|"
            r"vient)|"
            r"(?=[,.;:!?]|$))",
            r"\b(?:question|phrase)\b(?: [\w']+){0,2} (?:incomplète|inachevée|coupée|pas (?:complète|finie|"
            r"terminée))\b",
            r"\b(?:quand|lorsque|dès que|si|une fois que) (?:tu|vous)(?: \w+)? (?:fini\w*|terminé\w*|complét\w*|"
            r"continu\w*|aurez|auras)\b",
            r"\b(?:plus d'informations?|davantage d'informations?|plus de (?:détails|précisions|contexte))\b",
            r"\b(?:continue[z]?|vas-y|allez-y|je vous écoute|je t'écoute|poursuive[z]?)(?=[,.;:!]|$| s'il)|"
            r"\b(?:pourriez|pouvez|peux|pourrais)[- ](?:vous|tu) (?:\w+ )?(?:répéter|préciser|clarifier|compléter|"
            r"expliquer|me dire)\b",
            r"\b(?:les|ces|d'après les|selon les) (?:indices|mots[- ]clés)\b",
        ),
    },
    "it": {
        "a part": (
            r"\b(?:sentito|sento|capito|ho|so|conosco)\b(?: \w+)? (?:solo|soltanto|solamente)\b(?: \w+){0,3} "
            r"(?:parte|metà|inizio|pezzo|frammento)\b",
            r"\b(?:finora|fino a(?:d)? (?:ora|qui))\b",
            r"\b(?:il resto|ciò che manca)\b|\b(?:domanda|frase)(?: \w+){0,2} (?:incompleta|tagliata|non finita)\b",
            r"\bpiù (?:informazioni|dettagli|contesto)\b|\b(?:continua|continui|vai avanti|ti ascolto)\b(?=[,.;:!]|"
            r"$)",
        ),
    },
    "pt": {
        "a part": (
            r"\b(?:só|apenas|somente)\b(?: \w+)? (?:ouvi|ouço|sei|tenho|conheço|entendi|escutei)\b(?: \w+){0,3} "
            r"(?:parte|metade|início|começo|pedaço|fragmento)\b",
            r"\b(?:até (?:agora|aqui)|por enquanto)\b",
            r"\b(?:o resto|o que falta)\b|\b(?:pergunta|frase)(?: \w+){0,2} (?:incompleta|cortada|inacabada)\b",
            r"\bmais (?:informações|detalhes|contexto)\b|\b(?:continue|prossiga|estou ouvindo)\b(?=[,.;:!]|$)",
        ),
    },
    "ru": {
        "a part": (
            r"\b(?:слыш\w+|услыш\w+|знаю|понял\w*|есть|получил\w*)\b(?: \w+){0,2} (?:только|лишь|пока)\b(?: "
            r"\w+){0,3} "
            r"(?:часть|половин\w+|начало|кусок|фрагмент|обрывок|слов)\b",
            r"\b(?:пока(?: что)?|до сих пор|на данный момент)\b(?: \w+){0,3} (?:слыш\w+|услыш\w+|сказал\w*|знаю|"
            r"понял\w*|"
            r"известно|есть)\b",
            r"\b(?:остальн(?:ое|ая|ую|ые|ых)|продолжени[ея])\b(?: (?:часть|вопрос\w*|фраз\w*|ещё|еще)|(?=[,.;:!?]|"
            r"$))",
            r"\b(?:вопрос|фраза|предложение)\b(?: \w+){0,2} (?:не ?(?:полн\w+|закончен\w*|завершён\w*|завершен\w*)|"
            r"неполн\w+|незакончен\w*|обор\w+)\b",
            r"\b(?:когда|как только|если|пока) (?:вы|ты)(?: \w+)? (?:закончи\w*|договори\w*|продолжи\w*|завершите)\b",
            r"\b(?:больше|дополнительн\w+) (?:информации|данных|сведений|подробност\w+|контекста)\b",
            r"\b(?:продолжайте|продолжай|слушаю|уточните|повторите|поясните)\b",
            r"\b(?:подсказк\w+|ключев\w+ слов\w*)\b",
        ),
    },
    "zh": {
        "a part": (
            r"(?:只|仅|才)(?:听到|听见|知道|听|拿到|得到|(?<=我.)有)了?(?:[^，。！？]{0,6})(?:一部分|部分|一半|开头|前半|几个字|片段)",
            r"(?:到目前为止|目前为止|到现在为止|目前)[^，。！？]{0,4}(?:听到|听见|说的|知道|所说|只)|(?:听到|说到|说)(?:这里|目前)为止",
            r"(?:剩下|其余|后面|余下|后半)的?(?:部分|问题|内容|话|半)?(?:还|尚|没|未|再|等|是什么)|"
            r"(?:等|听|需要|缺)[^，。！？]{0,4}(?:剩下|其余|后面|余下|后半)",
            r"(?:问题|句子|话)(?:还|似乎|好像|是|都|并)*(?:没有?|未|不)(?:说完|讲完|问完|完整|结束)|没(?:有)?(?:说完|讲完|问完)|未说完",
            r"(?:等|待|当)(?:你|您)(?:说|讲|问)完|(?:请|您|你)(?:继续|接着)(?:说|讲)?|我在听|请(?:再说|重复|说明|补充|提供|澄清|告诉我)",
            r"(?:更多|足够|进一步)的?(?:信息|细节|上下文|内容)|(?:提示|关键词)(?:说|给|表明|是|里)",
        ),
    },
    "ar": {
        "a part": (
            r"(?:فقط|سوى|إلا)\b(?: \w+){0,3} (?:جزء|جزءا|جزءًا|نصف|بداية)|(?:جزء|جزءا|جزءًا|نصف|بداية)(?: "
            r"\w+){0,3} فقط",
            r"(?:حتى الآن|إلى الآن|لحد الآن)",
            r"(?:بقية|باقي|تتمة) (?:ال)?(?:سؤال|كلام|جملة|حديث)\w*",
            r"(?:السؤال|الجملة|سؤالك)(?: \w+){0,2} (?:غير (?:مكتمل|كامل|مكتملة)|ناقص|ناقصة|لم (?:يكتمل|ينته))",
            r"(?:عندما|حين|بعد أن|إذا) (?:تنتهي|تكمل|تنهي|أكملت)",
            r"(?:مزيد|المزيد) من (?:ال)?(?:معلومات|تفاصيل|سياق)|(?:تابع|واصل|أكمل|تفضل|أنا أستمع)(?=[،.؛:!]|$| من "
            r"فضلك)",
            r"(?:التلميح|التلميحات|الكلمات المفتاحية)",
        ),
    },
}
"""Patterns over text in small letters, by language and kind."""


@cache
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (kind, re.compile("|".join(f"(?:{p})" for p in patterns))) for kind, patterns in KINDS.get(language, {}).items()
    )


def speaks_of_part(text: str, language: str, unless: str = "") -> str:
    """The words with which `text` speaks of hearing or having only a part, "" without any.

    What is of a kind that `unless`, the true turn, is of as well, is what anybody would say ("Sure, go ahead.").
    """
    said, truth = (t.casefold().replace("’", "'") for t in (text, unless))
    for _, pattern in _patterns(language.split("-")[0]):
        found = pattern.search(said)
        if found and not pattern.search(truth):
            return found[0].strip()
    return ""
