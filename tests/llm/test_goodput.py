"""The number of requests in flight, against servers that do so many at once and let the others wait."""

import random
from heapq import heappop, heappush

import pytest

from kame_data.llm.goodput import Goodput
from kame_data.seeds import rng


def crowd(slots: int, requests: int, most: int = 128, spread: float = 0.0) -> list[int]:
    """The rooms at each answer of a server that does `slots` requests at once, a second each (more or less by
    `spread`), by a clock of its own."""
    draw: random.Random = rng(0, "crowd", slots)
    found = Goodput(most)
    rooms: list[int] = []
    works: list[float] = []  # when those that are worked on end
    flying, waiting, now = 0, requests, 0.0
    while waiting or flying:
        while waiting and flying < found.room:
            flying, waiting = flying + 1, waiting - 1
        while len(works) < min(slots, flying):
            heappush(works, now + 1.0 + spread * draw.uniform(-1, 1))
        now = heappop(works)
        flying -= 1
        found.answered(now, waiting > 0)
        rooms.append(found.room)
    return rooms


@pytest.mark.parametrize("spread", [0.0, 0.5, 0.9])
def test_a_server_of_one_slot_is_never_asked_many_at_once(spread: float) -> None:
    rooms = crowd(slots=1, requests=2000, spread=spread)
    assert max(rooms) <= 16 and sorted(rooms)[len(rooms) // 2] <= 2


@pytest.mark.parametrize("spread", [0.0, 0.5, 0.9])
def test_a_large_server_is_asked_as_much_as_settings_allow(spread: float) -> None:
    rooms = crowd(slots=1000, requests=8000, spread=spread)
    assert max(rooms) == 128 and sum(rooms[1000:7000]) / 6000 > 80
    assert rooms.index(128) < 1000


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_a_server_of_some_slots_has_them_filled(spread: float) -> None:
    rooms = sorted(crowd(slots=16, requests=4000, spread=spread)[500:])
    assert 16 <= rooms[len(rooms) // 2] <= 32


def test_a_setting_of_few_is_kept() -> None:
    assert max(crowd(slots=1000, requests=400, most=3)) == 3
    assert set(crowd(slots=1, requests=100, most=1)) == {1}
