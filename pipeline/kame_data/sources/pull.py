"""The questions stage: the rows of the sources, those that can be asked aloud, their order and their split."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from kame_data import seeds
from kame_data.errors import Refusal, UsageError
from kame_data.records import Question, Rejected, Split
from kame_data.sources import reading as read
from kame_data.sources.base import Source
from kame_data.sources.pictures import Pictures, PictureStore
from kame_data.text.askable import check_question, needs_choices
from kame_data.text.normal import normalise
from kame_data.text.references import in_words

STAGE = "questions"
VERSION = 5
OURS: dict[str, Split] = {"train": "train", "validation": "validation"}
# No part of a build's seed: a question keeps its side in every build.
_SALT = "kame-data split 1"


@dataclass(frozen=True, slots=True)
class JudgedQuestion:
    """The record of the questions stage: a question of the source, and whether it can be asked aloud."""

    question: Question
    accepted: bool


@dataclass(slots=True)
class Pull:
    """The rows of one source, sorted. Use it in a `with`: the bytes of pictures wait in a file until `questions` asks
    for them.

    `accepted` is in the seeded order, `rejected` in the order of the rows; `parsed` is every question that the rows
    hold, refused ones too, for the split. `rows` counts all rows read.
    """

    source: str
    rows: int = 0
    accepted: list[Question] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    parsed: list[Question] = field(default_factory=list)
    pictures: PictureStore = field(default_factory=PictureStore)

    def questions(self) -> Iterator[Question]:
        """The accepted questions, each with its picture's bytes where there are some."""
        return map(self.pictures.attach, self.accepted)

    def judged(self) -> dict[str, JudgedQuestion]:
        """All questions by id: the accepted ones as `questions` gives them, behind them those that are refused."""
        found = {question.id: JudgedQuestion(question, True) for question in self.questions()}
        return found | {q.id: JudgedQuestion(q, False) for q in self.parsed if q.id not in found}

    def put_behind(self, known: Iterable[Question], standing: Collection[str]) -> None:
        """Put new questions behind those that are `known` already, which keep their order.

        Raises UsageError where one of these is gone or is another one now, or one that is `standing` is refused.
        """
        known = list(known)
        accepted = {question.id for question in self.accepted}
        lost = {question.id for question in known if question.id in standing} - accepted
        check_kept(self.source, known, [question for question in self.parsed if question.id not in lost])
        places = {question.id: number for number, question in enumerate(known)}
        self.accepted.sort(key=lambda question: places.get(question.id, len(places)))

    def __enter__(self) -> "Pull":
        return self

    def __exit__(self, *error: object) -> None:
        self.pictures.close()


def pull(
    source: Source,
    location: str | None,
    *,
    languages: Iterable[str] = ("en",),
    sees_pictures: bool = False,
    names_choices: bool = False,
    seed: int = 0,
    standing: Collection[str] = (),
    check_stop: Callable[[], None] = lambda: None,
) -> Pull:
    """Reads a source to its end and sorts its rows into accepted questions and refusals.

    Accepted: whole, of a wanted language, not contradicted by another row, and askable aloud. The order comes from
    the seed and the questions' ids alone, so more rows or a larger limit move no question past another. No
    row contradicts the questions of the ids that are `standing`, which a build has asked: it is refused itself. For a
    writer that `names_choices`, answers that are numbers of statements are put into the statements' words.

    `check_stop` is called for every row, and may raise. Raises UsageError for a source that cannot be read.
    """
    found = Pull(source.name)
    refusals: list[tuple[int, Rejected]] = []
    places: dict[str, _Place] = {}
    unshown: dict[str, Refusal] = {}
    wanted = frozenset(languages)
    with Pictures(lambda: read.picture_files(source, location)) as beside:
        for row in read.rows(source, location):
            found.rows += 1
            check_stop()
            try:
                question = _parse(source, row, found.rows, places)
            except Refusal as refusal:
                identity = source.record_id(row.values) if isinstance(row.values, dict) else ""
                refusals.append((found.rows, _rejected(source, identity, refusal, row.where)))
                continue
            if question.picture and sees_pictures and question.language in wanted:
                try:
                    found.pictures.put(question.id, beside.load(question.picture))
                except Refusal as refusal:
                    unshown[question.id] = refusal
            found.parsed.append(_stated(in_words(question) if names_choices else question))
    contradicted = {one: other for one, other in contradictions(found.parsed).items() if one not in standing}
    for question in found.parsed:
        check_stop()
        try:
            if not source.whole:
                _check(question, wanted, contradicted, question.id in found.pictures, unshown.get(question.id))
        except Refusal as refusal:
            place = places[question.id]
            refusals.append((place.number, _rejected(source, question.id, refusal, place.where)))
        else:
            found.accepted.append(question)
    found.rejected = [rejected for _, rejected in sorted(refusals, key=lambda pair: pair[0])]
    found.accepted.sort(key=lambda question: seeds.digest(seed, "order", question.id))
    return found


def check_kept(source: str, known: Iterable[Question], now: Iterable[Question]) -> None:
    """Raise UsageError where a question of the source that is `known` is gone or is another one `now`."""
    there = {question.id: question for question in now}
    for question in known:
        if (found := there.get(question.id)) is None or _stated(found) != _stated(question):
            raise UsageError(
                f"source {source}: its row {question.id} is gone or has changed since the build began; "
                "a source may only get more rows; give another --out, or the rows as they were"
            )


def _stated(question: Question) -> Question:
    """The question without its picture's bytes, which are kept apart, and not at all for a writer that sees none."""
    picture = question.picture
    return question if picture is None else replace(question, picture=replace(picture, data=None))


def _check(
    question: Question, wanted: frozenset[str], contradicted: dict[str, str], shown: bool, unshown: Refusal | None
) -> None:
    """Raises Refusal for a question that this build does not ask; `shown`: whether the writer will see its picture,
    `unshown`: why a writer that could see it will not."""
    if question.language not in wanted:
        raise Refusal("language", f"it is in '{question.language}'; wanted: {', '.join(sorted(wanted))}")
    if question.id in contradicted:
        raise Refusal("contradictory_answer", f"{contradicted[question.id]} asks the same and has another answer")
    if unshown is not None and unshown.reason != "needs_picture":
        raise unshown
    try:
        check_question(question, sees_pictures=shown)
    except Refusal as refusal:
        if unshown is None or refusal.reason != "needs_picture":
            raise
        raise Refusal("needs_picture", f"{refusal.detail}; {unshown.detail}") from None


def splits(
    questions: Iterable[Question], validation_share: float, sorted_by_hand: Collection[str] = ()
) -> dict[str, Split]:
    """The split of every question, by id: a hash of the family, or of the normalised text, without any seed.

    Questions of one family (of a source) or with one text (of any) share a split, and so do chains of such: the least
    hash of a family in a chain decides, or the text's where there is no family. So later rows move no question, but
    where they join two families that stood apart. In the sources `sorted_by_hand`, a row that states a split of ours
    stays there. Raises UsageError for a share outside [0, 1).
    """
    if not 0 <= validation_share < 1:
        raise UsageError(f"validation_share {validation_share}: use 0 or more and less than 1")
    union = _Union()
    texts: dict[str, str] = {}
    sides: dict[str, Split] = {}
    for question in questions:
        if question.source in sorted_by_hand and (stated := OURS.get(question.source_split)):
            sides[question.id] = stated
            continue
        # "0" and "1" put every family before every text: a family's texts change with its languages, its id does not.
        texts[question.id] = text = "1" + seeds.digest("text", normalise(question.stem))
        union.add(text)
        if question.family:
            union.join(text, "0" + seeds.digest("family", question.source, question.family))
    anchors: dict[str, str] = {}
    for key in union.members():
        root = union.root(key)
        anchors[root] = min(key, anchors.get(root, key))
    for identity, key in texts.items():
        drawn = seeds.fraction(_SALT, anchors[union.root(key)])
        sides[identity] = "validation" if drawn < validation_share else "train"
    return sides


def contradictions(questions: Iterable[Question]) -> dict[str, str]:
    """The ids of questions that another one contradicts, each with the id of one that does.

    The same text must not have two answers, unless it is asked of two pictures. Answers in other words are no
    contradiction, so it takes that one question offers the other's right answer as a wrong choice, that both answers
    are numbers of different value, or that they differ where there are no choices at all.
    """
    groups: defaultdict[tuple[str, str, str], list[Question]] = defaultdict(list)
    for question in questions:
        shown = question.picture.path if question.picture else ""
        groups[question.language, shown, _exact(question.stem)].append(question)
    found: dict[str, str] = {}
    for group in groups.values():
        if len({_exact(question.answer) for question in group}) > 1:
            _offered_as_wrong(group, found)
            _differing(group, found)
    return found


def _offered_as_wrong(group: list[Question], found: dict[str, str]) -> None:
    """Pairs of which one offers the other's right answer as a wrong choice."""
    right: defaultdict[str, list[str]] = defaultdict(list)
    for question in group:
        right[_exact(question.answer)].append(question.id)
    for question in group:
        for choice in {_exact(choice): None for choice in question.choices if choice != question.answer}:
            if choice == _exact(question.answer):
                continue
            for other in right.get(choice, ()):
                found.setdefault(question.id, other)
                found.setdefault(other, question.id)


def _differing(group: list[Question], found: dict[str, str]) -> None:
    """Questions that stand alone whose answers are numbers of different value, or open ones with different texts."""
    alone = [question for question in group if not question.choices or not needs_choices(question)]
    keyed = [(question, _number(question.answer)) for question in alone]
    classes: list[list[tuple[str, object]]] = [
        [(question.id, number) for question, number in keyed if number is not None],
        [(q.id, normalise(q.answer) if number is None else number) for q, number in keyed if not q.choices],
    ]
    for pairs in classes:
        # One that differs from the first, and the first for all the others that differ from it.
        other = next((identity for identity, value in pairs if value != pairs[0][1]), None)
        if other is not None:
            for identity, value in pairs:
                found.setdefault(identity, other if value == pairs[0][1] else pairs[0][0])


def _exact(text: str) -> str:
    """A key that keeps every sign, for `J >> a` is not `J << a`; only case and spaces are let go."""
    return " ".join(text.casefold().split()).rstrip(".")


def _number(answer: str) -> Fraction | None:
    """The value of an answer that is a number and nothing else."""
    try:
        return Fraction(answer.replace("$", "").replace(",", "").replace("−", "-").strip())
    except (ValueError, ZeroDivisionError):
        return None


@dataclass(frozen=True, slots=True)
class _Place:
    """The row in which an id was first met, and a digest of what it stood for."""

    number: int
    where: str
    content: str


def _parse(source: Source, row: read.RawRow, number: int, places: dict[str, _Place]) -> Question:
    """The row's question under an id of its own, which is noted in `places`. Raises Refusal."""
    if not isinstance(row.values, dict):
        raise Refusal("bad_row", f"it is {type(row.values).__name__}, not an object with named columns")
    question = source.question(row.values, row.split)
    content = seeds.digest(question.stem, question.answer, *question.choices)
    first = places.get(question.id)
    if first is not None:
        # One id for two questions: the first row keeps it; the same question once more is refused.
        question = replace(question, id=f"{question.id}-{content[:8]}")
        if content == first.content or question.id in places:
            raise Refusal("duplicate_id", f"{first.where} holds the same question under the same id")
    places[question.id] = _Place(number, row.where, content)
    return question


def _rejected(source: Source, identity: str, refusal: Refusal, where: str) -> Rejected:
    detail = ": ".join(filter(None, (where, refusal.detail)))
    return Rejected(STAGE, source.name, identity, "", refusal.reason, detail)


class _Union:
    """Sets of keys that grow together."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def add(self, key: str) -> None:
        self._parent.setdefault(key, key)

    def members(self) -> Iterable[str]:
        return tuple(self._parent)

    def root(self, key: str) -> str:
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key

    def join(self, one: str, other: str) -> None:
        self.add(one)
        self.add(other)
        self._parent[self.root(other)] = self.root(one)
