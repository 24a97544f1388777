"""The thread that steps the model: rows together, each for itself."""

import asyncio
import gc
import threading
import time

import numpy as np
import pytest

from kame_data.errors import KameError
from kame_data.tandem import stepper as module
from kame_data.tandem.frames import SAMPLES, FrameIn, FrameOut
from kame_data.tandem.stepper import BOUNDS, MOST_FAILURES, ThreadStepper, Times
from tandem.front_ends import alone, frames, front_end, model, same

SILENCE = np.zeros(SAMPLES, np.float32)


class Counting:
    """Rows that count: the text of an output is the sum of the ids of the row so far. `seconds`: what a step takes."""

    def __init__(self, count, seconds=0.0):
        self.count, self.seconds = count, seconds
        self.sums, self.batches, self.fails, self.threads = {}, [], 0, set()

    def open(self):
        row = next((row for row in range(self.count) if row not in self.sums), None)
        if row is None:
            raise KameError("all rows are taken")
        self.sums[row] = 0
        return row

    def close(self, row):
        del self.sums[row]

    def step(self, frames):
        self.threads.add(threading.current_thread().name)
        self.batches.append(sorted(frames))
        time.sleep(self.seconds)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the device\nis gone")
        for row, frame in frames.items():
            self.sums[row] += frame.oracle
        return {row: FrameOut(self.sums[row], frame.sound) for row, frame in frames.items()}


def run(rows, talk, **options):
    """What `talk` gives, a coroutine function of the stepper; the stepper is closed behind it."""
    with ThreadStepper(rows, **options) as stepper:
        found = asyncio.run(talk(stepper))
    assert not stepper._thread.is_alive()
    return found, stepper


async def count_up(stepper, length, pause=0.0):
    async with stepper.session() as row:
        made = []
        for number in range(length):
            made.append((await row.step(FrameIn(SILENCE, number))).text)
            await asyncio.sleep(pause)
        return made


def test_each_conversation_gets_its_own():
    async def talk(stepper):
        return await asyncio.gather(*(count_up(stepper, length, 0.001) for length in (5, 9, 30)))

    rows = Counting(3)
    found, stepper = run(rows, talk)
    assert found == [[sum(range(n + 1)) for n in range(length)] for length in (5, 9, 30)]
    assert rows.threads == {"stepper"} and not rows.sums
    assert stepper.figures.waits.count == 44
    assert stepper.figures.steps.count == len(rows.batches)


def test_frames_that_are_there_are_stepped_together():
    async def talk(stepper):
        return await asyncio.gather(*(count_up(stepper, 20) for _ in range(4)))

    rows = Counting(4, seconds=0.01)
    run(rows, talk, stragglers=0.05)
    assert sum(map(len, rows.batches)) == 80 and len(rows.batches) < 30


def test_a_row_without_a_frame_holds_up_nobody():
    async def talk(stepper):
        async with stepper.session(), stepper.session():  # two who say nothing
            began = time.perf_counter()
            await count_up(stepper, 50)
            return time.perf_counter() - began

    seconds, _ = run(Counting(3), talk, stragglers=0.004)
    assert seconds < 5


@pytest.mark.parametrize("count", [1, 3])
def test_conversations_of_a_real_model_are_as_if_they_were_alone(count):
    network = model(seed=1)
    given = {seed: frames(seed, 12 + seed) for seed in range(4)}
    lone = {seed: alone(network, given[seed]) for seed in given}
    made = {}

    async def talk(stepper):
        free = asyncio.Semaphore(count)

        async def speak(seed):
            async with free, stepper.session() as row:
                made[seed] = []
                for frame in given[seed]:
                    await asyncio.sleep(0.01 * (seed % 2))
                    made[seed].append(await row.step(frame))

        await asyncio.gather(*map(speak, given))

    rows = front_end(network, count)
    run(rows, talk, finish=rows.shut_down)
    assert {seed for seed in given if not same(made[seed], lone[seed])} == set()


def test_a_step_that_fails_ends_the_conversations_and_nothing_else():
    rows = Counting(2)

    async def talk(stepper):
        async with stepper.session() as one, stepper.session() as other:
            await one.step(FrameIn(SILENCE, 1))
            rows.fails = 1
            with pytest.raises(KameError, match=r"^the model failed in a step \(RuntimeError: the device is gone\)"):
                await one.step(FrameIn(SILENCE, 1))
            with pytest.raises(KameError, match=r"^the model failed"):  # its state is lost as well
                await other.step(FrameIn(SILENCE, 1))
        assert not stepper.broken
        return await count_up(stepper, 4)

    found, stepper = run(rows, talk)
    assert found == [0, 1, 3, 6] and stepper.figures.failures == 1 and stepper._ended == {}


def test_a_model_that_always_fails_is_broken():
    rows = Counting(1)
    rows.fails = MOST_FAILURES

    async def talk(stepper):
        for _ in range(MOST_FAILURES):
            assert not stepper.broken
            with pytest.raises(KameError):
                await count_up(stepper, 1)
        assert stepper.broken
        await count_up(stepper, 1)
        assert not stepper.broken

    run(rows, talk)


def test_a_step_that_does_not_end_is_a_broken_model(monkeypatch):
    monkeypatch.setattr(module, "STALLED", 0.1)

    async def talk(stepper):
        task = asyncio.create_task(count_up(stepper, 1))
        seen = set()
        while not task.done():
            seen.add(stepper.broken)
            await asyncio.sleep(0.01)
        return seen, stepper.broken

    (while_it_ran, after), _ = run(Counting(1, seconds=0.6), talk)
    assert while_it_ran == {False, True} and not after


def test_late_frames_are_counted():
    async def talk(stepper):
        async with stepper.session() as row:
            for _ in range(3):
                await row.step(FrameIn(SILENCE, 0))

    figures = run(Counting(1, seconds=0.09), talk)[1].figures
    assert figures.late == 3 == figures.steps.over(0.08)
    assert figures.steps.quantile(0.5) >= 0.09 and figures.steps.longest >= 0.09


def test_who_leaves_while_waiting_frees_the_row():
    rows = Counting(1, seconds=0.05)

    async def talk(stepper):
        for wait in (0.0, 0.001, 0.02, 0.06):
            task = asyncio.create_task(count_up(stepper, 10))
            await asyncio.sleep(wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await count_up(stepper, 2) == [0, 1]

    run(rows, talk)
    assert not rows.sums


def test_all_rows_taken_is_told_at_once():
    async def talk(stepper):
        async with stepper.session():
            with pytest.raises(KameError, match=r"^all rows are taken"):
                async with stepper.session():
                    pass
        return await count_up(stepper, 1)

    assert run(Counting(1), talk)[0] == [0]


def test_the_end_is_told_to_all(monkeypatch):
    finished = []

    async def talk(stepper):
        async def step_for_ever(row):
            while True:
                await row.step(FrameIn(SILENCE, 0))

        async with stepper.session() as row:
            task = asyncio.create_task(step_for_ever(row))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(stepper.close)
            with pytest.raises(KameError, match=r"^the model is shut down"):
                await task
            with pytest.raises(KameError, match=r"^the model is shut down"):
                await row.step(FrameIn(SILENCE, 0))
        with pytest.raises(KameError, match=r"^the model is shut down"):
            async with stepper.session():
                pass

    rows = Counting(2, seconds=0.01)
    run(rows, talk, finish=lambda: finished.append(True))
    assert finished == [True] and not rows.sums


def test_two_frames_of_a_row_at_once_are_refused():
    async def talk(stepper):
        async with stepper.session(), stepper.session() as row:  # a row that has no frame makes the step wait
            first = asyncio.create_task(row.step(FrameIn(SILENCE, 1)))
            await asyncio.sleep(0)
            with pytest.raises(ValueError, match=r"^row 1: a frame of it waits already"):
                await row.step(FrameIn(SILENCE, 1))
            return (await first).text

    assert run(Counting(2), talk, stragglers=0.2)[0] == 1


def test_nothing_is_left_of_two_hundred_conversations():
    async def talk(stepper):
        before = len(gc.get_objects())
        for _ in range(50):
            await asyncio.gather(*(count_up(stepper, 3) for _ in range(4)))
        gc.collect()
        return len(gc.get_objects()) - before, len(asyncio.all_tasks())

    before = threading.active_count()
    (objects, tasks), stepper = run(Counting(4), talk)
    assert tasks == 1 and objects < 500 and threading.active_count() == before
    assert not stepper._frames and not stepper._orders and not stepper._ended


def test_times_are_counted_in_classes():
    times = Times()
    assert times.quantile(0.5) == 0
    for seconds in (0.001, 0.002, 0.0021, 7.0):
        times.add(seconds)
    assert times.counts == [2, 1, *[0] * (len(BOUNDS) - 2), 1] and times.count == 4
    assert times.over(0.08) == 1 and times.over(0.002) == 2
    assert times.quantile(0.5) == 0.002 and times.quantile(0.75) == 0.005
    assert times.quantile(1.0) == 7.0 == times.longest
