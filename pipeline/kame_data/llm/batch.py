"""Batch jobs: another way to fill the ledger, at about half the price and within a day.

A job is noted in the ledger before it is handed in and again once its id is known, so that a killed process finds it
again and nothing is handed in twice. Its results go into the ledger under the same keys as answers that were asked
for one by one; what a job does not bring is handed in again.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kame_data.errors import KameError, Refusal, StoppedError, UsageError
from kame_data.llm.attempts import about_of
from kame_data.llm.engine import LLM
from kame_data.llm.faults import Fault, fault_of
from kame_data.llm.ledger import now
from kame_data.llm.ledger_file import JOB
from kame_data.llm.prices import most
from kame_data.llm.provider import BadBody, Client, JobLimits, Jobs, JobState, Taken, answer_of
from kame_data.llm.providers.base import said, scrub
from kame_data.llm.request import Request

log = logging.getLogger(__name__)
CHUNK = 500  # results that go to the disk together
Where = tuple[str, str]


@dataclass
class BatchOutcome:
    """The outcome of requests: how many the ledger holds now, which are `missing` still, and which the provider
    refuses for good (`failed`: key to reason)."""

    answered: int = 0
    missing: list[Request] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Batches:
    """Runs batch jobs for an `LLM` (its ledger, clients, prices, budget and accounts).

    `poll`: seconds between two looks at the jobs; `rounds`: how often what is missing is handed in again; `limits` go
    under the provider's own; `probe`: ask one request of each model directly first, so that a wrong key, an unknown
    model or a refused parameter shows before a whole job fails; `progress(text)` is told how the jobs stand.
    """

    def __init__(
        self,
        llm: LLM,
        poll: float = 60.0,
        rounds: int = 3,
        limits: JobLimits | None = None,
        probe: bool = True,
        progress: Callable[[str], None] = log.info,
    ) -> None:
        self.llm, self.poll, self.rounds, self.probe, self.progress = llm, poll, rounds, probe, progress
        self._limits = limits
        self._jobs_at: dict[Where, tuple[Jobs, Client, str | None]] = {}
        self._set_aside: dict[str, float] = {}

    async def run(self, requests: Iterable[Request]) -> BatchOutcome:
        """Hands in what the ledger does not hold, waits, takes the results; jobs of a killed run are taken first.

        Raises StoppedError where the budget takes no further job, KameError where a provider takes none.
        """
        wanted = {request.key: request for request in requests}
        outcome = BatchOutcome()
        for turn in range(self.rounds):
            live = await self._pick_up(wanted)
            held = {key for note in live for key in note["requests"]}
            if turn == 0:
                # Of what no job holds yet: the others are paid for.
                await self._probe(self._missing(wanted, outcome, held))
            new, left = await self._hand_in(self._missing(wanted, outcome, held))
            if not live and not new:
                if left:
                    raise self._no_budget(left)
                break
            before = self._count(wanted)
            why = await self._wait(live + new, wanted, outcome)
            if why and self._count(wanted) == before and not outcome.failed:
                raise KameError(f"batch job failed: {why}; nothing came of it")
        outcome.missing = self._missing(wanted, outcome, set())
        outcome.answered = self._count(wanted)
        return outcome

    # Before

    async def _probe(self, missing: Iterable[Request]) -> None:
        seen: set[tuple[str, str, str]] = set()
        for request in missing:
            model = (request.provider, request.url, request.model)
            if not self.probe or model in seen:
                continue
            try:
                await self.llm.ask(request)
            except Refusal as refusal:
                log.debug("probe refused: %s", refusal)
                if refusal.reason == "llm_failed":
                    # The fault may be the request's own; the engine ends it where no other does better.
                    continue
            seen.add(model)

    async def _pick_up(self, wanted: dict[str, Request]) -> list[dict[str, Any]]:
        """The notes of jobs that are under way at the addresses that are wanted, their ids known."""
        places = {(request.provider, request.url): request for request in wanted.values()}
        notes = self.llm.ledger.jobs()
        known = {note["id"] for note in notes.values() if note.get("id")}
        live = []
        for name, note in notes.items():
            if lost := {"provider", "url", "model", "state", "requests", "most"} - note.keys():
                # Of a damaged row, say. What came of such a job belongs to no request any more.
                log.warning("batch job %s: the ledger has lost its %s; not picked up", name, ", ".join(sorted(lost)))
                continue
            where = (note["provider"], note["url"])
            if note["state"] not in ("prepared", "sent") or where not in places:
                continue
            jobs = self._at(places[where])[0]
            if note["state"] == "prepared":
                found = await self._steadily(jobs.find, note, known)
                if found is None:
                    await self._note(note, state="void")
                    continue
                known.add(found)
                note = await self._note(note, state="sent", id=found)
            self.progress(f"{note['provider']} batch {note['id']}: picked up")
            self._reserve(note)
            live.append(note)
        return live

    async def _hand_in(self, missing: list[Request]) -> tuple[list[dict[str, Any]], list[Request]]:
        """Notes of new jobs, and the requests that the budget leaves out."""
        notes: list[dict[str, Any]] = []
        by_model: dict[tuple[str, str, str], list[Request]] = {}
        for request in missing:
            by_model.setdefault((request.provider, request.url, request.model), []).append(request)
        left: list[Request] = []
        for requests in by_model.values():
            for job, cost in self._cut(requests, left):
                notes.append(await self._submit(job, cost))
        return notes, left

    def _cut(self, requests: list[Request], left: list[Request]) -> Iterable[tuple[list[tuple[Request, bytes]], float]]:
        """Jobs within the provider's limits and the budget, each with its cost at the most."""
        jobs, client, _ = self._at(requests[0])
        limits = self._limits or jobs.limits
        price = self.llm.prices.find(requests[0].provider, requests[0].model)
        if self.llm.budget.limit is not None:
            price = self.llm.prices.known(requests[0])
        job: list[tuple[Request, bytes]] = []
        size, cost = 0, 0.0
        for i, request in enumerate(requests):
            line = jobs.line(request.key, client.body(request))
            if len(line) > limits.bytes:
                raise UsageError(
                    f"request of {len(line)} bytes: a batch job takes {limits.bytes}; use --llm-mode online"
                )
            one = price.of(most(request), batch=True) if price else 0.0
            if not self.llm.budget.fits(cost + one):
                left.extend(requests[i:])
                break
            if job and (len(job) >= limits.count or size + len(line) + 1 > limits.bytes):
                yield job, cost
                job, size, cost = [], 0, 0.0
                if not self.llm.budget.fits(one):
                    left.extend(requests[i:])
                    break
            job.append((request, line))
            size, cost = size + len(line) + 1, cost + one
        if job:
            yield job, cost

    async def _submit(self, job: list[tuple[Request, bytes]], cost: float) -> dict[str, Any]:
        first = job[0][0]
        jobs, _, key = self._at(first)
        about = {request.key: [request.sample, request.stage, request.level] for request, _ in job}
        name = uuid.uuid4().hex
        note: dict[str, Any] = {
            "job": name,
            "provider": first.provider,
            "url": first.url,
            "model": first.model,
            "requests": about,
        }
        note["most"] = cost
        self._reserve(note)
        note = await self._note(note, state="prepared")
        lines = [line for _, line in job]
        for turn in range(5):
            try:
                found = await jobs.submit(name, lines)
                break
            except Exception as error:
                self._raise_if_hopeless(error, first)
                log.warning("batch job not handed in: %s", scrub(str(error), key)[:200])
                # It may have been taken all the same.
                await asyncio.sleep(min(self.poll, 2.0**turn))
                known = {n["id"] for n in self.llm.ledger.jobs().values() if n.get("id")}
                taken = await self._steadily(jobs.find, note, known)
                if taken is not None:
                    found = taken
                    break
        else:
            raise StoppedError(f"{first.provider} at {first.url}: takes no batch job; the same command tries again")
        self.progress(f"{first.provider} batch {found}: {len(job)} requests handed in")
        return await self._note(note, state="sent", id=found)

    # After

    async def _wait(self, notes: list[dict[str, Any]], wanted: dict[str, Request], outcome: BatchOutcome) -> str:
        """Takes the results of all jobs as they end; why one failed as a whole, or ""."""
        why = ""
        while notes:
            for note in list(notes):
                jobs = self._jobs_at[note["provider"], note["url"]][0]
                state: JobState = await self._steadily(jobs.look, note["id"])
                if state.state == "live":
                    continue
                notes.remove(note)
                if state.state == "failed":
                    why = state.why
                    self.progress(f"{note['provider']} batch {note['id']}: failed ({why})")
                    self._settle(note, 0.0)
                    await self._note(note, state="failed", why=why)
                    continue
                count = await self._take(jobs, note, state, wanted, outcome)
                await self._note(note, state="taken")
                self.progress(
                    f"{note['provider']} batch {note['id']}: {count} of {len(note['requests'])} answers taken"
                )
            if notes:
                await asyncio.sleep(self.poll)
        return why

    async def _take(
        self, jobs: Jobs, note: dict[str, Any], state: JobState, wanted: dict[str, Request], outcome: BatchOutcome
    ) -> int:
        """Puts the answers of a job into the ledger; taking the same job twice changes nothing.

        What came before an error is kept.
        """
        chunk: list[tuple[str, str, dict[str, Any]]] = []
        spent, count = 0.0, 0

        async def flush() -> None:
            await asyncio.to_thread(self.llm.ledger.put_many, list(chunk))
            chunk.clear()

        try:
            async for taken in jobs.take(note["id"], state):
                if taken.key not in note["requests"]:
                    log.warning("batch %s: a result for a request that was not in it is left out", note["id"])
                    continue
                answer = self._answer(taken, note, wanted, outcome)
                if answer is None:
                    continue
                count += 1
                spent += answer[2]["cost"] or 0.0
                if taken.key not in self.llm.ledger:
                    chunk.append(answer)
                if len(chunk) >= CHUNK:
                    await flush()
        finally:
            await flush()
        self._settle(note, spent)
        return count

    def _answer(
        self, taken: Taken, note: dict[str, Any], wanted: dict[str, Request], outcome: BatchOutcome
    ) -> tuple[str, str, dict[str, Any]] | None:
        """The record for the ledger, or None for what is missing or failed."""
        reply, request = taken.reply, wanted.get(taken.key) or _stand_in(note, taken.key)
        if reply is None:
            return None
        _, client, key = self._jobs_at[note["provider"], note["url"]]
        fault = fault_of(reply)
        if fault is Fault.REFUSED:
            return taken.key, reply.body, about_of(request, None, None, "batch", reply.status, None)
        if fault is not Fault.NONE:
            taught = client.learn(request, client.body(request), reply) if taken.key in wanted else None
            if taught:
                self.llm.notice(taught)
            elif taught is None and fault in (Fault.REQUEST, Fault.MODEL):
                outcome.failed[taken.key] = said(reply, key)
            return None
        try:
            answer = answer_of(note["provider"], reply.body)
        except BadBody:
            return None
        price = self.llm.prices.find(request.provider, request.model)
        cost = price.of(answer.usage, batch=True) if price else None
        self.llm.accounts.of(request).paid(answer.usage, cost, 0.0)
        about = about_of(request, answer.usage, cost, "batch", reply.status, None)
        if not answer.text.strip() and not answer.refused:
            self.llm.ledger.put_now(taken.key, reply.body, about, waste=True)
            return None
        return taken.key, reply.body, about

    # Inside

    def _missing(self, wanted: dict[str, Request], outcome: BatchOutcome, held: set[str]) -> list[Request]:
        ledger = self.llm.ledger
        return [r for k, r in wanted.items() if k not in held and k not in outcome.failed and k not in ledger]

    def _count(self, wanted: dict[str, Request]) -> int:
        return sum(key in self.llm.ledger for key in wanted)

    def _reserve(self, note: dict[str, Any]) -> None:
        if note["job"] not in self._set_aside:
            self._set_aside[note["job"]] = note["most"]
            self.llm.budget.on_wire += note["most"]

    def _settle(self, note: dict[str, Any], spent: float) -> None:
        self.llm.settle(self._set_aside.pop(note["job"], 0.0), spent)

    def _at(self, request: Request) -> tuple[Jobs, Client, str | None]:
        where = (request.provider, request.url)
        if where not in self._jobs_at:
            client, key = self.llm.client(request)
            jobs = client.jobs()
            if jobs is None:
                raise UsageError(f"{request.provider}: has no batch jobs; leave --llm-mode batch out")
            self._jobs_at[where] = (jobs, client, key)
        return self._jobs_at[where]

    async def _note(self, note: dict[str, Any], **change: Any) -> dict[str, Any]:
        """Notes a change of a job; the requests are written once, with the first note."""
        seq = note.get("seq", -1) + 1
        rest = {} if seq else {"requests": note["requests"], "most": note["most"]}
        short = {name: note[name] for name in ("job", "provider", "url", "model")}
        await self.llm.ledger.note_async(JOB, f"{note['job']}/{seq}", {**short, **rest, **change, "seq": seq})
        return {"at": now(), **note, **change, "seq": seq}

    async def _steadily(self, what: Callable[..., Any], *arguments: Any) -> Any:
        """Asks until the provider answers, for as long as an answer is waited for at all."""
        loop = asyncio.get_running_loop()
        until, turn = loop.time() + self.llm.limits.stall, 0
        while True:
            try:
                return await what(*arguments)
            except Exception as error:
                self._raise_if_hopeless(error, None)
                turn += 1
                if loop.time() > until:
                    text = scrub(str(error))[:200]
                    raise StoppedError(
                        f"batch jobs can't be looked at: {text}; the same command goes on from here later"
                    ) from None
                await asyncio.sleep(min(30.0, self.poll, 0.5 * 2.0**turn))

    def _raise_if_hopeless(self, error: Exception, request: Request | None) -> None:
        if isinstance(error, KameError):
            raise error
        status = getattr(error, "status_code", None)
        if status in (400, 401, 403, 404, 405, 413, 422):
            at = f"{request.provider} at {request.url}" if request is not None else "batch jobs"
            raise KameError(
                f"{at}: {status}: {scrub(str(error))[:200]}; use --llm-mode online where there are no batch jobs"
            ) from None

    def _no_budget(self, left: list[Request]) -> StoppedError:
        budget = self.llm.budget
        return StoppedError(
            f"budget ${budget.limit:g}: ${budget.spent:.4f} spent, and {len(left)} requests do not fit; "
            "the same command with a larger --budget goes on from here"
        )


def _stand_in(note: dict[str, Any], key: str) -> Request:
    """A request of another run, as far as the job's note knows it: enough for the accounts."""
    sample, stage, level = note["requests"][key]
    return Request(note["provider"], note["model"], (), note["url"], sample=sample, stage=stage, level=level)
