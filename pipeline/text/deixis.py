"""What a stem points at that a listener cannot see: a picture, a table, a passage, a list of statements."""

import re

_SEEN = (
    r"pictures?|images?|figures?|photos?|photographs?|photography|diagrams?|illustrations?|drawings?|cartoons?|comics?|caricatures?|posters?|"
    r"graphs?|charts?|maps?|plots?|sketch(?:es)?|schematics?|schema|screenshots?|infographics?|portraits?|x-rays?|radiographs?"
)
_ARTICLE = r"(?:the|this|these|that|those|above|below|following|attached|accompanying|given|provided|shown|two|three|four|each|both|which|left|right)"
# Nouns that a picture would be called by, with something that points at one.
PICTURE_RE = re.compile(
    rf"\b(?:in|on|from|of|by|to|with|at|under|see|per|refer to|look at|consider|examine|observe|observing|study|use|using|depicted by|into|within|through|under)\s(?:the\s|this\s|these\s|that\s|those\s|an?\s)?"
    rf"(?:\w+\s)?(?:{_SEEN})(?:\s(?:above|below|shown|provided|given|depict|attached|represent)|\b(?=\s?[,.:;?)]|$|\s(?:and|is|are|what|which|that|does|do|reflects?|shows?|depicts?|illustrates?)\b))"
    rf"|\b(?:above|below|following|attached|accompanying|adjacent)\s(?:\w+\s)?(?:{_SEEN})\b|\b(?:{_SEEN})\s(?:above|below|on the (?:left|right)|at (?:left|right)|shown|provided|attached)\b"
    rf"|\b(?:{_SEEN})\s(?:\w+\s)?(?:show(?:s|n|ing)?|depict(?:s|ed|ing)?|illustrat(?:es?|ed|ing)|displays?|presents?|portrays?)\b"
    r"|\bFig(?:ure|\.)?s?\s?\d|\bfigure\s?\(|\((?:see|as shown|refer to)\b[^)]*\)|\bas (?:shown|depicted|illustrated|pictured|seen|indicated)(?:\s(?:above|below|here|in)|[,.:?)])"
    r"|\b(?:shown|depicted|pictured|illustrated|drawn|displayed|marked|highlighted|colou?red) (?:above|below|here)\b|\b(?:observe|look(?:ing)? (?:closely|carefully|at)|please (?:observe|look|judge))\b.{0,60}\b(?:details?|picture|shape|pattern|colou?r)",
    re.IGNORECASE,
)
TABLE_RE = re.compile(
    r"\b(?:above|below|following|accompanying|given|attached|this|these)\s(?:\w+\s)?(?:tables?|schedules?|spreadsheets?|payoff matri|payoffs|chart|balance sheet|statement of)|\b(?:table|schedule|matrix|payoffs?) (?:above|below|shown|given below)"
    r"|\b(?:in|from|of|to|on|by|using|use|consult|with) (?:the|this|these) (?:\w+ )?tables?\b(?! (?:salt|top|cloth|tennis))|\bTable \d|\b(?:are|is) (?:given|shown|listed|as follows|tabulated) (?:below|in the table)|\btabulated\b|\bdata (?:above|below)\b|\bgiven the above\b|\babove (?:statement|data|information|problem|example)",
    re.IGNORECASE,
)
PASSAGE_RE = re.compile(
    r"\b(?:according to|based on|in|from|of|by|to|on|reading|read|with) (?:the|this|these|that) (?:\w+ )?(?:passages?|excerpts?|documents?|extracts?|readings?|paragraphs?|quotations?|quotes?|source|text|poem|story|article|letter|speech)\b"
    r"|\brefers? to the following\b|\b(?:passage|excerpt|document|text|quotation|poem|paragraph)s? (?:above|below)\b|\b(?:above|following|preceding) (?:passage|excerpt|document|text|quotation|poem|paragraph|quote|statements?|information|argument|reading|scenario|dialogue|conversation)s?\b(?=.*\?)"
    r"|\b(?:this|these) (?:passages?|excerpts?|documents?|quotations?|paragraphs?|texts?)\b|\bthe (?:passage|excerpt)\b|\b(?:refer|referring) to (?:Scenario|Problem|Question|Exercise|Case)\b|\b(?:Questions|Items) \d+\s?[-–] ?\d+",
    re.IGNORECASE,
)
# Other problems, answers and sections of the book that a stem was torn from.
_ELSEWHERE = (
    r"\b(?:in|of|from|to|as in|see|by|using|with) (?:the )?(?:previous|preceding|last|above|prior|earlier|next) (?:problem|question|exercise|example|part|section|case|chapter)"
    r"|\b(?:Problem|Exercise|Example|Question|Eq(?:uation|\.)?|Equation|Section|Part|Chapter|Theorem) \(?\$?\d+(?:[-.]\d+)|\bmentioned (?:above|earlier|before)\b|\bdescribed (?:above|earlier|below)\b"
    r"|\b(?:above|below)-mentioned\b|\bgiven (?:above|below)\b|\b(?:listed|stated|defined|discussed|shown|provided|presented) (?:above|below)\b|\b(?:as|see) (?:above|below)\b|\b(?:options|choices|statements|answers) below\b|\bthe (?:above|below)\b|\bexpression below\b"
    r"|\bsame (?:reaction|conditions|situation) as (?:above|in)\b|^\s*(?:and|or|but|then|also)\b"
)
ELSEWHERE_RE = re.compile(_ELSEWHERE, re.IGNORECASE)

# For a row that comes with a picture: words that lean on it even where no picture is named.
LEANING_RE = re.compile(
    r"\b(?:this|these|those|here|shown|depicted|depicts?|above|below|following|observ\w+|visible|visual\w*|looks?|seen|see|appears?|appearance|pictured|labell?ed|marked|shaded|"
    r"illustrat\w+|figures?|pictures?|images?|photo\w*|diagrams?|graphs?|charts?|maps?|tables?|curves?|schedules?|scenes?|scenario|details?|composition|colou?rs?|coloring|pattern|patterns|posture|gestures?|"
    r"painting|artwork|sculpture|artist|painter|posters?|portraits?|cartoons?|comics?|caricatures?|emoji|stamps?|relics?|artifacts?|unearthed|inscriptions?|murals?|game|payoffs?|matrix|"
    r"according to|based on|from the|in the (?:left|right|middle|cent(?:er|re)|background|foreground)|the (?:left|right|upper|lower|top|bottom)|point [A-Z]|line [A-Z]|area|region [A-Z]|location|the (?:two|three|four|person|man|woman|"
    r"character|characters|figure|object|building|structure|house|city|country|nation|animal|species|plant|organism|work|piece|statue|mask|vessel|costume|dress|clothing|instrument|pot|jar|bowl|cup|seal|coin|text|document|data|party|"
    r"election|region|province|state|candidate|firm|market|company|consumer|economy|monopolist|table|material|materials|question|topic|passage|excerpt|lyrics|word|words|sentence|speaker|author|dancer|performer|body|temple|church|tower|bridge|wall|door|window|roof|column|decoration|symbols?))\b"
    r"|\(\s*\)|^\s*(?:it|its|he|she|they|his|her|their)\b|[①-⑳]|\bI\)|\b[A-Z]\d\b|\bwhat (?:is|was) (?:the|his|her|their|its) (?:name|title|identity)",
    re.IGNORECASE,
)


def unseen(stem: str) -> tuple[str, str] | None:
    """(reason, the words) where the stem points at something that was not said: picture, table, passage; else None."""
    if found := PICTURE_RE.search(stem):
        return "needs_picture", found[0]
    if found := TABLE_RE.search(stem):
        return "needs_table", found[0]
    if found := PASSAGE_RE.search(stem):
        return "needs_passage", found[0]
    if found := ELSEWHERE_RE.search(stem):
        return "needs_passage", found[0]
    return None


def leans_on_picture(stem: str) -> str:
    """The words of a stem with a picture that make no sense without it; "" where the stem stands alone."""
    found = LEANING_RE.search(stem)
    return found[0] if found else ""
