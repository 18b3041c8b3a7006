"""Our node against OpenTAXII, on the same data, over the same loopback, by the same client, both warm.

OpenTAXII is installed from PyPI into the measure's folder and goes with it. It runs as its documentation has it, on
SQLite behind gunicorn, with a Bearer token: its other way hashes a password at each request. Two things are mended,
without which it answers no POST with current libraries: SQLAlchemy is the version before 2, and JSON knows UUIDs. Its
database is analysed before it is read: without, SQLite looks for last versions by an index of no use, ten times slower.
Data are those objects of ATT&CK that have a ``modified``: it takes no others.
"""

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from datetime import datetime

import httpx2

from tests.bench.common import (
    TAXII,
    Figure,
    attack,
    client_of,
    collection,
    free_port,
    given_to_client,
    pages,
    running,
    timed,
)
from tests.journeys.test_processes import Nation

PACKAGES = ("opentaxii==0.9.3", "gunicorn", "sqlalchemy<2")
ENTRY = """import json, uuid
plain = json.JSONEncoder.default
json.JSONEncoder.default = lambda self, it: str(it) if isinstance(it, uuid.UUID) else plain(self, it)
from opentaxii.http import app
"""
POST = 1000  # objects in one
PAGE = 1000  # objects, as clients ask for them
TYPES = ("attack-pattern", "malware", "tool", "intrusion-set", "campaign", "course-of-action")
ROUNDS = 5
SECONDS = 30  # for the reads of one kind; at least three are made
PARTS = ("match[type]", "match[id]", "added_after")


def against_opentaxii(folder):
    read = attack()
    sent = [json.loads(each.raw) for each in read if each.version and "modified" in each.body]
    posts = [
        json.dumps({"objects": sent[at : at + POST]}).encode() for at in range(0, len(sent), POST)
    ]
    try:
        commands = _install(folder / "opentaxii")
    except subprocess.SubprocessError:
        yield Figure(
            "TAXII, against OpenTAXII 0.9.3", "not measured", "15x",
            "PyPI could not be reached, from where it is installed for the occasion",
        )  # fmt: skip
        return
    with _opentaxii(folder / "opentaxii", commands) as http:
        path = collection(http, "bench")
        their_post, _ = timed(lambda: _post(http, path, posts))
        _analyse(folder / "opentaxii" / "data.db")
        their_get, found = timed(lambda: pages(http, path))
        their_paged, _ = timed(lambda: pages(http, path, limit=PAGE))
        span = _span(found, len(sent))
        their_filtered = _filtered(http, path, sent, span)
    with _ours(folder) as http:
        path = collection(http, "inbox")
        our_post, _ = timed(lambda: _post(http, path, posts))
    with _ours(folder / "read", given_to_client) as http:
        path = collection(http)
        span = _span(pages(http, path), len(read))
        our_get = min(timed(lambda: pages(http, path))[0] for _ in range(5))
        our_paged = min(timed(lambda: pages(http, path, limit=PAGE))[0] for _ in range(5))
        our_filtered = _filtered(http, path, sent, span)
    yield Figure(
        "POST until its status is complete, against OpenTAXII 0.9.3", f"{their_post / our_post:.0f}x", "8x",
        f"{len(sent):,} objects in {len(posts)} posts: {our_post:.1f} s, {their_post:.1f} s;"
        f" {len(sent) / our_post:,.0f} objects a second",
    )  # fmt: skip
    yield Figure(
        f"GET of the whole in pages of {PAGE:,}, against OpenTAXII 0.9.3",
        f"{their_paged / our_paged:.0f}x", "15x",
        f"{our_paged:.2f} s, {their_paged:.2f} s; {len(read) / our_paged:,.0f} objects a second",
    )  # fmt: skip
    yield Figure(
        "GET of the whole, against OpenTAXII 0.9.3", f"{their_get / our_get:.0f}x", "15x",
        f"{our_get:.2f} s, {their_get:.2f} s, both without a limit, which is its best;"
        f" {len(read) / our_get:,.0f} objects a second",
    )  # fmt: skip
    ratios = [theirs / ours for theirs, ours in zip(their_filtered, our_filtered, strict=True)]
    told = ", ".join(
        f"{part} {ratio:.0f}x ({ours * 1e3:.1f} ms, {theirs * 1e3:.0f} ms)"
        for part, ratio, ours, theirs in zip(
            PARTS, ratios, our_filtered, their_filtered, strict=True
        )
    )
    yield Figure(
        "filtered reads, p50, against OpenTAXII 0.9.3", f"{min(ratios):.0f}x", "15x",
        f"at most 100 objects each: {told}",
    )  # fmt: skip


def _post(http, path, posts):
    """Post all, then wait until each status is complete."""
    root = path.partition("collections/")[0]
    waiting = []
    for body in posts:
        answer = http.post(path, content=body)
        assert answer.status_code == 202, answer.text
        waiting.append(answer.json())
    for status in waiting:
        held = status
        while held["status"] != "complete":
            time.sleep(0.02)
            held = http.get(f"{root}status/{held['id']}/").raise_for_status().json()
        assert held["success_count"] == held["total_count"], held


def _span(answers, least):
    """Return when the first and the last of so many objects at least were added."""
    assert sum(answer.content.count(b'"id":') for answer in answers) >= least
    dates = (
        answers[0].headers["x-taxii-date-added-first"],
        answers[-1].headers["x-taxii-date-added-last"],
    )
    return [datetime.fromisoformat(each) for each in dates]


def _filtered(http, path, sent, span):
    """Return the median seconds of reads by type, by id, and of what came after an instant."""
    ids = [sent[at]["id"] for at in range(0, len(sent), len(sent) // 20)]
    first, last = span
    instants = [first + (last - first) * part / 10 for part in range(1, 10)]
    asked = (
        [{"match[type]": each} for each in TYPES],
        [{"match[id]": each} for each in ids],
        [{"added_after": f"{each:%Y-%m-%dT%H:%M:%S.%fZ}"} for each in instants],
    )
    return [statistics.median(_seconds(http, path, each)) for each in asked]


def _seconds(http, path, asked):
    until = time.monotonic() + SECONDS
    for made, each in enumerate(asked * ROUNDS):
        took, answer = timed(lambda e=each: http.get(path, params={"limit": 100, **e}))
        assert b'"objects"' in answer.raise_for_status().content, answer.url
        if made:  # the first one warms
            yield took
        if made >= 3 and time.monotonic() > until:
            return


# --- ours --------------------------------------------------------------------------------------------
@contextmanager
def _ours(folder, before=None):
    """Serve a node with a client, after what else it is to do; yield the client's HTTP."""
    folder.mkdir(exist_ok=True)
    nation = Nation(folder, "aurelia", "QM")
    try:
        headers = client_of(nation.node)
        if before:
            before(nation.node)
        nation.serve()
        with httpx2.Client(base_url=nation.node.us.url, headers=headers, timeout=300) as http:
            if not before:
                _post(http, collection(http, "inbox"), [_first()])
            yield http
    finally:
        nation.close()


# --- OpenTAXII ---------------------------------------------------------------------------------------
def _install(folder):
    """Install it; return the folder of its commands."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=300)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PACKAGES], check=True, timeout=600, capture_output=True)
    return folder / "bin"


@contextmanager
def _opentaxii(folder, commands):
    """Serve an empty collection; yield its client's HTTP."""
    settings, port = folder / "settings.yml", free_port()
    settings.write_text(_settings(folder, port))
    (folder / "entry.py").write_text(ENTRY)
    environment = {"OPENTAXII_CONFIG": str(settings)}

    def run(command, *line):
        done = subprocess.run(
            [commands / f"opentaxii-{command}", *line],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    run("add-api-root", "--title", "bench", "--default")
    with sqlite3.connect(folder / "data.db") as data:
        (root,) = data.execute("SELECT id FROM opentaxii_api_root").fetchone()
    line = ("--rootid", str(uuid.UUID(root)), "--title", "bench", "--alias", "bench")
    run("add-collection", *line, "--public", "--public-write")
    token = run("create-account", "--username", "bench", "--password", "bench").split()[-1]
    command = [commands / "gunicorn", "--workers", "2", "--timeout", "600", "--bind"]
    command += [f"127.0.0.1:{port}", "entry:app"]
    headers = {"authorization": f"Bearer {token}", "accept": TAXII, "content-type": TAXII}
    base = f"http://127.0.0.1:{port}"
    with (
        running(command, port, environment, cwd=folder),
        httpx2.Client(base_url=base, headers=headers, timeout=600) as http,
    ):
        _post(http, collection(http, "bench"), [_first()])
        yield http


def _analyse(database):
    with sqlite3.connect(database) as data:
        data.execute("ANALYZE")


def _first():
    """Return a POST that wakes a server up."""
    at = "2020-01-01T00:00:00.000Z"
    id_ = "tool--11111111-1111-4111-8111-111111111111"
    tool = {"type": "tool", "spec_version": "2.1", "id": id_, "created": at, "modified": at}
    return json.dumps({"objects": [tool | {"name": "first"}]}).encode()


def _settings(folder, port):
    def database(name):
        return {"db_connection": f"sqlite:///{folder / name}.db", "create_tables": True}

    auth = {"class": "opentaxii.auth.sqldb.SQLDatabaseAPI"}
    auth["parameters"] = database("auth") | {"secret": "bench"}
    data = {"class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI"}
    data["parameters"] = database("data")
    taxii2 = {"title": "bench", "max_content_length": 64 << 20, "persistence_api": data}
    whole = {"domain": f"127.0.0.1:{port}", "auth_api": auth, "taxii1": None, "taxii2": taxii2}
    return json.dumps(whole | {"logging": {"opentaxii": "error", "root": "error"}})
