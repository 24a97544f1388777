"""The elements of a written text that must be heard: numbers by value, signs, powers, brackets, units, months."""

import re
from dataclasses import dataclass
from fractions import Fraction

from kame_data.text import expressions, relations
from kame_data.text.atoms import FIRM, Label, edges, readings, words_of
from kame_data.text.measured import EXPONENT_RE, names, number, units
from kame_data.text.written import Alternative, Made, Ways, Written

_ROMAN_RE = re.compile(r"(?:X{0,3}(?:IX|IV|V?I{1,3}|V)|X{1,3}|L[IVX]{1,4})")
_MARK_RE = re.compile(r"\(?(?:[a-hA-H]|i{1,3}|iv|v|\d{1,2})[.)]")
_COMPARED: dict[str, tuple[Label, ...]] = {
    "=": ("equals",), "<": ("less",), ">": ("greater",), "≤": ("less", "equal"), "<=": ("less", "equal"),
    "≥": ("greater", "equal"), ">=": ("greater", "equal"), "≠": ("equal",), "!=": ("equal",), "≈": ("about",),
    ">>": ("greater",), "<<": ("less",), "≫": ("greater",), "≪": ("less",), "±": ("plus", "minus"),
    "+/-": ("plus", "minus"), "√": ("root",), "∞": ("infinity",),
    "%": ("percent",), "→": ("gives",), "⇌": ("balance",),
}  # fmt: skip
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_WINDOW = 24


@dataclass(frozen=True, slots=True)
class Element:
    """Something of the source that must be heard, in one of some ways; `text` is how it is written, with some signs
    around. Of an element in words, `words` are these, and `before` is the word before them."""

    ways: Ways
    text: str
    words: str = ""
    before: str = ""

    @property
    def figures(self) -> bool:
        """True for an element that is written in figures or signs."""
        return not self.words


def elements(text: str) -> list[Element]:
    """Parts of a written text that must be heard, in order. Takes text of plain notation (`latex.plain`)."""
    written = Written.of(text)
    found: list[Element] = []
    index = 0
    while index < len(written.tokens):
        token = written.tokens[index]
        step = number if token["number"] else _word if token["word"] else _sign
        made, following = step(written, index)
        end = written.tokens[following - 1].end()
        around = text[max(0, token.start() - 8) : end + 8].strip()
        words, before = (text[token.start() : end], written.word(index - 1)) if token["word"] else ("", "")
        found += [Element(ways, around, words, before) for ways in made]
        index = following
    return found


def _word(written: Written, index: int) -> Made:
    word = written.word(index)
    if len(word) == 1 and word in "abcdefgh" and written.sign(index + 1) == ")" and written.sign(index - 1) != "(":
        return [((Fraction("abcdefgh".index(word) + 1),), ())], index + 2
    if _ROMAN_RE.fullmatch(word):
        value = Fraction(_roman(word))
        return [((value,), ())], index + 1
    if (labels := names(word)) and any(label in FIRM for label in labels) and word.lower() not in ("square", "cubic"):
        return [(labels, tuple(label for label in labels if label not in FIRM), ())], index + 1
    if word.lower() in ("sq", "sqft"):
        return [(("square",),)], index + 1
    if word.lower() == "cu" and (written.sign(index + 1) == "." or names(written.word(index + 1))):
        return [(("cube",),)], index + 1
    if word == "OH":
        return [], index + 1
    run = _run(written, index)
    words = [part for i in run for part in words_of(written.word(i))]
    if not words:
        return [], index + 1
    best = max((end for _, end in readings(words, 0)), default=0)
    if best:
        values = [value for value, end in readings(words, 0) if end == best]
        scaled = [(value,) for value in values]
        optional = [()] if word.lower() == "second" and best == 1 else []
        return [(*scaled, *optional)], run[min(best, len(run)) - 1] + 1
    counted = written.number(index - 1) and written.touches(index)
    if word in ("x", "X") and (counted or written.is_operand(index + 1, left=False)):
        return [(("times",), ("by",), ())], index + 1
    if word.lower() == "sqrt":
        return [(("root",),)], index + 1
    sign = next((edge for edge in edges(words[:2])[0] if edge.label in FIRM and edge.firm), None)
    return ([((sign.label,),)], run[min(sign.end, len(run)) - 1] + 1) if sign else ([], index + 1)


def _run(written: Written, index: int) -> list[int]:
    """The word tokens from one on, with nothing but spaces and hyphens between; at most as many as a number has."""
    found = [index]
    at = index + 1
    while len(found) < _WINDOW:
        if written.sign(at) == "-" and written.touches(at) and written.touches(at + 1):
            at += 1
        if not written.word(at) or _ROMAN_RE.fullmatch(written.word(at)):
            break
        found.append(at)
        at += 1
    return found


def _roman(numeral: str) -> int:
    values = [_ROMAN[c] for c in numeral]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _sign(written: Written, index: int) -> Made:
    sign, text = written.sign(index), written.text
    start = written.tokens[index].start()
    if sign in ("-", "–"):
        return [_dash(written, index)], index + 1
    if sign == "^":
        return _power(written, index)
    if sign in "√|°→" and (made := _related(written, index)):
        return made
    if sign in _COMPARED:
        ways: Ways = (_COMPARED[sign],)
        return [ways if sign != "%" else (*ways, ())], index + 1
    between = written.is_operand(index - 1, left=True) and written.is_operand(index + 1, left=False)
    if sign == "+":
        return [(("plus",),) if between else (("plus",), ())], index + 1
    if sign in ("*", "×", "·"):
        letters = written.word(index - 1) and written.word(index + 1)
        return (
            [(("times",), ("by",), *([()] if letters else []))] if between else [(("times",), ("by",), ())]
        ), index + 1
    if sign == "/":
        return ([(("over",), ("per",), ("or",), ())] if between else []), index + 1
    if sign == "[" and written.is_operand(index - 1, left=True):
        return [(("times",), ())], index + 1
    if sign == "(" and (m := _MARK_RE.match(text, start)) and m[0].endswith(")"):
        mark = m[0][1:-1]
        order = "abcdefgh".find(mark.lower()) + 1 if not mark.isdigit() else int(mark)
        order = order or {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}.get(mark, 0)
        if order and not (written.touches(index) and written.is_operand(index - 1, left=True)):
            return [((Fraction(order),), ())], written.after(m.end(), index)
    if sign == "(":
        return _bracket(written, index)
    return [], index + 1


def _related(written: Written, index: int) -> Made | None:
    """Elements of a sign that its neighbours give its sense: a root with an order, a bar, a degree, an arrow."""
    sign, text, start = written.sign(index), written.text, written.tokens[index].start()
    if sign == "√":
        if written.sign(index + 1) != "[" or written.sign(index + 3) != "]":
            return ([(("times", "root"), ("root",))], index + 1) if written.number(index - 1) else None
        order = written.number(index + 2)
        cube: Ways = (("cube root",),) if order == "3" else ()
        return [(*cube, (*((Fraction(order),) if order else ()), "root"))], index + 4
    if sign == "|":
        opened = relations.opens(text, start)
        times: list[Ways] = [(("times",),)] if opened == "factor" else []
        return ([*times, (("absolute",),)] if opened else [(("given",), ())]), index + 1
    if sign == "°":
        named = written.word(index - 1) and written.touches(index)
        return ([(("standard",), ("degree",), ("kelvin",), ("angstrom",))] if named else []), index + 1
    return [(("gives",), ("approaches",), ("to",))], index + 1


def _dash(written: Written, index: int) -> Ways:
    if expressions.is_minus(written.text, written.tokens[index].start()):
        return (("minus",),)
    after = written.number(index + 1)
    code = after.startswith("0") or written.sign(index + 2) in ("-", "–") or written.sign(index - 2) in ("-", "–")
    if written.number(index - 1) and after and not code:
        return ("to",), ("minus",)
    return (("minus",), ("to",), ())


def _power(written: Written, index: int) -> Made:
    m = EXPONENT_RE.match(written.text, written.tokens[index].start())
    if m is None:
        return [], index + 1
    inner = next(group for group in m.groups() if group is not None).replace(" ", "")
    end = written.after(m.end(), index)
    if charge := re.fullmatch(r"(\d?)([+-])", inner):
        number: Alternative = (Fraction(charge[1]),) if charge[1] else ()
        return [((*number, "plus" if charge[2] == "+" else "minus"),)], end
    if (charge := re.fullmatch(r"\+(\d)", inner)) and written.word(index - 1)[:1].isupper():
        return [((Fraction(charge[1]), "plus"), ("plus", Fraction(charge[1])))], end
    if inner in ("°", "'", "*", ""):
        return [], end
    if inner in ("2", "3"):
        value = Fraction(inner)
        return [(("square" if inner == "2" else "cube",), ("power", value), (value,))], end
    if re.fullmatch(r"\d{1,3}", inner) and (
        not written.is_operand(index - 1, left=True) or written.sign(index - 2) + written.sign(index - 1) == "{}"
    ):
        return [((Fraction(inner),),)], end  # a mass number
    if re.fullmatch(r"-[123]", inner) and names(written.word(index - 1)):
        raised: Ways = {"-1": (("per",),), "-2": (("per", "square"),), "-3": (("per", "cube"),)}[inner]
        power: Alternative = ("power", "minus", Fraction(inner[1:]))
        return [
            (*raised, power, *(("per", *names(written.word(index - 1)), label) for label in ("square", "cube")))
        ], end
    if re.fullmatch(r"-?\d{1,3}", inner):
        made = [(("power",),)] + [element.ways for element in elements(inner)]
        measured, end = units(written, end)
        return made + measured, end
    made: list[Ways] = [(("power",),)]  # type: ignore[no-redef]
    if re.search(r"[\w)][-+]", inner):
        made.append((("quantity",),))
    return made + [element.ways for element in elements(inner)], end


def _bracket(written: Written, index: int) -> Made:
    """Needs of a bracket of a sum: the words that hold it together, and the product that no sign shows."""
    text, start = written.text, written.tokens[index].start()
    close = text.find(")", start, start + 80)
    inner = text[start + 1 : close] if close > 0 else ""
    if not inner or "(" in inner or not expressions.is_sum_or_number(inner):
        return [], index + 1
    before, joined = written.sign(index - 1), written.touches(index) and written.sign(index - 1) != "√"
    is_sum = expressions.is_sum(inner)
    subtracted = before == "-" and expressions.is_minus(text, written.tokens[index - 1].start())
    if before in ("*", "×", "·", "/") or subtracted:
        return ([(("quantity",),)] if is_sum else []), index + 1
    if not joined:
        return [], index + 1
    if not written.number(index - 1):
        return [(("times",), ())], index + 1
    said = expressions.say_brackets(expressions.say_minus(text[max(0, start - _WINDOW) : close + _WINDOW]))
    if " times " not in said:
        return [], index + 1
    return [(("times",),), *([(("quantity",),)] if is_sum else [])], index + 1
