"""How jobs are bundled to tasks, and what becomes of errors, with a runner that is under the test's control."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from kame_data.engine.scheduler import CPU, HERE, Job, drain
from kame_data.errors import Interrupted, KameError


class Runner:
    """Does jobs in threads; each takes `took` seconds by its own account."""

    task_seconds = 1.0

    def __init__(self, work, slots=2, place=CPU, took=0.1):
        self.work, self.place_, self.took, self.seconds = work, place, took, {}
        self.count, self.tasks, self.at_once, self.most = slots, [], 0, 0
        self.lock, self.pool = threading.Lock(), ThreadPoolExecutor(8)

    def place(self, job):
        return HERE if job.stage == "asks" else self.place_

    def slots(self, place):
        return self.count

    def submit(self, place, jobs):
        self.tasks.append(list(jobs))
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        return self.pool.submit(self.do, jobs)

    def do(self, jobs):
        try:
            for job in jobs:
                self.work(job)
            return [self.took] * len(jobs)
        finally:
            with self.lock:
                self.at_once -= 1

    def check(self):
        pass

    def explained(self, error):
        return KameError(f"explained: {error}") if isinstance(error, OSError) else error


def run(runner, jobs, done=lambda job, made: (), check_stop=lambda: None):
    there = set()
    work = runner.work

    def make(job):
        work(job)
        there.add(job)

    runner.work = make
    drain(jobs, runner, lambda job: (1, 0) if job in there else None, done, check_stop=check_stop)
    return there


JOBS = [Job("rules", str(n)) for n in range(200)]


def test_what_is_quick_goes_together_and_the_last_tasks_are_small():
    runner = Runner(lambda job: None)
    assert run(runner, JOBS) == set(JOBS)
    sizes = [len(task) for task in runner.tasks]
    assert [job for task in runner.tasks for job in task] == JOBS
    assert sizes[0] == 1 and max(sizes) == 10 and sizes[-1] == 1
    assert runner.most <= 4


def test_what_is_slow_or_asks_models_goes_alone():
    slow = Runner(lambda job: None, took=3.0)
    run(slow, JOBS[:20])
    assert {len(task) for task in slow.tasks} == {1}
    asking = Runner(lambda job: None)
    run(asking, [Job("asks", str(n)) for n in range(30)])
    assert {len(task) for task in asking.tasks} == {1} and asking.most <= 2


def test_jobs_that_follow_go_first_and_only_once():
    told = []

    def done(job, made):
        told.append(job)
        return [Job("next", job.label)] if job.stage == "rules" else []

    runner = Runner(lambda job: None)
    there = run(runner, JOBS[:30], done)
    assert len(there) == len(told) == len(set(told)) == 60
    order = [job.stage for task in runner.tasks for job in task]
    assert "next" in order[:20]


def test_a_part_of_a_task_is_told_of_as_soon_as_it_is_there():
    go, told = threading.Event(), []

    def work(job):
        if job.label == "9":
            assert go.wait(20)

    def done(job, made):
        told.append(job.label)
        if len(told) == 9:
            go.set()
        return ()

    runner = Runner(work, slots=1)
    runner.seconds["rules"] = 0.01
    runner.slots = lambda place: 0.1  # all ten in one task
    run(runner, JOBS[:10], done)
    assert [len(task) for task in runner.tasks] == [10] and told == [str(n) for n in range(10)]


def test_the_first_error_ends_it_in_the_runner_s_words():
    def work(job):
        if job.label == "5":
            raise ConnectionError("the wire is cut")

    runner = Runner(work)
    with pytest.raises(KameError, match="explained: the wire is cut"):
        run(runner, JOBS)
    assert sum(map(len, runner.tasks)) < 60


def test_what_asks_models_is_waited_for_after_an_error_and_nothing_else():
    never, asked = Future(), []

    class Half(Runner):
        def submit(self, place, jobs):
            return super().submit(place, jobs) if place == HERE else never

    def work(job):
        if job.label == "bad":
            raise KameError("refused by the model")
        threading.Event().wait(0.5)
        asked.append(job)

    jobs = [Job("rules", "0"), Job("asks", "bad"), Job("asks", "good")]
    with pytest.raises(KameError, match="refused by the model"):
        run(Half(work), jobs)
    assert [job.label for job in asked] == ["good"]


def test_a_stop_is_heard_at_once():
    def check_stop():
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        run(Runner(lambda job: threading.Event().wait(0.1)), JOBS, check_stop=check_stop)
