"""One request, asked until it is answered, refused, or given up."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from kame_data.errors import KameError, Refusal, StoppedError
from kame_data.llm.faults import CHARGED, OUTAGE, PUSHBACK, USELESS, Fault, fault_of, retry_after
from kame_data.llm.prices import most
from kame_data.llm.provider import BadBody, Cut, Reply, Unreachable, answer_of, provider_of
from kame_data.llm.providers.base import said, scrub
from kame_data.llm.request import Answer, Request, Usage

if TYPE_CHECKING:
    from kame_data.llm.engine import LLM

LONGEST_PAUSE = 20.0  # seconds of back-off at the most
FEW = 5  # requests that may fail before it is asked whether anything works at all
LEARNINGS = 12  # parameters that one request may find refused


class Attempts:
    """The life of one request on the wire. Faults of the request count against it; those of the provider do not."""

    def __init__(self, llm: "LLM", request: Request) -> None:
        self.llm = llm
        self.request = request
        self.endpoint = llm.endpoint(request)
        self.provider = provider_of(request.provider)
        self.client, self.key = llm.client(request)
        self.account = llm.accounts.of(request)
        self.tokens = float(sum((most(request).input, request.max_tokens or 0)))
        self.cost = llm.most(request)
        self.tries = 0
        self.pushed_back = 0
        self.learned = 0
        self.began = 0.0
        self.what = ""

    async def run(self) -> Answer:
        """The answer (also one that refuses the content), durable; Refusal('llm_failed') where there is none."""
        self.began = asyncio.get_running_loop().time()
        self.endpoint.asked_by += 1
        again = False
        try:
            while True:
                self.llm.check_space()
                if self.llm.stopped is not None:
                    raise self.llm.stopped
                answer = await self._once(again)
                if answer is not None:
                    return answer
                again = True
        except asyncio.CancelledError:
            if self.llm.stopped is not None:
                raise self.llm.stopped from None
            raise
        finally:
            self.endpoint.asked_by -= 1
            if not self.endpoint.asked_by:
                # Nobody is asking: quiet from here on is no trouble.
                self.endpoint.trouble_since = None

    async def _once(self, again: bool) -> Answer | None:
        """One attempt with the wait after it; None where another is due."""
        await self.endpoint.enter(self.tokens, self.cost, again)
        task, started = asyncio.current_task(), time.monotonic()
        self.llm.on_wire(task, True)
        self.account.calls += 1
        self.account.retries += again
        fault, wait, reply, sent, answer = Fault.CUT, None, None, {}, None
        charged, held = self.cost, False
        try:
            sent = self.client.body(self.request)
            fault, reply = await self._send()
            if reply is not None:
                wait = retry_after(reply.headers)
                self.endpoint.observe(reply.headers)
                if fault is Fault.NONE:
                    fault, answer = self._read(reply)
            charged = self._charge(fault, answer)
        finally:
            # The place on the wire is free again before the answer is on the disk; but of a model that has said no
            # word so far, little is asked before it is known to be of no use.
            held = fault in USELESS and not self.endpoint.said
            if not held:
                self.endpoint.leave(fault, wait)
            self.llm.settle(self.cost, charged)
        try:
            if reply is not None and 200 <= reply.status < 300:
                await self._keep(reply, answer, fault, time.monotonic() - started)
            elif fault is Fault.REFUSED and reply is not None:
                answer = Answer(said(reply, self.key), reply.body, finish="refusal", refused=True)
                await self._keep(reply, answer, fault, time.monotonic() - started)
        finally:
            self.llm.on_wire(task, False)
            if held:
                self.endpoint.leave(fault, wait)
        if answer is not None and fault in (Fault.NONE, Fault.REFUSED):
            return answer
        await self._after(fault, wait, reply, sent)
        return None

    async def _send(self) -> tuple[Fault, Reply | None]:
        try:
            async with self.endpoint.patience.answer():
                reply = await self.client.send(self.request)
        except TimeoutError:
            self.what = f"no answer within {self.llm.limits.timeout:g} s"
            return Fault.HANG, None
        except Cut as cut:
            self.what = scrub(f"connection cut ({cut})", self.key)
            return Fault.CUT, None
        except Unreachable as unreachable:
            self.what = scrub(str(unreachable), self.key)
            return Fault.UNREACHABLE, None
        fault = fault_of(reply)
        if fault is not Fault.NONE:
            self.what = said(reply, self.key)
        return fault, reply

    def _read(self, reply: Reply) -> tuple[Fault, Answer | None]:
        try:
            answer = answer_of(self.request.provider, reply.body)
        except BadBody as bad:
            self.what = scrub(f"malformed response ({bad})", self.key)
            return Fault.BAD_BODY, None
        self.endpoint.correct(answer.usage.input + answer.usage.output - self.tokens)
        if answer.refused:
            return Fault.REFUSED, answer
        if not answer.text.strip():
            if answer.finish == "length":
                self.what = f"its {self.request.max_tokens} tokens are used up before it says a word"
                return Fault.WORDLESS, answer
            self.what = f"empty answer (finish: {answer.finish})"
            return Fault.EMPTY, answer
        return Fault.NONE, answer

    def _charge(self, fault: Fault, answer: Answer | None) -> float:
        """Dollars that the attempt took, at the most where that is not known."""
        if fault in CHARGED or fault is Fault.BAD_BODY:
            self.account.lost += self.cost
            return self.cost
        return self._cost(answer.usage) or 0.0 if answer is not None else 0.0

    def _cost(self, usage: Usage) -> float | None:
        price = self.llm.prices.find(self.request.provider, self.request.model)
        return None if price is None else price.of(usage)

    async def _keep(self, reply: Reply, answer: Answer | None, fault: Fault, seconds: float) -> None:
        usage = answer.usage if answer is not None else None
        cost = self._cost(usage) if usage is not None else None
        self.account.paid(usage, cost, seconds)
        about = about_of(self.request, usage, cost, "online", reply.status, seconds)
        waste = fault in USELESS
        try:
            await self.llm.ledger.put(self.request.key, scrub_body(reply.body, self.key), about, waste)
        except KameError as error:
            self.llm.stop(error, at_once=True)
            raise

    async def _after(self, fault: Fault, wait: float | None, reply: Reply | None, sent: dict[str, Any]) -> None:
        """Waits as long as the fault calls for; raises where no further attempt is due."""
        if fault is Fault.REQUEST or fault is Fault.SERVER or fault is Fault.MODEL:
            taught = self.client.learn(self.request, sent, reply) if reply is not None else None
            if taught is not None and self.learned < LEARNINGS:
                self.learned += 1
                self.llm.notice(taught)
                return
        self._stop_if_hopeless(fault)
        now = asyncio.get_running_loop().time()
        if fault is Fault.REQUEST or fault is Fault.WORDLESS:
            self._give_up()
        if fault in OUTAGE:
            self.pushed_back += 1
            if now - self.began > self.llm.limits.stall and self.endpoint.last_answer > self.began:
                self._give_up()
        else:
            self.tries += 1
            if self.tries >= self.llm.limits.attempts:
                works = self.endpoint.last_answer > self.began or len(self.endpoint.given_up) < FEW
                if works or fault in USELESS:
                    self._give_up()
        limit = self.llm.limits.stall
        if wait is not None and wait > limit:
            if self.endpoint.last_answer > self.began:
                self._give_up()
            raise self._stopped(
                f"{self.endpoint.name}: asks to wait {wait:.0f} s, and more than {limit:g} s are not waited for; "
                f"the same command goes on from here later ({self.what})"
            )
        await asyncio.sleep(self._pause(fault, wait))

    def _pause(self, fault: Fault, wait: float | None) -> float:
        """Full jitter under a bound that doubles; never less than the provider asks for.

        While others are answered, a request with a scattered fault is soon asked again: one more is no burden.
        """
        turn = min(self.tries + self.pushed_back, 16)
        bound = self.llm.limits.pause * 2.0 ** max(0, turn - 1)
        if fault in PUSHBACK and self.endpoint.congested:
            bound *= 4
        elif self.endpoint.flows:
            bound /= 4
        bound = min(LONGEST_PAUSE, bound)
        jitter = self.llm.jitter.uniform(0, bound)
        return jitter if wait is None else wait + min(jitter, 0.25 + wait / 4)

    def _give_up(self) -> None:
        self.endpoint.given_up.add(self.request.key)
        times = self.tries + self.pushed_back
        raise Refusal("llm_failed", f"{self.endpoint.name}: {self.what}" + (f" ({times} times)" if times > 1 else ""))

    def _stop_if_hopeless(self, fault: Fault) -> None:
        endpoint, limits = self.endpoint, self.llm.limits
        if fault is Fault.KEY and (endpoint.answers == 0 or "401" in self.what[:3]):
            variable = f"{self.request.provider.upper()}_API_KEY"
            way = f"check {variable}" if self.key else f"set {variable}"
            raise self._fatal(
                f"{endpoint.name}: the key is refused ({self.what}); {way} and run the same command again"
            )
        if fault is Fault.KEY:
            self._give_up()
        if fault is Fault.QUOTA:
            raise self._stopped(
                f"{endpoint.name}: the credit is used up ({self.what}); the same command goes on once there is some"
            )
        if fault is Fault.MODEL and endpoint.answers == 0:
            hint = self.provider.path_hint(self.request.url)
            raise self._fatal(
                f"{endpoint.name}: not found at {self.request.url} ({self.what}); "
                f"check the model's name and the address{hint}"
            )
        if fault is Fault.MODEL:
            self._give_up()
        if fault is Fault.REQUEST and endpoint.answers == 0 and len(endpoint.given_up) >= FEW:
            raise self._fatal(f"{endpoint.name}: refuses every request ({self.what}); nothing was answered")
        if fault in USELESS and endpoint.said == 0 and (len(endpoint.given_up) >= FEW or endpoint.answers >= 4 * FEW):
            raise self._fatal(
                f"{endpoint.name}: gives nothing that can be used ({self.what}); a model that thinks before it speaks "
                "wants more tokens (llm.writer_tokens, llm.oracle_tokens), else take another model"
            )
        if fault is Fault.UNREACHABLE and "CERTIFICATE_VERIFY_FAILED" in self.what:
            raise self._fatal(
                f"{endpoint.name}: the certificate of {self.request.url} is not trusted ({self.what}); check "
                "the address, or name the certificates to trust with SSL_CERT_FILE"
            )
        if (
            fault is Fault.UNREACHABLE
            and endpoint.answers == 0
            and endpoint.troubled_for() > min(limits.unreachable, limits.stall)
        ):
            raise self._fatal(
                f"{endpoint.name}: {self.request.url} can't be reached ({self.what}); check the address "
                "or start the server"
            )
        if endpoint.troubled_for() > limits.stall:
            raise self._stopped(
                f"{endpoint.name}: no answer for {limits.stall:g} s, the last fault was: {self.what}; "
                "the same command goes on from here later"
            )

    def _fatal(self, text: str) -> KameError:
        error = KameError(text)
        self.llm.stop(error, at_once=True)
        return self.llm.stopped or error

    def _stopped(self, text: str) -> KameError:
        error = StoppedError(text)
        self.llm.stop(error)
        return self.llm.stopped or error


def about_of(
    request: Request, usage: Usage | None, cost: float | None, mode: str, status: int, seconds: float | None
) -> dict[str, Any]:
    """The facts that the ledger keeps beside a raw answer (see `kame_data.llm.ledger.Entry`)."""
    return {
        "provider": request.provider,
        "url": request.url,
        "model": request.model,
        "sample": request.sample,
        "stage": request.stage,
        "level": request.level,
        "mode": mode,
        "status": status,
        "input": usage.input if usage is not None else None,
        "output": usage.output if usage is not None else None,
        "cached": usage.cached if usage is not None else None,
        "cost": cost,
        "seconds": None if seconds is None else round(seconds, 4),
    }


def scrub_body(body: str, key: str | None) -> str:
    """A response as it came; a key that a server echoes does not get into the ledger."""
    return body.replace(key, "[key]") if key and key in body else body
