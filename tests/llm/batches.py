"""The batch side of the scripted server: OpenAI's files and batches, Anthropic's message batches.

`desk.plan` says, by prompt, what becomes of a request in a batch: "ok" (the default), "error", "expired", "canceled".
A job is finished after `desk.polls` looks at it. `desk.end` overrides an OpenAI job's last status.
`desk.damage` are lines that stand before the results.
"""

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from llm.server import ScriptedServer


class BatchQueue:
    """Holds files and jobs in memory."""

    def __init__(self, server: "ScriptedServer") -> None:
        self.server = server
        self.plan: dict[str, str] = {}
        self.polls = 1
        self.end = "completed"
        self.damage: list[str] = []
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def add_routes(self, app: web.Application) -> None:
        """Both providers' paths."""
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        app.router.add_post("/v1/messages/batches", self._create_messages)
        app.router.add_get("/v1/messages/batches", self._list_messages)
        app.router.add_get("/v1/messages/batches/{id}", self._retrieve_messages)
        app.router.add_get("/v1/messages/batches/{id}/results", self._results)

    def fate(self, body: dict[str, Any]) -> str:
        """What the plan has for a request."""
        from llm.server import prompt

        self.asked.append(prompt(body))
        return self.plan.get(prompt(body), "ok")

    async def _upload(self, http: web.Request) -> web.Response:
        form = await http.post()
        name = f"file-{len(self.files)}"
        upload: Any = form["file"]
        self.files[name] = upload.file.read()
        return web.json_response(self._file(name))

    def _file(self, name: str) -> dict[str, Any]:
        size = len(self.files[name])
        return {
            "id": name,
            "object": "file",
            "bytes": size,
            "created_at": 1,
            "filename": "b.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    async def _content(self, http: web.Request) -> web.Response:
        damage = "".join(line + "\n" for line in self.damage)
        return web.Response(body=damage.encode() + self.files[http.match_info["id"]])

    async def _create(self, http: web.Request) -> web.Response:
        asked = await http.json()
        name = f"batch_{len(self.jobs)}"
        self.jobs[name] = {"looks": 0, "metadata": asked.get("metadata"), "file": asked["input_file_id"], "out": None}
        return web.json_response(self._job(name))

    async def _list(self, _: web.Request) -> web.Response:
        data = [self._job(name) for name, job in self.jobs.items() if "file" in job]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def _retrieve(self, http: web.Request) -> web.Response:
        name = http.match_info["id"]
        self.jobs[name]["looks"] += 1
        return web.json_response(self._job(name))

    def _job(self, name: str) -> dict[str, Any]:
        job = self.jobs[name]
        done = job["looks"] > self.polls
        if done and job["out"] is None:
            job["out"] = self._work(name, job)
        output, errors = job["out"] or (None, None)
        return {
            "id": name,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": job["file"],
            "completion_window": "24h",
            "created_at": int(time.time()),
            "status": self.end if done else "in_progress",
            "metadata": job["metadata"],
            "output_file_id": output,
            "error_file_id": errors,
            "errors": {"object": "list", "data": [{"message": "bad file", "code": "x"}]}
            if self.end == "failed" and done
            else None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }

    def _work(self, name: str, job: dict[str, Any]) -> tuple[str | None, str | None]:
        if self.end == "failed":
            return None, None
        good, bad = [], []
        for line in self.files[job["file"]].decode().splitlines():
            item = json.loads(line)
            fate = self.fate(item["body"])
            if fate == "ok":
                answer = self.server.answer("/v1/chat/completions", item["body"])
                good.append(
                    {"custom_id": item["custom_id"], "response": {"status_code": 200, "body": answer}, "error": None}
                )
            elif fate == "error":
                failed = {"status_code": 500, "body": {"error": {"message": "scripted"}}}
                bad.append({"custom_id": item["custom_id"], "response": failed, "error": None})
            elif fate == "invalid":
                failed = {"status_code": 400, "body": {"error": {"message": "this prompt is too long"}}}
                bad.append({"custom_id": item["custom_id"], "response": failed, "error": None})
            else:
                why = {"code": "batch_expired", "message": "expired"}
                bad.append({"custom_id": item["custom_id"], "response": None, "error": why})
        return self._store(name + "-out", good), self._store(name + "-err", bad)

    def _store(self, name: str, lines: list[dict[str, Any]]) -> str | None:
        if not lines:
            return None
        self.files[name] = "".join(json.dumps(line) + "\n" for line in reversed(lines)).encode()
        return name

    async def _create_messages(self, http: web.Request) -> web.Response:
        asked = await http.json()
        name = f"msgbatch_{len(self.jobs)}"
        self.jobs[name] = {"looks": 0, "requests": asked["requests"], "out": None}
        return web.json_response(self._message_job(http, name))

    async def _list_messages(self, http: web.Request) -> web.Response:
        data = [self._message_job(http, name) for name, job in self.jobs.items() if "requests" in job]
        return web.json_response({"data": data, "has_more": False, "first_id": None, "last_id": None})

    async def _retrieve_messages(self, http: web.Request) -> web.Response:
        name = http.match_info["id"]
        self.jobs[name]["looks"] += 1
        return web.json_response(self._message_job(http, name))

    def _message_job(self, http: web.Request, name: str) -> dict[str, Any]:
        done = self.jobs[name]["looks"] > self.polls
        total = len(self.jobs[name]["requests"])
        counts = {"processing": 0 if done else total, "succeeded": total if done else 0}
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if done else "in_progress",
            "request_counts": {**counts, "errored": 0, "canceled": 0, "expired": 0},
            "created_at": datetime.now(UTC).isoformat(),
            "expires_at": "2100-01-02T00:00:00Z",
            "ended_at": None,
            "results_url": f"{self.server.root}/v1/messages/batches/{name}/results" if done else None,
        }

    async def _results(self, http: web.Request) -> web.Response:
        lines = list(self.damage)
        job = self.jobs[http.match_info["id"]]
        if job["out"] is None:
            job["out"] = [(item, self.fate(item["params"])) for item in job["requests"]]
        for item, fate in reversed(job["out"]):
            result: dict[str, Any] = {
                "type": {"ok": "succeeded", "error": "errored", "invalid": "errored"}.get(fate, fate)
            }
            if fate == "ok":
                result["message"] = self.server.answer("/v1/messages", item["params"])
            elif fate in ("error", "invalid"):
                kind = "api_error" if fate == "error" else "invalid_request_error"
                result["error"] = {"type": "error", "error": {"type": kind, "message": "scripted"}}
            lines.append(json.dumps({"custom_id": item["custom_id"], "result": result}))
        return web.Response(text="\n".join(lines) + "\n", content_type="application/x-jsonl")
