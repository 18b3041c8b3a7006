"""What a client's tools poll tells of its own shelf alone: bytes, tags, counts, and what is kept (border.md 4.5)."""

import json
from pathlib import Path

import pytest
import structlog

from mithaq.border import exports
from mithaq.exchange import export
from mithaq.formats.export import EXPORTS
from mithaq.store import shelf
from tests.leaks import lists
from tests.leaks.acts import brings, releases, turns
from tests.leaks.chance import repeatable
from tests.leaks.test_paired_stores import paired

SEARCHES = (
    {},
    {"limit": 3, "page": 2},
    {"value": [text for _, text in lists.VALUES.values()]},
    {"value": "other.test"},
    {"type": ["domain", "ip-dst"], "to_ids": 1},
    {"tags": "tlp:green"},
    {"tags": "tlp:red"},
    {"timestamp": 1, "category": "Network activity"},
)


@pytest.fixture(autouse=True)
def quiet():
    with structlog.testing.capture_logs(), repeatable():
        yield


def poll(pair, tags):
    """Ask for every export as a firewall does, with what it has, and search as MISP's tools do; return the bodies."""
    bodies = {}
    files = [name for name in EXPORTS if name != "misp"] + ["misp/manifest.json", "misp/hashes.csv"]
    for file in files:
        bodies[file] = _get(pair, file, tags)
    if bodies["misp/manifest.json"]:
        for uuid in json.loads(bodies["misp/manifest.json"]):
            bodies[uuid] = _get(pair, f"misp/{uuid}.json", tags)
            pair.compare("misp", "GET", f"/events/view/{uuid}")
    pair.compare("misp", "GET", f"/events/view/{'0' * 8}-0000-4000-8000-{lists.HIDDEN[0]:012d}")
    pair.compare("misp", "POST", "/events/index", b'{"minimal": 1}')
    for asked in SEARCHES:
        for path in ("/events/restSearch", "/attributes/restSearch"):
            pair.compare("misp", "POST", path, json.dumps(asked).encode())
    return bodies


def _get(pair, file, tags):
    path = f"/export/{file}"
    known = {"if_none_match": tags[file]} if file in tags else {}
    answer = pair.compare("misp", "GET", path, **known)
    if answer.status == 304:
        answer = pair.compare("misp", "GET", path)
        assert answer.headers["etag"] == tags[file]
    if "etag" in answer.headers:
        tags[file] = answer.headers["etag"]
        assert pair.compare("misp", "GET", path, if_none_match=tags[file]).status == 304
    return answer.body


def printings(monkeypatch):
    """Return what has been printed for the client so far, by side."""
    printed, press = {"left": [], "right": []}, exports.press

    def noting(shown, which, names, *given, **more):
        if which[0].peer == "misp":
            printed[Path(shown.engine.url.database).parents[2].name].extend(names)
        return press(shown, which, names, *given, **more)

    monkeypatch.setattr(exports, "press", noting)
    return printed


def live(pair, hidden=lists.KNOWN):
    """Let a firewall poll while one of two nodes does what it may not know of; return what it read at the end."""
    tags = {}
    for common in (brings, releases, lists.brings_indicators, lists.releases_indicators):
        pair.both(common)
    for common in (lists.asks_what_they_are_worth, turns):
        pair.both(common)
    bodies = poll(pair, tags)
    for act in hidden:
        act(pair.right)
        pair.both(turns)
        poll(pair, tags)
    for common in (lists.another_indicator, turns):
        pair.both(common)
    poll(pair, tags)
    return bodies


def test_whatever_else_a_node_knows_of_indicators_its_clients_poll_the_same_bytes(monkeypatch):
    printed = printings(monkeypatch)
    with paired() as pair:
        bodies = live(pair)
        assert pair.left.rows() != pair.right.rows(), "what is hidden was not done"

        theirs = [pair.right.ask("siem", "GET", "/export/domains.txt").body, bodies["domains.txt"]]

    assert [b"n300.evil.test" in body for body in theirs] == [True, True]
    assert [name for name, body in bodies.items() if not body] == []
    whole = b"".join(bodies.values())
    assert (b"n321.evil.test" in whole, b"10.0.0.1" in whole, b"n322.evil.test" in whole) == (
        False,
        False,
        True,
    )
    assert printed["left"] == printed["right"], "one node printed where the other had kept"


def all_shelves(monkeypatch):
    def every(shown, _name, _now):
        rows = shown.exec_driver_sql("SELECT DISTINCT peer FROM shelves").scalars().all()
        return [each for peer in sorted(rows) for each in shelf.shelves_of(shown, peer)]

    monkeypatch.setattr(exports, "shelves_of", every)


def a_state_of_the_whole_store(monkeypatch):
    """A print that is kept until anything changes anywhere tells by its serial when that was."""

    own = export.standing

    def standing(visit):
        which, state = own(visit)
        every = visit.shelf.exec_driver_sql("SELECT count(*) FROM shelf_rows").scalar_one()
        return which, (state, every)

    monkeypatch.setattr(export, "standing", standing)


@pytest.mark.parametrize("fault", [all_shelves, a_state_of_the_whole_store])
def test_an_export_that_looks_further_than_its_shelf_is_seen(fault, monkeypatch):
    fault(monkeypatch)

    with paired() as pair, pytest.raises(AssertionError):
        live(pair, [lists.they_go_to_another_client_and_are_read_there])
