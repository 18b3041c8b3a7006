"""The trace leaves no route out: whatever the listener answers is asked of both nodes of a pair (border.md 4, 8).

The routes are read from the listener's own table, so that a new one is missed here until it is compared.
"""

import json

import pytest
import structlog

from mithaq.border.keys import Change, draft
from mithaq.exchange import between, routes
from mithaq.exchange.onshow import frames_after
from mithaq.node.build import ROOT_KEY
from mithaq.seal import drafts
from mithaq.seal.keys import from_pem
from mithaq.store import parties
from tests.leaks.acts import (
    WORK,
    another_client_turned_away,
    another_nation,
    brings,
    hears_from_borea,
    releases,
    turns,
)
from tests.leaks.chance import repeatable
from tests.leaks.pair import id_of
from tests.leaks.test_paired_stores import paired
from tests.leaks.trace import probe, roots_of, write


@pytest.fixture(autouse=True)
def quiet():
    with structlog.testing.capture_logs(), repeatable():
        yield


def asked_of_both(pair):
    """Note, from now on, which (form, method) was asked of both and answered with what."""
    found, compare = {}, pair.compare

    def noting(who, method, path, raw=b"", **headers):
        answer = compare(who, method, path, raw, **headers)
        for route in routes.ROUTES:
            if route.form.fullmatch(path.partition("?")[0]):
                found.setdefault((route.form.pattern, method), set()).add(answer.status)
        return answer

    pair.compare = noting
    return found


def everything():
    return {(route.form.pattern, method) for route in routes.ROUTES for method in route.verbs}


def written_by_peers(pair):
    """Bring what a peer may bring, whole and right: its frames, its heartbeat, a hint, a withdrawal."""
    with pair.left.nodes["borea"].shelf.read() as unit:
        rows = unit.exec_driver_sql("SELECT DISTINCT channel FROM frames WHERE peer = 'aurelia'")
        channels = [row[0] for row in rows]
        rows = unit.exec_driver_sql("SELECT envelope FROM heartbeats WHERE peer = 'aurelia'")
        heartbeat = bytes(rows.scalar_one())
        frames = {c: list(frames_after(unit, "aurelia", c, 0)) for c in channels}
    for channel, many in frames.items():
        for frame in many:
            pair.compare("borea", "POST", f"/taxii2/{channel}/frames/", frame)
        hint = json.dumps({"channel": channel, "seq": len(many)}).encode()
        pair.compare("borea", "POST", "/mithaq/nudge/", hint)
    pair.compare("borea", "POST", "/mithaq/heartbeat/", heartbeat)
    for root in roots_of(pair, "misp"):
        pair.compare("misp", "DELETE", f"{root}collections/inbox/objects/{id_of(4)}/")


def key_documents(pair):
    """Bring key documents: one's own, that of a nation which one side alone has met, and the next of both."""
    side = pair.left
    for name in ("borea", "dorado"):
        node = side.nodes[name]
        root = from_pem((node.config.home / ROOT_KEY).read_bytes())
        with node.core.read() as unit:
            held = max(parties.key_document_envelopes(unit, name).items())[1]
            change = Change(identities=[f"identity--00000000-0000-4000-8000-{7:012d}"])
            following = drafts.signed(draft(unit, node.us, change, side.clock()), root)
        for who in ("borea", "misp", ""):
            for raw in (held, following.envelope.to_bytes(), following.envelope.to_bytes()):
                pair.compare(who, "POST", "/mithaq/keys/", raw)


def test_every_route_and_method_answers_both_nodes_of_a_pair_alike():
    with paired() as pair:
        asked = asked_of_both(pair)
        for common in (brings, releases, turns, hears_from_borea, turns):
            pair.both(common)
        for hidden in WORK:
            if hidden is not another_client_turned_away:
                hidden(pair.right)
        pair.right.turn("corvia", "dorado")
        pair.both(turns)
        pair.compare_wire()
        told = write(pair, [0, 4, 100])
        pair.both(turns)
        written_by_peers(pair)
        key_documents(pair)
        pair.both(turns)
        pair.compare_wire()
        for status in told:
            pair.compare("misp", "GET", status)
        probe(pair, [0, 4, 100])

    good = {
        each
        for each, statuses in asked.items()
        if statuses & {200, 202}
        # proposals and clusters by themselves: nobody's are taken
        or (403 in statuses and any(w in each[0] for w in ("ropos", "shadow", "pushCluster")))
    }
    assert good == everything()  # each was compared, and once at least with what an answer can tell


def test_a_nations_key_document_is_written_once_whether_it_is_known_here_or_not():
    """Else who brings what a nation has published sees by the time of the write who is enrolled here."""
    with paired() as pair:
        another_nation(pair.right)
        before = [written(side) for side in pair.sides]
        key_documents(pair)
        after = [written(side) for side in pair.sides]
        pair.both(turns)
        left = [written(side) for side in pair.sides]

    assert after[0] - before[0] == after[1] - before[1] > 0
    assert left == before


def written(side):
    with side.nodes["aurelia"].spool.read() as unit:
        return unit.exec_driver_sql("SELECT count(*) FROM arrivals").scalar_one()


def test_a_route_that_nobody_compares_is_missed(monkeypatch):
    """The list is the listener's own: what is added there and not asked here turns this red."""
    new = routes._at("/mithaq/census/", {"GET": routes.Open(answer=between.key_document)})
    monkeypatch.setattr(routes, "ROUTES", (*routes.ROUTES, new))

    assert ("/mithaq/census/", "GET") in everything()
