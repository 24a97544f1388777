"""References of a stem to what a listener cannot see: a picture, a table, a passage, a list of statements."""

# ruff: noqa: SIM905 - lists of words read better as text.

import re

_SEEN = (
    r"(?:pictures?|images?|figures?|photos?|photographs?|diagrams?|illustrations?|drawings?|cartoons?|comics?|"
    r"caricatures?|posters?|"
    r"graphs?|charts?|maps?|plots?|sketch(?:es)?|schematics?|screenshots?|infographics?)"
)
_AT = r"(?i:in|on|from|by|to|see|consider|refer to|using|study|examine|observe|per|look at|within)"
# What points at a picture in plain words, whatever the question.
PICTURE_RE = re.compile(
    rf"\b(?:above|below|following|attached|accompanying|adjacent)\s(?:\w+\s)?(?!figures\b){_SEEN}\b|"
    rf"\b{_SEEN}\s(?:above|below|on the (?:left|right)|at (?:left|right)|shown|provided|attached)\b"
    rf"|\b{_AT} (?:the |this |these )(?:figure|diagram|illustration|schematic)\b(?! (?:of speech|skat|eight))|"
    rf"\b(?:[Ii]n|[Ss]ee|[Rr]efer to|[Ff]rom) [Ff]igure\b|\b{_AT} (?:this|these) {_SEEN}\b"
    r"|\bFig(?:ure|\.)?s?\s?\d|\b[Ff]igure\s?\(|\((?:see|as shown|refer to)\b[^)]*\)|\bas (?:shown|depicted|"
    r"illustrated|pictured)(?:\s(?:above|below|here|in)\b|[,.:?)])"
    r"|\b(?:shown|depicted|pictured|illustrated|drawn|displayed|marked|highlighted|colou?red) (?:above|below|"
    r"here)\b|\bPlease (?:observe|look|judge)\b"
)
# A picture by a name that is also an everyday word: it points where the stem has not spoken of one before.
_NAMED_RE = re.compile(
    r"\b(?:in|on|from|by|to|see|using) the (graph|chart|map|picture|photo|photograph|drawing|"
    r"image|cartoon|plot|sketch)\b",
    re.IGNORECASE,
)
TABLE_RE = re.compile(
    r"\b(?:above|below|following|accompanying|given|attached)\s(?:\w+\s)?(?:tables?|schedules?|spreadsheets?|"
    r"payoff matri|payoffs|chart|balance sheet|statement of)|\b(?:table|schedule|matrix|payoffs?) (?:above|below|"
    r"shown|given below)"
    r"|\b(?:in|from|using|use|consult) (?:the|this|these) (?:\w+ )?tables?\b(?! (?:salt|top|cloth|"
    r"tennis))(?=[\s\S]*)|\bTable \d|\b(?:are|is) (?:given|shown|listed|as follows|tabulated) (?:below|in the table)"
    r"|\btabulated\b|\bdata (?:above|below)\b|\bgiven the above\b|\babove (?:statement|data|information|problem|"
    r"example)",
    re.IGNORECASE,
)
PASSAGE_RE = re.compile(
    r"\b(?:according to|based on|reading|read) (?:the|this|these|that) (?:\w+ )?(?:passages?|excerpts?|documents?|"
    r"extracts?|readings?|paragraphs?|quotations?|quotes?|source|text|poem|story|article|letter|speech)\b"
    r"|\b(?:in|of|by|from) (?:the|this|these) (?:passages?|excerpts?|extracts?|readings|quotations?)\b"
    r"|\brefers? to the following\b|\b(?:passage|excerpt|document|text|quotation|poem|paragraph)s? (?:above|"
    r"below)\b|\b(?<!of the )(?:above|following|preceding) (?:passage|excerpt|document|text|quotation|poem|paragraph"
    r"|quote|reading|dialogue|conversation)s?\b"
    r"|\b(?:this|these) (?:passages?|excerpts?|documents?|quotations?|paragraphs?|texts?)\b|\bthe (?:passage|"
    r"excerpt)\b|\b(?:refer|referring) to (?:Scenario|Problem|Question|Exercise|Case)\b|\b(?:Questions|"
    r"Items) \d+\s?[-–] ?\d+",
    re.IGNORECASE,
)
# Other problems, answers and sections of the book that a stem was torn from.
_ELSEWHERE = (
    r"\b(?:of|from|as in|see|using) (?:the )?(?:previous|preceding|last|above|prior|earlier|next) (?:problem|"
    r"question|exercise|example|part|section|case|chapter)"
    r"|\b(?:Problem|Exercise|Example|Question|Eq(?:uation|\.)?|Equation|Section|Part|Chapter|"
    r"Theorem) \(?\$?\d+(?:[-.]\d+)|\bmentioned (?:above|earlier|before)\b|\bdescribed (?:above|earlier|below)\b"
    r"|\b(?:above|below)-mentioned\b|\bgiven (?:above|below)\b|\b(?:listed|stated|defined|discussed|shown|provided|"
    r"presented) (?:above|below)\b|\b(?:as|see) (?:above|below)\b|\b(?:options|choices|statements|answers) below\b|"
    r"\bthe below\b|^.{0,150}\bthe above\b|\bexpression below\b"
    r"|\bsame (?:reaction|conditions|situation) as (?:above|in)\b|^\s*(?:and|or|but|then|also)\b"
)
ELSEWHERE_RE = re.compile(_ELSEWHERE, re.IGNORECASE)

# For a row that comes with a picture: words that lean on it even where no picture is named.
LEANING_RE = re.compile(
    r"\b(?:shown|depict(?:s|ed|ion|ing)?|above|below|observ\w+|visible|visual\w*|looks?|looking|seen|appearance|"
    r"pictured|labell?ed|marked|shaded|"
    r"illustrat\w+|figures?|pictures?|images?|photo\w*|diagrams?|graphs?|charts?|maps?|tables?|curves?|schedules?|"
    r"scenes?|scenario|details?|composition|colou?r\w*|patterns?|posture|gestures?|"
    r"paintings?|painted|artworks?|sculptures?|artist|painter|posters?|portraits?|cartoons?|comics?|caricatures?|"
    r"emoji|stamps?|relics?|artifacts?|unearthed|inscriptions?|murals?|games?|payoffs?|matrix|"
    r"documents?|materials?|passages?|excerpts?|lyrics|text|poem|sentence|speaker|author|guide|data|coupons?|list|"
    r"listed|"
    r"according to|judg\w+|in the (?:left|right|middle|center|centre|background|foreground)|point [A-Z]|line [A-Z]|"
    r"region [A-Z]|area [A-Z]|"
    r"the (?:left|right|upper|lower|top|bottom|person|man|woman|child|figure|object|building|structure|house|animal|"
    r"plant|work|piece|statue|mask|vessel|costume|dress|clothing|instrument|pot|jar|bowl|cup|seals?|"
    r"coins?|dancer|performer|body|temple|church|tower|bridge|roof|column|decorations?|decorative|character|"
    r"characters|nation of|shape)|formula|(?:this|these) (?:round|country|city|region|state|province|party|area|work"
    r"|curve)|symbols?|technical inspection|the (?:entire|whole) (?:state|country|region|county|area)|"
    r"represents?|denotes?|stands? for|(?:QD|QS|D1|S1|MC|MR|ATC|AVC|LRAS|SRAS|AD)\b(?! (?:is|are) called)|"
    r"(?:price|prices|wages?|output|quantity|tax) (?:is|are|of|equals?) \$?\d+)\b|"
    r"\$\s?\d|(?<![\w.,])\d{1,3}(?![\w,.-]\w| (?:BC|AD|CE))\b"
    r"|^\s*(?:it|its|he|she|they|his|her|their|this|these)\b|[①-⑳]|\bI\)|\b[A-Z]\d\b|\[|\bwhat (?:is|was) (?:his|her"
    r"|their|its) |\bQuestions? \d",
    re.IGNORECASE,
)
_LAST_RE = re.compile(
    r"\b(?:does|did|is|was|behind|explain\w*|caus\w*|reflect\w*) (?:this|that)\b(?=\s(?:best|most|"
    r"mainly|primarily)?\s?(?:reflect|indicate|show|mean|illustrate|happen|suggest|the case)|[?.,])|\b(?:this|"
    r"these) (?:phenomen\w+|trends?|changes?|results?|differences?|situations?|outcomes?|policy|policies|events?|"
    r"shifts?|movements?)\b",
    re.IGNORECASE,
)
_DEICTIC_RE = re.compile(r"\b(?:this|these|those)\b", re.IGNORECASE)
# A year, or a name within a sentence: what the question is about is said, not shown.
_ANCHOR_RE = re.compile(
    r"\b1[0-9]\d\d\b|\b20\d\d\b|(?<=[a-z,] )(?!I\b)[A-Z][a-zé]{2,}|\b(?:the|in|of) [A-Z][a-z]+|"
    r"[A-Z][a-z]+'s\b|\b[A-Z]{2,}\b"
)
_LONG_ENOUGH = 8


# A word of each is in whatever the four expressions find; looking for those first is many times faster.
_HINTS = (
    "picture image figure photo diagram illustrat drawing cartoon comic caricature poster graph chart map plot "
    "sketch schem screenshot infographic portrait x-ray "
    "fig. fig shown depict pictured seen indicated drawn displayed marked highlighted observe look see table "
    "schedule spreadsheet payoff matrix sheet tabulated data above "
    "below passage excerpt document extract reading paragraph quot source text poem story article letter speech "
    "refer dialogue conversation previous preceding last prior earlier next "
    "problem question exercise example equation section part chapter theorem eq items mentioned described listed "
    "stated defined discussed provided presented options choices given statement"
).split()
_HINT_RE = re.compile("|".join(_HINTS))
_FIRST_RE = re.compile(r"\s*(?:and|or|but|then|also)\b", re.IGNORECASE)


_IMAGE = {
    "de": "(?:Bild|Abbildung|Foto|Grafik|Diagramm|Karte|Zeichnung|Skizze|Karikatur)",
    "es": "(?:imagen|figura|foto|fotografía|ilustración|dibujo|gráfico|diagrama|mapa|caricatura)",
    "fr": "(?:image|figure|photo|photographie|illustration|dessin|schéma|graphique|diagramme|caricature)",
}
# What points at a picture or a table in other languages.
_POINTING = {
    "ar": r"(?:في|على|من) (?:هذه |هذا )?(?:الصورة|الشكل|الرسم|الخريطة|المخطط|الجدول)\b|هذه الصورة|(?:أدناه|أعلاه)",
    "de": rf"\b(?:im|auf dem|in der|auf der|diese[mrs]?) (?:\w+ )?{_IMAGE['de']}\b|\b{_IMAGE['de']} (?:oben|unten)\b",
    "es": rf"\b(?:en (?:la|el)|est[ae]) {_IMAGE['es']}\b|\b{_IMAGE['es']} (?:de abajo|de arriba|adjunt[ao])\b",
    "fr": rf"\b(?:(?:dans|sur) (?:l'|la |le )|cet?(?:te)? ){_IMAGE['fr']}\b|\bci-(?:dessous|dessus|contre)\b",
    "ru": r"\bна (?:\w+ )?(?:рисунк|изображени|картин|фото|схем|график|диаграмм)\w*|\bэто\w* (?:фото|рису)\w*",
    "zh": "[图圖](?:中|片|示)|[上下左右附如此该][图圖](?![书書])|[这此该][张幅]|照片中|画面中|[上下]表(?=中|所|显|列)",
}
_POINTING_RES = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in _POINTING.items()}


def points_at_picture(stem: str, language: str) -> str:
    """The words of a stem, in another language than English, that point at a picture or a table; "" where none do."""
    pointing = _POINTING_RES.get(language.split("-")[0])
    found = pointing.search(stem.replace("’", "'")) if pointing else None
    return found[0] if found else ""


# What a spoken line shows a picture with: a picture by its name, in the group `it`, or a pointing finger.
_SHOWN = {
    "ar": r"(?:في|على|من) (?:هذه |هذا )?(?P<it>الصورة|الشكل|الرسم|الخريطة|المخطط|الجدول)\b|(?:أدناه|أعلاه)",
    "de": rf"\b(?:die|das|den|der|dem|diese[mrsn]?) (?P<it>{_IMAGE['de']})\b(?! (?:von|des|der)\b)|"
    r"\b(?:oben|unten) gezeigt",
    "en": r"\b(?:the|this|that|these|those|your) (?:[\w'-]+ )?(?P<it>pictures?|images?|photos?|photographs?|"
    r"diagrams?|illustrations?|graphs?|charts?|maps?|plots?|sketch(?:es)?|schematics?|screenshots?|infographics?|"
    r"cartoons?|comics?|caricatures?|posters?|drawings?)\b(?! (?:of|for)\b)|"
    r"\b(?:in|from|by|see) (?:the|this) (?:\w+ )?(?P<too>figure|table)\b(?! of\b)|"
    r"\b(?:shown|depicted|pictured|illustrated|displayed|seen|drawn|marked|highlighted) (?:above|below|here)\b|"
    r"\bas (?:shown|depicted|illustrated|pictured)\b|"
    r"\b(?:above|below|attached|accompanying) (?:picture|image|figure|photo|diagram|graph|chart|map|table)s?\b|"
    r"\b(?:picture|image|figure|photo|diagram|graph|chart|map|table)s? (?:above|below|attached|provided)\b|"
    r"\bfigure (?:one|two|three|four|five|six|seven|eight|nine|ten|[a-f])\b|"
    r"\blook(?:ing)? at (?:this|these)\b(?! (?:from|in)\b)|\b(?:you|we) can see (?:here|above|below)\b",
    "es": rf"\b(?:la|el|las|los|est[aeo]s?) (?P<it>{_IMAGE['es']})\b(?! (?:de|del)\b)|"
    r"\b(?:mostrad|indicad)[ao]s? (?:arriba|abajo)",
    "fr": rf"(?:\b(?:la|le|les|cet?(?:te)?|ces) |\bl')(?P<it>{_IMAGE['fr']})\b(?! (?:de|du|d')\b)|"
    r"\bci-(?:dessous|dessus|contre)\b",
    "ru": r"\b(?:на|эт\w+) (?:\w+ )?(?P<it>рисунк|изображени|картин|фото|схем|график|диаграмм|карт)\w*|"
    r"\b(?:ниже|выше) показан",
    "zh": "(?:如|见|看|读|据|由|从|下|上|左|右|附|所示|观察|结合)[图圖表](?![书書馆館腾騰纸紙面示现達达演决])|"
    "(?<![意企版蓝试地力])[图圖](?:中|里|上|内|片中|片里|示|像中)|"
    "[这此该][张幅个](?P<it>图片|图表|图像|图|照片|漫画|地图|画|表格|示意图)|"
    "(?P<too>图片|照片|画面|插图|漫画|地图|表格)[中里上]|[图表][一二三四五六七八九十甲乙丙丁]",
}
_SHOWN_RES = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in _SHOWN.items()}
# What brings up a thing that the listener does not know yet.
_BRINGING = {
    "ar": "",
    "de": r"\b(?:eine?[mnrs]?|zwei|drei|meine?[mnrs]?)\b[^.?!]{0,40}",
    "en": r"\b(?:an?|one|two|three|my|our|some|another|several)\b[^.?!]{0,40}",
    "es": r"\b(?:una?|unos|unas|dos|tres|mi)\b[^.?!]{0,40}",
    "fr": r"\b(?:une?|des|deux|trois|mon|ma)\b[^.?!]{0,40}",
    "ru": r"\b(?:од[ие]н\w*|есть|вижу|нарисован\w*|мо[йяюе]\w*|дв[ае])\b[^.?!]{0,40}",
    "zh": "[一两几有]\\s*[张幅个种]?[^。？！]{0,16}",
}


def points_away(text: str, before: str, language: str) -> str:
    """The words with which a spoken line points at a picture that no listener sees; "" where none do.

    A picture that somebody has brought up in this line or `before` ('a map that shows three rivers') may be spoken of.
    """
    code = language.split("-")[0]
    pointing = _SHOWN_RES.get(code)
    text = text.replace("’", "'")
    for found in pointing.finditer(text) if pointing else ():
        groups = found.groupdict()
        named = groups.get("it") or groups.get("too")
        known = f"{before} {text[: found.start()]}"
        if not named or not re.search(f"{_BRINGING[code]}{re.escape(named.rstrip('s'))}", known, re.IGNORECASE):
            return found[0]
    return ""


def unseen(stem: str) -> tuple[str, str] | None:
    """The reason and the words, where the stem points at something that is not said (picture, table, passage); else
    None."""
    if not _HINT_RE.search(stem.lower()) and not _FIRST_RE.match(stem):
        return None
    if found := PICTURE_RE.search(stem):
        return "needs_picture", found[0]
    for found in _NAMED_RE.finditer(stem):
        if found[1].lower() not in stem[: found.start()].lower():
            return "needs_picture", found[0]
    if found := TABLE_RE.search(stem):
        return "needs_table", found[0]
    if found := PASSAGE_RE.search(stem):
        return "needs_passage", found[0]
    if found := ELSEWHERE_RE.search(stem):
        return "needs_passage", found[0]
    return None


def leans_on_picture(stem: str) -> str:
    """The words that make a stem depend on its picture; "" where it makes sense without."""
    if found := LEANING_RE.search(stem):
        return found[0]
    deictic = _DEICTIC_RE.search(stem)
    if deictic:
        before = stem[: deictic.start()]
        if not (_LAST_RE.search(stem) and len(before.split()) >= _LONG_ENOUGH and _ANCHOR_RE.search(before)):
            return deictic[0]
    return "" if _ANCHOR_RE.search(stem) else "nothing in it is named"
