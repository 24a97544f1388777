"""What the tests of nights share: questions, a Hub for this process, and what Prefect's server says."""

import json
import time
import urllib.error
import urllib.request

QUESTIONS = [
    ("A box holds four rows of six eggs. How many eggs are in the box?", "24"),
    ("A train leaves at nine and arrives at noon. How many hours does it take?", "3"),
    ("Anna has twelve apples and eats five. How many apples are left?", "7"),
    ("A rope of twenty metres is cut into five equal pieces. How long is each piece in metres?", "4"),
    ("Ben reads ten pages a day. How many pages does he read in a week?", "70"),
    ("A shirt costs thirty euros and is half price today. What does it cost now in euros?", "15"),
]


def ask(url, what, method="POST", **body):
    """An answer of Prefect's API."""
    data = json.dumps(body).encode() if method != "GET" else None
    request = urllib.request.Request(f"{url}/{what}", data, {"Content-Type": "application/json"}, method=method)
    for wait in (1, 2, 4, 8, None):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer) if answer.status != 204 else None
        except urllib.error.HTTPError as error:
            if error.code != 503 or wait is None:  # its database is busy
                raise
            time.sleep(wait)
    return None


def pause(url, deployment):
    """Have no more runs begin by the schedule, once one is under way."""
    found = ask(url, f"deployments/name/nightly/{deployment}", method="GET")
    ask(url, f"deployments/{found['id']}", method="PATCH", paused=True)
    return found


def runs(url, deployment):
    """The runs of a deployment that have begun, the first first: (type, message)."""
    wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
    found = ask(url, "flow_runs/filter", **wanted)
    return [(r["state_type"], r["state"]["message"]) for r in found if r["start_time"]]


def write_questions(path, count):
    lines = [{"id": f"q{n}", "question": question, "answer": answer} for n, (question, answer) in enumerate(QUESTIONS)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:count]))
