"""Clips are spoken once, finished and kept, with the real voice of espeak."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kame_data.errors import Refusal
from kame_data.speech.clips import ClipCache, Kept, clip_key
from kame_data.speech.studio import Studio
from kame_data.speech.timing.sphinx import SphinxAligner
from kame_data.speech.voices.base import Clip, Span, Utterance
from kame_data.speech.voices.espeak import EspeakSynthesizer
from kame_data.text.words import split_words

JOBS = [Utterance(f"This is sentence number {'one ' * n}of the test.", "en-us") for n in range(6)]


class Counting(EspeakSynthesizer):
    """espeak that counts what it is asked."""

    asked = 0

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        def counted() -> Iterator[Utterance]:
            for job in jobs:
                self.asked += 1
                yield job

        return super().synthesize(counted())


class Untimed(Counting):
    """espeak that keeps the times of its words to itself."""

    def synthesize(self, jobs: Iterable[Utterance]) -> Iterator[Clip | Refusal]:
        for clip in super().synthesize(jobs):
            assert isinstance(clip, Clip)
            yield Clip(clip.samples, clip.sample_rate, ())


class Sphinx:
    """The real aligner, counted."""

    def __init__(self) -> None:
        self.asked = 0
        self.aligner = SphinxAligner()

    def name(self, language: str) -> str:
        return "pocketsphinx"

    def version(self, language: str) -> str:
        return self.aligner.version()

    def align(self, clip: Clip, utterance: Utterance) -> list[Span]:
        self.asked += 1
        return self.aligner.align(split_words(utterance.text), clip.samples, clip.sample_rate)


class Length:
    """Seconds as a measure."""

    field = "wer"

    def __init__(self, version: str) -> None:
        self.name, self.asked = version, 0

    def version(self, language: str) -> str | None:
        return self.name if language == "en" else None

    def measure(self, clip: Clip, utterance: Utterance) -> float | None:
        self.asked += 1
        return clip.duration


@pytest.fixture
def espeak() -> Iterator[Counting]:
    with Counting(1) as synthesizer:
        yield synthesizer


def content(results: Iterable[Clip | Refusal]) -> list[tuple[bytes, object]]:
    return [(clip.samples.tobytes(), clip.words) for clip in results if isinstance(clip, Clip)]


def test_what_was_said_once_is_not_said_again(espeak: Counting, tmp_path: Path) -> None:
    plain = content(espeak.synthesize(JOBS))
    espeak.asked = 0
    first = content(Studio(espeak, ClipCache(tmp_path)).synthesize(JOBS))
    assert espeak.asked == len(JOBS) and first == plain
    again = content(Studio(espeak, ClipCache(tmp_path)).synthesize([*JOBS[::-1], JOBS[0]]))
    assert espeak.asked == len(JOBS) and again == [*first[::-1], first[0]]
    others = [
        Utterance("This is other text.", "en-us"),
        Utterance(JOBS[0].text, "en-gb"),
        Utterance(JOBS[0].text, "en-us", "en", 180),
        Utterance(JOBS[0].text, "en-us", "en", 170, 0.1),
    ]
    assert len({clip_key(espeak.version, job) for job in [*JOBS, *others]}) == len(JOBS) + len(others)
    assert clip_key("another engine", JOBS[0]) != clip_key(espeak.version, JOBS[0])
    list(Studio(espeak, ClipCache(tmp_path)).synthesize(others))
    assert espeak.asked == len(JOBS) + len(others)


def test_a_damaged_file_is_made_again(espeak: Counting, tmp_path: Path) -> None:
    studio = Studio(espeak, ClipCache(tmp_path))
    first = content(studio.synthesize(JOBS))
    paths = [ClipCache(tmp_path).path(clip_key(espeak.version, job)) for job in JOBS]
    whole = paths[0].read_bytes()
    line, _, flac = whole.partition(b"\n")
    damaged = (
        b"", whole[:-1], line, whole.replace(b"espeak", b"sepeak", 1), b"not JSON\n" + flac, line + b"\n" + flac[::-1],
    )  # fmt: skip
    for path, data in zip(paths, damaged, strict=True):
        path.write_bytes(data)
    espeak.asked = 0
    assert content(studio.synthesize(JOBS)) == first
    assert espeak.asked == len(JOBS) and paths[0].read_bytes() == whole
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]


def test_what_cannot_be_written_leaves_nothing_behind(espeak: Counting, tmp_path: Path) -> None:
    cache = ClipCache(tmp_path)
    (clip,) = espeak.synthesize(JOBS[:1])
    assert isinstance(clip, Clip)
    path = cache.path("ab" * 16)
    path.mkdir(parents=True)  # a folder stands where the file should be
    with pytest.raises(OSError, match="ab"):
        cache.put("ab" * 16, Kept(clip))
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_times_and_measures_are_worked_out_once(tmp_path: Path) -> None:
    aligner, length = Sphinx(), Length("seconds 1")
    with Untimed(1) as untimed:
        for _ in range(2):
            for clip in Studio(untimed, ClipCache(tmp_path), aligner, [length]).synthesize(JOBS):
                assert isinstance(clip, Clip) and clip.word_times == "pocketsphinx"
                assert clip.wer == clip.duration and clip.alignment is None and len(clip.words) >= 6
        assert (untimed.asked, aligner.asked, length.asked) == (len(JOBS),) * 3
        longer = Length("seconds 2")
        list(Studio(untimed, ClipCache(tmp_path), aligner, [length, longer]).synthesize(JOBS))
        # Another measure needs no new sound.
        assert (untimed.asked, aligner.asked, length.asked, longer.asked) == (len(JOBS),) * 4
        (refusal,) = Studio(untimed, ClipCache(tmp_path)).synthesize(JOBS[:1])
    assert isinstance(refusal, Refusal) and refusal.reason == "word_times"


def test_refusals_keep_their_place_and_are_not_kept(espeak: Counting, tmp_path: Path) -> None:
    jobs = [JOBS[0], Utterance("", "en-us"), Utterance("so happy 😀", "en-us"), JOBS[1]]
    for _ in range(2):
        results = list(Studio(espeak, ClipCache(tmp_path)).synthesize(jobs))
        assert [r.reason if isinstance(r, Refusal) else "" for r in results] == ["", "empty_text", "unspeakable", ""]
    assert espeak.asked == 6 and len(list(tmp_path.rglob("*.clip"))) == 2


def test_reads_only_a_little_ahead(espeak: Counting, tmp_path: Path) -> None:
    read = []

    def jobs() -> Iterator[Utterance]:
        for number in range(1000):
            read.append(number)
            yield JOBS[0]

    stream = Studio(espeak, ClipCache(tmp_path)).synthesize(jobs())
    for _ in range(10):
        next(stream)
    assert len(read) <= 64


@pytest.mark.parametrize(
    ("voice", "language", "text"),
    [
        ("fr", "fr", "Un rectangle fait douze centimètres de long; quelle est son aire, s'il fait cinq de large?"),
        ("fr+f1", "fr", "L'été, il n'y a qu'une réponse: quatre-vingt-dix-neuf."),
        ("cmn", "zh", "一个长方形的长是十二厘米，宽是五厘米，面积是多少？"),
        ("cmn+m1", "zh", "你好。答案是六十平方厘米！"),
    ],
)
def test_words_are_where_the_sound_is_in_other_languages(
    espeak: Counting, voice: str, language: str, text: str
) -> None:
    (clip,) = espeak.synthesize([Utterance(text, voice, language)])
    assert isinstance(clip, Clip) and len(clip.words) == len(split_words(text, language))
    rate, samples = clip.sample_rate, clip.samples.astype(np.float64)
    loud = np.sqrt(np.convolve(samples**2, np.ones(220) / 220, "same")) > 100
    inside = np.zeros(len(samples), bool)
    for start, stop in clip.words:
        inside[round(start * rate) : round(stop * rate)] = True
        assert loud[round(start * rate) : round(stop * rate)].mean() > 0.3
    # What is heard lies within words; between clauses, where a mark is, lies a pause that no word has.
    assert (loud & ~inside).sum() < 0.01 * loud.sum()
    for place, word in enumerate(split_words(text, language)[:-1]):
        if word.strip()[-1:] in "，。;:：；":
            assert clip.words[place + 1][0] - clip.words[place][1] > 0.05, word


def test_cache_survives_a_race(espeak: Counting, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: content(Studio(espeak, ClipCache(tmp_path)).synthesize(JOBS)), range(8)))
    assert all(one == found[0] for one in found) and len(found[0]) == len(JOBS)
    assert len(list(tmp_path.iterdir())) <= len(JOBS)
