"""A Hub in small, for the real `huggingface_hub`: repositories, large files in parts, commits, pull requests.

Faults are made for real; `hub_faults.py` has them.
"""

import base64
import hashlib
import http.server
import json
import re
import threading
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

TOKEN = "hf_a_token_that_shows_nowhere"
WHEN = "2026-01-01T00:00:00.000Z"
BIG = (".parquet", ".safetensors", ".model")


@dataclass
class Repo:
    """A repository: by revision its commits, each (id, files: path to git id or `lfs:SHA256`)."""

    private: bool = False
    revisions: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)

    def files(self, revision="main"):
        return self.revisions[revision][-1][1]

    def commit(self, revision, files, title=""):
        content = json.dumps([revision, len(self.revisions.get(revision, ())), sorted(files.items())])
        name = hashlib.sha1(content.encode()).hexdigest()
        self.revisions.setdefault(revision, []).append((name, files, title))
        return name

    def at(self, revision):
        """The commit that a revision names."""
        if revision in self.revisions:
            return self.revisions[revision][-1]
        return next((c for commits in self.revisions.values() for c in commits if c[0] == revision), None)


class Hub(http.server.ThreadingHTTPServer):
    """`log` has a line for every request: method, path, status. `faults` are functions of a handler that are asked
    before each request, and may answer it (and return True); `part` is the size above which large files come in parts;
    `page` the entries of a folder that are told at once."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos, self.blobs, self.large, self.parts = {}, {}, {}, {}
        self.log, self.faults, self.shown = [], [], []
        self.part = 1 << 40
        self.page = 1000
        self.lock = threading.RLock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def hold(self, name, files, kind="dataset"):
        """Make a repository that holds files (path to bytes)."""
        repo = self.repos[kind, name] = Repo()
        repo.commit("main", {path: self.keep(data) for path, data in files.items()})
        return repo

    def keep(self, data):
        name = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        self.blobs[name] = data
        return name

    def content(self, entry):
        return self.large[entry[4:]] if entry.startswith("lfs:") else self.blobs[entry]

    def read(self, name, kind="dataset", revision="main"):
        """The files of a repository, path to bytes."""
        return {path: self.content(entry) for path, entry in self.repos[kind, name].files(revision).items()}

    def count(self, method, pattern):
        """How many requests there were."""
        return sum(m == method and bool(re.search(pattern, path)) for m, path, _ in self.log)

    def handle_error(self, request, client_address):
        pass  # a client that went away


@contextmanager
def hub():
    """A running Hub."""
    with Hub() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def site(monkeypatch, tmp_path_factory):
    """A Hub that this process takes for the one, with a token for it; waits are noted and not waited."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with hub() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        for module in ("constants", "file_download"):  # by version, it is read in the one or in the other
            monkeypatch.setattr(f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        server.waits = []
        monkeypatch.setattr("time.sleep", server.waits.append)
        yield server


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def send(self, status, body=b"", kind="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.server.log.append((self.command, self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_any(self):
        if any(fault(self) for fault in list(self.server.faults)):
            return
        path, _, query = self.path.partition("?")
        self.query = urllib.parse.parse_qs(query)
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        data = self.body() if self.command in ("POST", "PUT") else b""
        with self.server.lock:
            for method, pattern, name in ROUTES:
                if (method == self.command or (method, self.command) == ("GET", "HEAD")) and len(pattern) <= len(parts):
                    found = {}
                    if all(_fits(p, part, found) for p, part in zip(pattern, parts, strict=False)):
                        rest = parts[len(pattern) :]
                        if not rest or pattern[-1].endswith("*"):
                            getattr(self, name)(data, "/".join([found.pop("rest", ""), *rest]).strip("/"), **found)
                            return
        self.send(404, {"error": "no such thing"}, X_Error_Code="EntryNotFound")

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    # -- repositories

    def _repo(self, kind, owner, name, write=False):
        repo = self.server.repos.get((kind.removesuffix("s"), f"{owner}/{name}"))
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if write and not known:
            self.send(401, {"error": "Invalid credentials"})
            return None
        if repo is None or (repo.private and not known):
            self.send(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return None
        return repo

    def create(self, data, _):
        asked = json.loads(data)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.send(401, {"error": "Invalid username or password."})
        elif asked.get("organization") == "forbidden":
            self.send(403, {"error": "You don't have the rights to create a dataset under this namespace"})
        else:
            key = (asked.get("type", "model"), f"{asked['organization']}/{asked['name']}")
            if key in self.server.repos:
                self.send(409, {"error": "You already created this repo", "url": f"{self.server.url}/{key[1]}"})
                return
            repo = self.server.hold(key[1], {".gitattributes": b"*.parquet filter=lfs\n"}, key[0])
            visible = asked.get("visibility")
            repo.private = bool(asked.get("private")) or visible == "private"
            self.send(200, {"url": f"{self.server.url}/{key[0]}s/{key[1]}", "name": key[1], "id": "1"})

    def info(self, _, revision, kind, owner, name):
        if repo := self._repo(kind, owner, name):
            commit = repo.at(revision or "main")
            if commit is None:
                self.send(404, {"error": "Revision not found"}, X_Error_Code="RevisionNotFound")
                return
            siblings = [{"rfilename": path} for path in commit[1]]
            said = {"id": f"{owner}/{name}", "sha": commit[0], "siblings": siblings, "private": repo.private}
            self.send(200, said | {"tags": [], "downloads": 0, "likes": 0})

    def _entry(self, path, entry):
        data = self.server.content(entry)
        found = {"type": "file", "path": path, "size": len(data), "oid": entry}
        if entry.startswith("lfs:"):
            found["oid"] = hashlib.sha1(entry.encode()).hexdigest()
            found["lfs"] = {"oid": entry[4:], "size": len(data), "pointerSize": 130}
        return found

    def tree(self, _, rest, kind, owner, name, revision):
        if repo := self._repo(kind, owner, name):
            files = repo.at(revision)[1]
            found = [self._entry(p, e) for p, e in sorted(files.items()) if p.startswith(rest)]
            found += [
                {"type": "directory", "path": d, "oid": "0"} for d in {p.rpartition("/")[0] for p in files} - {""}
            ]
            start = int(self.query.get("cursor", ["0"])[0])
            page, more = found[start : start + self.server.page], found[start + self.server.page :]
            following = f"{self.server.url}{self.path.partition('?')[0]}?recursive=true&cursor={start + len(page)}"
            self.send(200, page, **({"Link": f'<{following}>; rel="next"'} if more else {}))

    def paths(self, data, _, kind, owner, name, revision):
        if repo := self._repo(kind, owner, name):
            plain = data.startswith(b"{")
            asked = json.loads(data)["paths"] if plain else urllib.parse.parse_qs(data.decode())["paths"]
            files = repo.at(revision)[1]
            self.send(200, [self._entry(path, files[path]) for path in asked if path in files])

    def resolve(self, _, path, owner, name, revision, kind="models"):
        if repo := self._repo(kind, owner, name):
            commit = repo.at(revision)
            if commit is None or path not in commit[1]:
                self.send(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
                return
            data = self.server.content(commit[1][path])
            etag = f'"{hashlib.sha1(data).hexdigest()}"'
            whole, status = len(data), 200
            headers = {"ETag": etag, "X_Repo_Commit": commit[0], "Accept_Ranges": "bytes"}
            if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start, end = int(asked[1]), int(asked[2] or whole - 1)
                data, status = data[start : end + 1], 206
                headers["Content_Range"] = f"bytes {start}-{start + len(data) - 1}/{whole}"
            self.send(status, data, "application/octet-stream", **headers)

    # -- uploads

    def yaml(self, data, _):
        head = json.loads(data)["content"]
        wrong = [] if head.startswith("---\n") else [{"message": "no metadata"}]
        self.send(400 if wrong else 200, {"errors": wrong, "warnings": []})

    def preupload(self, data, _, kind, owner, name, revision):
        if repo := self._repo(kind, owner, name, write=True):
            files = repo.at(revision)[1]
            found = [
                {
                    "path": f["path"],
                    "uploadMode": "lfs" if f["path"].endswith(BIG) else "regular",
                    "shouldIgnore": False,
                    "oid": files.get(f["path"]),
                }
                for f in json.loads(data)["files"]
            ]
            self.send(200, {"files": found})

    def batch(self, data, _, owner, name, kind="models"):
        if self._repo(kind, owner, name.removesuffix(".git"), write=True) is None:
            return
        found = []
        for wanted in json.loads(data)["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            here = f"{self.server.url}/lfs/{oid}"
            if oid in self.server.large:
                found.append(wanted)
            elif size > self.server.part:
                count = -(-size // self.server.part)
                header = {"chunk_size": str(self.server.part)}
                header |= {f"{n:05d}": f"{here}/{n}?X-Amz-Signature=signed" for n in range(1, count + 1)}
                found.append(wanted | {"actions": {"upload": {"href": here, "header": header}}})
            else:
                verify = {"href": f"{self.server.url}/verify"}
                put = {"href": f"{here}?X-Amz-Signature=signed"}
                found.append(wanted | {"actions": {"upload": put, "verify": verify}})
        self.send(200, {"transfer": "basic", "objects": found}, "application/vnd.git-lfs+json")

    def put(self, data, part, oid):
        if part:
            self.server.parts[oid, int(part)] = data
        elif hashlib.sha256(data).hexdigest() == oid:
            self.server.large[oid] = data
        else:
            self.send(400, {"error": "another checksum"})
            return
        self.send(200, b"", ETag=f'"{hashlib.md5(data).hexdigest()}"')

    def join(self, data, _, oid):
        count = len(json.loads(data)["parts"])
        whole = b"".join(self.server.parts.pop((oid, n)) for n in range(1, count + 1))
        if hashlib.sha256(whole).hexdigest() != oid:
            self.send(400, {"error": "another checksum"})
            return
        self.server.large[oid] = whole
        self.send(200, {})

    def verify(self, data, _):
        self.send(200 if json.loads(data)["oid"] in self.server.large else 404, {})

    def commit(self, data, _, kind, owner, name, revision):
        if (repo := self._repo(kind, owner, name, write=True)) is None:
            return
        lines = [json.loads(line) for line in data.splitlines() if line]
        header = next(line["value"] for line in lines if line["key"] == "header")
        commit = repo.at(revision)
        if (parent := header.get("parentCommit")) and parent != commit[0]:
            self.send(412, {"error": "A commit has happened since. Please refresh and try again."})
            return
        files = dict(commit[1])
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                assert value["encoding"] == "base64"
                files[value["path"]] = self.server.keep(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.server.large:
                    self.send(400, {"error": f"LFS pointer pointed to a file that does not exist: {value['path']}"})
                    return
                files[value["path"]] = f"lfs:{value['oid']}"
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        said = {}
        if self.query.get("create_pr"):
            repo.requests.append({"title": header["summary"], "status": "open", "base": commit[0]})
            revision = f"refs/pr/{len(repo.requests)}"
            repo.revisions[revision] = [commit]
            said["pullRequestUrl"] = f"{self.server.url}/{kind}/{owner}/{name}/discussions/{len(repo.requests)}"
        oid = repo.commit(revision, files, header["summary"])
        url = f"{self.server.url}/{kind}/{owner}/{name}/commit/{oid}"
        self.send(200, {"success": True, "commitOid": oid, "commitUrl": url, "pullRequestUrl": None} | said)

    # -- pull requests

    def discussions(self, _, rest, kind, owner, name):
        if repo := self._repo(kind, owner, name):
            where = {"name": f"{owner}/{name}", "type": kind.removesuffix("s")}
            shared = {"isPullRequest": True, "author": {"name": owner}, "createdAt": WHEN, "repo": where}
            opened = [(n, r) for n, r in enumerate(repo.requests, 1) if r["status"] == "open"]
            found = [{"num": n, "title": r["title"], "status": r["status"]} | shared for n, r in opened]
            self.send(200, {"discussions": found, "count": len(found), "start": 0})

    def merge(self, data, _, kind, owner, name, number):
        if (repo := self._repo(kind, owner, name, write=True)) is None:
            return
        request = repo.requests[int(number) - 1]
        if request["base"] != repo.at("main")[0]:
            self.send(409, {"error": "there are conflicts"})
            return
        request["status"] = "merged"
        repo.commit("main", repo.files(f"refs/pr/{number}"), request["title"])
        self.send(200, {"ok": True})

    def status(self, data, _, kind, owner, name, number):
        if repo := self._repo(kind, owner, name, write=True):
            status = json.loads(data)["status"]
            repo.requests[int(number) - 1]["status"] = status
            event = {"id": "1", "type": "status-change", "createdAt": WHEN, "author": {"name": owner}}
            self.send(200, {"newStatus": {**event, "data": {"status": status}}})


def _fits(pattern, part, found):
    if not pattern.startswith("<"):
        return pattern == part
    name = pattern.strip("<>*")
    if name == "kind" and part not in ("datasets", "models", "spaces"):
        return False
    if name == "name.git" and not part.endswith(".git"):
        return False
    found[name.removesuffix(".git")] = part
    return True


ROUTES = [
    (method, path.split("/"), name)
    for method, path, name in (
        ("POST", "api/repos/create", "create"),
        ("POST", "api/validate-yaml", "yaml"),
        ("GET", "api/<kind>/<owner>/<name>/revision/<rest>*", "info"),
        ("GET", "api/<kind>/<owner>/<name>/tree/<revision>*", "tree"),
        ("POST", "api/<kind>/<owner>/<name>/paths-info/<revision>", "paths"),
        ("GET", "api/<kind>/<owner>/<name>/discussions", "discussions"),
        ("POST", "api/<kind>/<owner>/<name>/discussions/<number>/merge", "merge"),
        ("POST", "api/<kind>/<owner>/<name>/discussions/<number>/status", "status"),
        ("POST", "api/<kind>/<owner>/<name>/preupload/<revision>", "preupload"),
        ("POST", "api/<kind>/<owner>/<name>/commit/<revision>", "commit"),
        ("GET", "api/<kind>/<owner>/<name>", "info"),
        ("POST", "<kind>/<owner>/<name.git>/info/lfs/objects/batch", "batch"),
        ("POST", "<owner>/<name.git>/info/lfs/objects/batch", "batch"),
        ("PUT", "lfs/<oid>/<rest>", "put"),
        ("PUT", "lfs/<oid>", "put"),
        ("POST", "lfs/<oid>", "join"),
        ("POST", "verify", "verify"),
        ("GET", "<kind>/<owner>/<name>/resolve/<revision>/<rest>*", "resolve"),
        ("GET", "<owner>/<name>/resolve/<revision>/<rest>*", "resolve"),
    )
]
