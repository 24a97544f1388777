"""GSM8K: word problems with their working and, after `####`, a number."""

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

from kame_data import seeds
from kame_data.errors import Refusal
from kame_data.records import Question
from kame_data.sources import base
from kame_data.sources.base import Row, Source

_MARK = re.compile(r"<<([^<>]*)=([^<>=]*)>>")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?: \d{3})+(?!\d)|\d+(?:\.\d+)?|\.\d+")
_FINAL = re.compile(rf"[-−]?[^\w\s.]?\s*(?:{_NUMBER.pattern})\s*(?:%|°|[a-zA-Z]+)?\.?")
# A sum in plain text: bare numbers and operators up to an equals sign, after a word that does no arithmetic itself.
_TERM = r"\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\d,])"
_SUM = re.compile(
    rf"(?<![A-Za-z])(?!(?:of|by|than|times|plus|minus|and|percent)\b)[A-Za-z]{{2,}}:?\s+({_TERM}(?:\s*[-+−*/]\s*{_TERM})+)"
    rf"\s*=\s*({_TERM})(?![\d/*])"
)
# The left side of an equation, which states no result.
_OPERANDS = re.compile(r"\$?\d[\d$.,()\s+−*/x×÷-]*[-+−*/x×÷][\d$.,()\s+−*/x×÷-]*=")


class Gsm8k(Source):
    """openai/gsm8k, or a file in its columns."""

    name = "gsm8k"
    title = "GSM8K"
    hub_id = "openai/gsm8k"
    config = "main"
    splits = ("train", "test")
    columns = ("question", "answer")
    licence = "MIT"
    citation = """@article{cobbe2021gsm8k,
  title = {Training Verifiers to Solve Math Word Problems},
  author = {Cobbe, Karl and Kosaraju, Vineet and Bavarian, Mohammad and Chen, Mark and Jun, Heewoo and Kaiser, Lukasz
            and Plappert, Matthias and Tworek, Jerry and Hilton, Jacob and Nakano, Reiichiro and Hesse, Christopher and
            Schulman, John},
  journal = {arXiv preprint arXiv:2110.14168},
  year = {2021}
}"""

    def own_id(self, row: Row) -> str:
        """A hash of question and answer, for the source has no ids."""
        return seeds.digest(row.get("question"), row.get("answer"))[:16]

    def question(self, row: Row, split: str) -> Question:
        """See `Source.question`; the answer is the number after `####`, which the working must end in."""
        stem = base.stem(row)
        working, final = _parts(base.text(row, "answer", default=""))
        _check(working, final)
        return Question(
            id=self.record_id(row),
            source=self.name,
            stem=stem,
            answer=final,
            working=working,
            category="math",
            source_split=split,
        )


def _parts(answer: str) -> tuple[str, str]:
    """Working and final number of an answer field."""
    working, mark, final = answer.rpartition("####")
    final = final.strip()
    if not mark or not final:
        raise Refusal("missing_answer", "no number follows '####'" if mark else "there is no '####' with the answer")
    if "####" in working:
        raise Refusal("contradictory_answer", "there are several '####' with an answer")
    if not _FINAL.fullmatch(final):
        raise Refusal("missing_answer", f"'{final[:40]}' after '####' is not a number")
    return working.strip(), final


def _check(working: str, final: str) -> None:
    """Raises Refusal `contradictory_answer` where the working ends in another number than the answer."""
    answer = _numbers(final)[0]
    lines = [line for line in working.splitlines() if line.strip()]
    if not lines:
        return
    closing = lines[-1]
    results = [(expression, _value(result)) for expression, result in _MARK.findall(closing)]
    results += [(expression, _value(result)) for expression, result in _SUM.findall(_MARK.sub("", closing))]
    for expression, result in results:
        computed = evaluate(expression)
        if result is not None and computed is not None and _agree(answer, result) and not _agree(result, computed):
            raise Refusal(
                "contradictory_answer", f"the working closes with {expression.strip()}={result}, which is {computed}"
            )
    plain = _numbers(_OPERANDS.sub(" ", _MARK.sub("", closing)))
    ends = plain + [result for _, result in results if result is not None]
    if any(_agree(answer, number) for number in ends):
        return
    if not results:
        # A closing line without a computation may leave the number to an earlier one.
        earlier = [_value(result) for _, result in _MARK.findall(working)] + _numbers(_MARK.sub("", working))
        if not ends or any(number is not None and _agree(answer, number) for number in earlier):
            return
    raise Refusal("contradictory_answer", f"the answer is {final}, the working ends in '{closing[-60:].strip()}'")


def _agree(answer: Fraction, number: Fraction) -> bool:
    """True where two numbers are the same by value: equal, rounded up or down, or as percent or cents of the other."""
    for scaled in (number, number * 100, number / 100):
        if abs(scaled - answer) <= min(max(answer, Fraction(1)) / 100, Fraction(1, 10)):
            return True
    rounded = (number,) if number > 1 else (number, number * 100)
    return answer.denominator == 1 and any(n.denominator != 1 and abs(n - answer) < 1 for n in rounded)


def _numbers(text: str) -> list[Fraction]:
    """Every number in the text, without its sign, and the value of each plain a/b."""
    found = [Fraction(re.sub(r"[, ]", "", n)) for n in _NUMBER.findall(text)]
    for top, bottom in re.findall(r"(\d+)/(\d+)", text):
        if int(bottom):
            found.append(Fraction(int(top), int(bottom)))
    return found


def _value(result: str) -> Fraction | None:
    numbers = _numbers(result)
    return numbers[0] if numbers else None


_OPERATORS: dict[type[ast.AST], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(expression: str) -> Fraction | None:
    """The absolute value of a sum in the four operations; None for anything else."""
    plain = re.sub(r"[$,\s]", "", expression).translate(str.maketrans("x×÷−", "**/-"))
    plain = re.sub(r"(?<![\d.])0+(?=\d)", "", plain)
    # Two slashes leave open which comes first: `6 / 1/3`.
    if len(plain) > 200 or plain.count("/") > 1 or not re.fullmatch(r"[\d.+\-*/()]+", plain) or "**" in plain:
        return None
    try:
        return abs(_walk(ast.parse(plain, mode="eval").body))
    except (SyntaxError, ZeroDivisionError, TypeError, ValueError, KeyError, RecursionError):
        return None


def _walk(node: ast.AST) -> Fraction:
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_walk(node.left), _walk(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_walk(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    raise ValueError("not a sum")
