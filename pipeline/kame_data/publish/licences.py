"""Licences, terms and citations of what a build or a model was made from; what is not stated is said to be so."""

from collections.abc import Iterable, Mapping

from kame_data.engine.sources import SOURCES
from kame_data.publish.markdown import Markdown, code, listed, table
from kame_data.settings.tree import IMPORTED
from kame_data.speech.voices.engines import engine_of

KAME = """@article{kuroki2025kame,
  title = {KAME: Tandem Architecture for Enhancing Knowledge in Real-Time Speech-to-Speech Conversational AI},
  author = {Kuroki, So and Kubo, Yotaro and Akiba, Takuya and Tang, Yujin},
  journal = {arXiv preprint arXiv:2510.02327},
  year = {2025}
}"""
MOSHI = """@techreport{defossez2024moshi,
  title = {Moshi: a speech-text foundation model for real-time dialogue},
  author = {D{\\'e}fossez, Alexandre and Mazar{\\'e}, Laurent and Orsini, Manu and Royer, Am{\\'e}lie and
            P{\\'e}rez, Patrick and J{\\'e}gou, Herv{\\'e} and Grave, Edouard and Zeghidour, Neil},
  institution = {Kyutai},
  note = {arXiv:2410.00037},
  year = {2024}
}"""
WEIGHTS = {"kyutai/moshiko-pytorch-bf16": "cc-by-4.0", "kyutai/moshika-pytorch-bf16": "cc-by-4.0"}
"""Licences of weights that models are trained from, by their Hub id, as their cards state them."""
NOT_STATED = {"", "unstated"}
SAMPLE = "sample"
"""Origin of the rows of each source that are bundled with kame-data."""


def source_lines(names: Iterable[str], locations: Mapping[str, str | None]) -> Markdown:
    """A table of the sources' licences; `locations` are where the settings say their rows are, None being the Hub."""
    rows = []
    for name in sorted(names):
        source = SOURCES.get(name)
        if source is None or (not source.hub_id and not source.citation):
            what = "recordings" if source is not None and source.whole else "questions"
            own = Markdown(f"the publisher's own {what}; no licence is stated here")
            rows.append((code(name), Markdown("-"), own))
            continue
        licence = "not stated by its authors" if source.licence in NOT_STATED else source.licence
        place = Markdown(f"[{source.hub_id}](https://huggingface.co/datasets/{source.hub_id})")
        location = locations.get(name)
        if location == SAMPLE:
            place = Markdown(f"none of its rows: kame-data's own sample in the columns of {place}")
            licence = "Apache-2.0"
        elif location and location != source.hub_id:
            place = Markdown(f"{place}, read from {code(location)}")
        rows.append((Markdown(source.title), place, Markdown(licence)))
    return table(("source", "where it is", "licence"), rows)


def text_line(models: Iterable[str]) -> Markdown:
    """A line on the terms of text that models wrote."""
    made = set(models)
    asked = sorted(made - {"offline", IMPORTED})
    if not asked:
        how = "dialogues are recordings, oracles come from rules" if IMPORTED in made else ""
        return Markdown(f"No language model wrote anything here: {how or 'dialogues and oracles come from rules'}.")
    return Markdown(
        f"What {listed(asked)} wrote is under the terms of whoever provides those models. They are not looked up here: "
        "read what they say of training on outputs."
    )


def voice_lines(tts: str, terms: Iterable[str]) -> list[Markdown]:
    """Lines on the known terms of the voices."""
    said = [Markdown(f"Voices: {code(term)}") for term in terms]
    if said:
        return said
    if known := engine_of(tts).terms:
        return [Markdown(known)]
    return [Markdown(f"For the voices ({code(tts)}) kame-data knows no terms; that is not to say that there are none.")]


def recordings_line(audio: bool) -> Markdown:
    """A line on the terms of recordings, which are not known."""
    whose = (
        "whose voices they are, whether these people agreed to this," if audio else "who said it, whether they agreed,"
    )
    return Markdown(f"Of the recordings, {whose} and under what licence they are is not stated here.")


def codec_line(codec: str) -> Markdown:
    """The codec's licence."""
    if codec.startswith("untrained"):
        return Markdown(f"The codes come from {code(codec)}: random weights, under no licence, and of no meaning.")
    if "kyutai/" in codec:
        return Markdown("The codes are those of Mimi, by Kyutai, whose weights are CC BY 4.0: name Kyutai.")
    return Markdown(f"The codes are those of {code(codec)}; the licence of these weights is not stated here.")


def citations(sources: Iterable[str], *, moshi: bool) -> Markdown:
    """BibTeX of KAME, of Moshi where it has a part in it, and of the sources."""
    own = [SOURCES[name].citation for name in sorted(sources) if name in SOURCES]
    return Markdown("\n\n".join(entry for entry in (KAME, MOSHI if moshi else "", *own) if entry))


def licence_text(lines: Markdown) -> bytes:
    """The file that the card's head names as the licence."""
    said = (
        "# Licences\n\nThis data set has no one licence. What it was made from has these, and whoever published it may "
        "add to them.\n\n"
    )
    return f"{said}{lines}\n".encode()


MOSHI_NOTE = (
    "Served with Mimi, Kyutai's codec, whose weights are CC BY 4.0; the code of `moshi` is MIT for Python. Read the "
    "licence of `kame` where you serve it."
)


def weights_line(start: str) -> str:
    """The licence of the weights that a model started from."""
    if start.startswith("untrained"):
        return f"It started from random weights ({code(start)}), which are under no licence."
    if start in WEIGHTS:
        return f"It started from {code(start)}, which is CC BY 4.0: name Kyutai, and say that it was changed."
    return f"It started from {code(start or 'weights that are not recorded')}, whose licence is not looked up here."


def licence_key(name: str) -> str:
    """A model's licence as the Hub writes it; `other` where it is not known."""
    return WEIGHTS.get(name, "other")
