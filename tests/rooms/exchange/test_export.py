"""Block lists at an address that firewalls poll: what stands on the client's shelf now, and nobody else's."""

import base64
import json
import threading
from datetime import timedelta

import pytest

from mithaq.exchange import export, prints
from mithaq.formats.export import EXPORTS
from mithaq.model.benign import Benign
from mithaq.model.labels import Pap
from mithaq.model.markings import pap_id
from mithaq.store import shelf
from tests.rooms.exchange.world import CLIENT_SHELF, NOW, build, stix

AT = "2026-01-01T00:00:00.000Z"


def bad(number, domain="", **more):
    told = {"pattern_type": "stix", "valid_from": AT}
    told["pattern"] = f"[domain-name:value = '{domain or f'n{number}.example'}']"
    return stix(number, "indicator", **(told | more))


@pytest.fixture
def world(tmp_path):
    made = build(tmp_path)
    yield made
    made.shelf.close()
    made.spool.close()


def domains(world, who="misp", **headers):
    return world.get(who, "/export/domains.txt", accept=None, **headers)


def test_a_firewall_reads_its_list_by_basic_or_bearer_whatever_it_accepts(world):
    world.place(CLIENT_SHELF, bad(2), bad(1))
    bearer = {"authorization": f"Bearer {world.tokens['misp']}"}

    answers = [
        domains(world),
        domains(world, **bearer),
        world.get("misp", "/export/domains.txt", accept="text/html"),
    ]

    for answer in answers:
        assert (answer.status, answer.body) == (200, b"n1.example\nn2.example\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"


def test_every_export_is_there_and_listed(world):
    world.place(CLIENT_SHELF, bad(1))

    listed = json.loads(world.get("misp", "/export/").body)["exports"]

    assert len(listed) == len(EXPORTS)
    for each in listed:
        answer = world.get("misp", each["path"])
        assert (answer.status, answer.headers["content-type"]) == (200, each["media_type"])


def test_whoever_has_it_already_is_told_so_until_it_is_another(world):
    world.place(CLIENT_SHELF, bad(1), bad(2))
    tag = domains(world).headers["etag"]

    again = domains(world, if_none_match=f'"x", W/{tag}')
    world.remove(CLIENT_SHELF, bad(1)[0], bad(1)[2])
    after = domains(world, if_none_match=tag)

    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert (after.status, after.body) == (200, b"n2.example\n")
    assert domains(world, if_none_match="*").status == 304


def test_what_is_taken_back_replaced_or_new_shows_at_the_next_request(world):
    world.place(CLIENT_SHELF, bad(1))
    seen = [domains(world).body]
    world.place(CLIENT_SHELF, bad(1, "other.example", version="2026-02-01T00:00:00.000Z"))
    seen.append(domains(world).body)
    world.place(CLIENT_SHELF, bad(2))
    seen.append(domains(world).body)
    world.remove(CLIENT_SHELF, bad(2)[0], bad(2)[2])
    seen.append(domains(world).body)

    assert seen == [
        b"n1.example\n",
        b"other.example\n",
        b"n2.example\nother.example\n",
        b"other.example\n",
    ]


def test_what_begins_or_ends_does_so_by_the_clock_alone(world):
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)
    world.place(
        CLIENT_SHELF,
        bad(1, valid_until=f"{later:%Y-%m-%dT%H:%M:%S}Z"),
        bad(2, valid_from=f"{soon:%Y-%m-%dT%H:%M:%S}Z"),
    )
    seen = []
    for minutes in (0, 4, 5, 9, 10):
        world.now = NOW + timedelta(minutes=minutes)
        seen.append(domains(world).body.decode().split())

    one, both, two = ["n1.example"], ["n1.example", "n2.example"], ["n2.example"]
    assert seen == [one, one, both, both, two]


def test_what_was_read_is_noted_once_before_it_is_handed_out_and_only_what_the_list_tells(world):
    world.place(CLIENT_SHELF, bad(1), bad(2, pattern="[mutex:name = 'm']"), stix(3), bad(4), bad(5))

    for _ in range(2):
        tag = domains(world).headers["etag"]
    domains(world, if_none_match=tag)
    world.place(CLIENT_SHELF, bad(6))
    domains(world)

    facts = [(each.peer, each.kind, each.facts) for each in world.arrivals()]
    assert facts == [
        ("misp", "fetched", {"shelf": CLIENT_SHELF, "rows": "1-1,4-5"}),
        ("misp", "fetched", {"shelf": CLIENT_SHELF, "rows": "1-1,4-6"}),
    ]


def test_what_cannot_be_noted_is_not_handed_out(world, tmp_path):
    narrow = build(tmp_path / "narrow", spool_bytes=10)
    narrow.place(CLIENT_SHELF, bad(1))

    assert [domains(narrow).status for _ in range(2)] == [503, 503]


def test_an_answer_says_how_much_it_tells_and_why_not_the_rest(world):
    red = bad(3, object_marking_refs=[pap_id(Pap.RED)])
    world.place(CLIENT_SHELF, bad(1), bad(2, pattern="[file:size > 5]"), red)

    headers = domains(world).headers

    assert headers["x-mithaq-told"] == "1"
    assert headers["x-mithaq-left"] == "pap=1, marking=0, pattern=1, benign=0, worth=0, value=0"


@pytest.mark.parametrize(("state", "status"), [("blocked", 503), ("closed", 404)])
def test_a_shelf_that_shows_nothing_gives_no_list_not_an_empty_one(world, state, status):
    world.place(CLIENT_SHELF, bad(1))
    assert domains(world).status == 200

    world.open_shelf(CLIENT_SHELF, "misp", state=state)

    assert domains(world).status == status


def test_two_grants_make_one_list_and_none_while_one_of_them_is_decided_again(world):
    world.place(CLIENT_SHELF, bad(1))
    world.open_shelf("9" * 32, "misp")
    world.place("9" * 32, bad(1), bad(2))
    both = domains(world).body
    world.open_shelf("9" * 32, "misp", state="blocked")

    assert both == b"n1.example\nn2.example\n"
    assert domains(world).status == 503


def test_strangers_nodes_and_clients_without_a_grant_get_what_they_get_anywhere(world):
    world.place(CLIENT_SHELF, bad(1))
    world.tokens["wrong"] = "mq_nobodys"
    taxii, nowhere = "/taxii2/", f"/taxii2/{CLIENT_SHELF}/"

    for path in ("/export/", "/export/domains.txt"):
        assert world.get("", path) == world.get("", taxii)
        assert world.get("wrong", path) == world.get("", taxii)
        assert world.get("borealis", path) == world.get("borealis", nowhere)
    assert domains(world, "siem") == world.get("siem", nowhere)
    assert world.get("misp", "/export/domainsXtxt").status == 404


def test_a_client_cannot_write_there(world):
    for method in ("POST", "PUT", "DELETE"):
        assert world.ask("misp", method, "/export/domains.txt").status == 405


def test_what_is_more_than_one_answer_holds_is_refused_and_nothing_cut(world, monkeypatch):
    world.place(CLIENT_SHELF, *(bad(n) for n in range(1, 9)))
    monkeypatch.setattr(export, "MOST_BYTES", len(bad(1)[3]) * 4)

    answer = domains(world)

    assert answer.status == 503
    assert "TAXII" in json.loads(answer.body)["description"]


def test_what_is_said_of_indicators_counts_as_well_where_it_matters(world, monkeypatch):
    of = {"sighting_of_ref": bad(1)[0]}
    world.place(CLIENT_SHELF, bad(1), *(stix(n, "sighting", **of) for n in range(2, 9)))
    monkeypatch.setattr(export, "MOST_BYTES", len(bad(1)[3]) * 2)
    answers = [domains(world).status]
    with world.shelf.begin() as unit:
        shelf.set_mark(unit, f"{shelf.WORTH}misp", "1")
    answers.append(domains(world).status)

    assert answers == [200, 503]


def test_an_answer_is_printed_once_until_something_changes_and_kept_within_bounds(
    world, monkeypatch
):
    made = []
    press = export.exports.press
    monkeypatch.setattr(
        export.exports, "press", lambda *a, **k: made.append(a[2]) or press(*a, **k)
    )
    world.place(CLIENT_SHELF, *(bad(n) for n in range(1, 4)))

    for _ in range(3):
        domains(world)
    assert made == [["domains.txt"]]
    monkeypatch.setattr(prints, "KEPT_BYTES", 40)
    world.get("misp", "/export/suricata-domains.lst")  # longer than what may be kept
    domains(world)
    world.get("misp", "/export/suricata-domains.lst")
    assert made[1:] == [["suricata-domains.lst"], ["suricata-domains.lst"]]


def test_a_client_waits_for_itself_alone_and_not_for_long(world, monkeypatch):
    world.place(CLIENT_SHELF, bad(1))
    world.open_shelf("7" * 32, "siem")
    world.place("7" * 32, bad(2))
    monkeypatch.setattr(prints, "WAIT_SECONDS", 0.05)
    begun, go = threading.Event(), threading.Event()
    press = export.exports.press

    def slowly(unit, which, *rest, **more):
        if which[0].peer == "misp":
            begun.set()
            go.wait(10)
        return press(unit, which, *rest, **more)

    monkeypatch.setattr(export.exports, "press", slowly)
    first = threading.Thread(target=domains, args=(world,))
    first.start()
    begun.wait(10)
    try:
        others = [domains(world), domains(world, "siem")]
    finally:
        go.set()
        first.join()

    assert [answer.status for answer in others] == [503, 200]
    assert others[0].headers["retry-after"]
    assert domains(world).status == 200


def test_no_more_than_a_few_of_a_client_wait_at_once():
    room = prints.Prints(Benign())
    with room.turn("misp"):
        room._waiting["misp"] = prints.WAITING
        with pytest.raises(prints.HttpProblem), room.turn("misp"):
            pass
        with room.turn("siem"):
            pass


def test_basic_with_the_name_of_another_client_opens_nothing(world):
    pair = base64.b64encode(f"siem:{world.tokens['misp']}".encode()).decode()

    assert domains(world, "", authorization=f"Basic {pair}").status == 401


def test_misp_pulls_the_feed_file_by_file_and_only_what_changed(world):
    world.place(CLIENT_SHELF, bad(1), bad(2))
    asked = lambda name, **more: world.get("misp", f"/export/misp/{name}", **more)  # noqa: E731

    manifest = asked("manifest.json")
    [uuid] = json.loads(manifest.body)
    event, hashes = asked(f"{uuid}.json"), asked("hashes.csv")
    world.place(CLIENT_SHELF, bad(3))

    assert {each["value"] for each in json.loads(event.body)["Event"]["Attribute"]} == {
        "n1.example",
        "n2.example",
    }
    assert hashes.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(hashes.body.split()) == 2
    assert asked(f"{uuid}.json", if_none_match=event.headers["etag"]).status == 200
    assert asked("other.json").status == asked("..%2Fdomains.txt").status == 404
    assert {each.facts["rows"] for each in world.arrivals()} == {"1-2", "1-3"}


def test_who_asks_for_the_head_alone_is_told_what_a_list_is_and_counts_as_nobody_who_has_it(world):
    world.place(CLIENT_SHELF, bad(1))

    head = world.ask("misp", "HEAD", "/export/domains.txt")
    before = [*world.arrivals()]
    full = domains(world)
    tag = full.headers["etag"]
    same = world.ask("misp", "HEAD", "/export/domains.txt", if_none_match=tag)
    listed = world.ask("misp", "HEAD", "/export/")

    assert (head.status, head.body) == (200, b"")
    assert head.headers == {**full.headers, "content-length": str(len(full.body))}
    assert (same.status, listed.status, listed.body) == (304, 200, b"")
    assert (before, [each.kind for each in world.arrivals()]) == ([], ["fetched"])
