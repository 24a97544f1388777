"""A conversation told to a person: each thing on a line, nothing lost."""

from kame_data.tandem.told import WIDE, Teller
from tandem.telling import Told


def test_a_conversation_is_told_line_by_line():
    lines = []
    told = Told("final", stand_ins=("voice: one",))
    told.session.log.listeners.append(teller := Teller(lines.append))
    teller(told.events[0])
    told.hear("start")
    told.hear("interim", "how many")
    told.hear("end", "how many " + "moons and " * 30 + "stars")
    told.delta(0, "Two moons")
    told.end(0)
    told.say("Unbelievable, said the three of them", pause=10)
    told.hear("end", "and")
    told.end(1)
    told.session.close(told.now, "over")
    text = "\n".join(lines)
    assert "stand-ins: voice: one" in lines[0]
    told_of = [" ".join(line[9:19].split()) for line in lines]
    assert told_of[1:5] == ["user ...", "user", "ask 0", "oracle 0"]
    assert "Two moons" in text and "answer 1    nothing" in text
    assert "Unbelievable, said the three of them" in " ".join(
        line.split("  ")[-1].strip() for line in lines if "assistant" in line
    )
    long = next(line for line in lines if "stars" in line)
    assert long.endswith("moons and stars") and len(long) < WIDE + 25
    assert "tokens read of oracle 0: " in lines[-1] and "over" in lines[-1]
