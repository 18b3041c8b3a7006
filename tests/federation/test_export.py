"""A client's tools take what its grant lets it have, and lose at once what is taken back (border.md 4, 8.2)."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mithaq.audit import subjects
from mithaq.border import exports, harmless, recall, shelf
from mithaq.clock import text
from mithaq.config import Benign as Ours
from mithaq.errors import NotFound
from mithaq.formats.export import EXPORTS
from mithaq.model.benign import Benign
from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.store import releases
from mithaq.store.shelf import put_shelf
from tests.federation.test_correction import Client, read_there
from tests.federation.test_delivery import enrolled
from tests.values import replace

AT = "2026-01-01T00:00:00.000Z"
CLEAR = [tlp_id(Tlp.CLEAR)]


def indicator(number, domain, **more):
    body = {
        "type": "indicator", "spec_version": "2.1", "created": AT, "modified": AT, "name": domain,
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "pattern_type": "stix",
        "pattern": f"[domain-name:value = '{domain}']", "valid_from": AT,
        "object_marking_refs": CLEAR,
    }  # fmt: skip
    return body | more


class Bank(Client):
    """A client that takes exports."""

    def give(self, *bodies):
        """Let the nation release these to it."""
        seqs = self.federation.give(self.nation, *bodies)
        self.federation.release(self.nation, f"grant-{self.name}", seqs)
        self.federation.settle(1)

    def printed(self, *names):
        """Return what a person of the nation makes for it."""
        node, now = self.federation.nodes[self.nation], self.federation.clock()
        with node.shelf.read() as shown, node.core.begin() as unit:
            exports.client(unit, self.name)
            which = exports.shelves_of(shown, self.name, now)
            made = exports.press(shown, which, names or tuple(EXPORTS), now, node.us.benign).done()
            exports.handed_out(unit, shown, self.name, made, now, by="omar")
        return made

    def domains(self):
        return self.printed("domains.txt")["domains.txt"].body.decode().split()


@pytest.fixture
def bank(copied):
    return Bank(copied(_with_bank), "aurelia", "aurelia-bank")


def _with_bank(federation):
    enrolled(federation, "aurelia", "borea")
    Bank(federation, "aurelia", "aurelia-bank").granted()


def test_an_export_holds_what_was_released_to_its_client_and_nothing_that_was_not(bank):
    other = Bank(bank.federation, "aurelia", "aurelia-port").granted()
    bank.give(indicator(1, "one.example"), indicator(2, "two.example"))
    other.give(indicator(3, "three.example"))
    bank.give(indicator(4, "four.example", object_marking_refs=[tlp_id(Tlp.AMBER)]))

    assert bank.domains() == ["one.example", "two.example"]
    assert other.domains() == ["three.example"]


def test_what_the_grant_forbids_by_pap_is_in_no_export_and_what_it_allows_only_where_that_is_so(
    bank,
):
    """The grant's own ``max_pap`` is CLEAR: nothing above stands on the shelf, whatever the export is for."""
    bank.give(indicator(1, "red.example", object_marking_refs=[*CLEAR, pap_id(Pap.RED)]))

    assert not any(b"red.example" in each.body for each in bank.printed().values())


def test_a_later_version_replaces_the_earlier_one_in_every_export(bank):
    bank.give(indicator(1, "one.example"))
    bank.give(indicator(1, "other.example", modified="2026-02-01T00:00:00.000Z"))

    assert bank.domains() == ["other.example"]


def test_a_shelf_of_many_pages_is_exported_whole(bank, monkeypatch):
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    bank.give(*(indicator(n, f"n{n}.example") for n in range(1, 6)))

    assert bank.domains() == [f"n{n}.example" for n in range(1, 6)]


def test_what_is_ordered_back_is_in_no_export_at_once_and_who_had_it_is_listed(bank):
    other = Bank(bank.federation, "aurelia", "aurelia-port").granted()
    wrong = indicator(1, "wrong.example")
    bank.give(wrong, indicator(2, "right.example"))
    other.offer(wrong["id"])
    assert bank.domains() == ["right.example", "wrong.example"]

    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.core.begin() as unit:
        recall.recall(unit, node.us, "dora", recall.Asked(id=wrong["id"], cause="wrong"), now)
    shelf.project(node.core, node.shelf, now, additions=False)

    assert bank.domains() == ["right.example"]
    listed = [(peer, id_) for peer, id_, *_ in read_there(bank.federation, "aurelia")]
    assert listed == [("aurelia-bank", wrong["id"])]


@pytest.mark.parametrize("own", [True, False])
def test_what_is_ordered_back_stays_away_whoever_gave_it_to_us(bank, own):
    wrong = indicator(1, "wrong.example")
    federation, node = bank.federation, bank.federation.nodes["aurelia"]
    seqs = federation.give("aurelia", wrong, indicator(2, "right.example"), own=own)
    federation.release("aurelia", "grant-aurelia-bank", seqs)
    federation.settle(1)
    assert bank.domains() == ["right.example", "wrong.example"]

    with node.core.begin() as unit:
        asked = recall.Asked(id=wrong["id"], cause="wrong")
        recall.recall(unit, node.us, "dora", asked, federation.clock())
    federation.settle()

    assert bank.domains() == ["right.example"]


def test_a_file_that_was_made_is_in_the_log_with_who_made_it(bank):
    bank.give(indicator(1, "one.example"))
    made = bank.printed("domains.txt", "urls.txt")

    node = bank.federation.nodes["aurelia"]
    with node.core.read() as unit:
        rows = unit.exec_driver_sql("SELECT facts FROM journal WHERE kind = 'exported'").all()

    [facts] = [json.loads(row.facts) for row in rows]
    assert facts["by"] == "omar"
    assert facts["files"].keys() == made.keys()


def test_where_a_shelf_is_decided_again_nothing_is_exported(bank):
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.shelf.begin() as unit:
        [here] = exports.shelves_of(unit, "aurelia-bank", now)
        put_shelf(unit, replace(here, until=text(now)))

        with pytest.raises(exports.ShelfBlocked):
            exports.shelves_of(unit, "aurelia-bank", now)
        assert exports.shelves_of(unit, "aurelia-bank", now - timedelta(seconds=1))


@pytest.mark.parametrize("name", ["borea", "nobody"])
def test_there_are_no_exports_for_a_node_and_none_without_a_grant(bank, name):
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.core.read() as unit, pytest.raises(NotFound):
        exports.client(unit, name)
    with node.shelf.read() as shown, pytest.raises(exports.NothingShown):
        exports.shelves_of(shown, "nobody", now)


def test_more_than_is_printed_at_once_is_refused_and_nothing_cut(bank):
    bank.give(*(indicator(n, f"n{n}.example") for n in range(1, 5)))
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.shelf.read() as shown:
        which = exports.shelves_of(shown, bank.name, now)
        whole = exports.press(shown, which, ["domains.txt"], now, Benign(), most=4000).done()

        with pytest.raises(exports.TooMuch):
            exports.press(shown, which, ["domains.txt"], now, Benign(), most=1000)
    assert len(whole["domains.txt"].body.split()) == 4


# --- what is ours ------------------------------------------------------------------------------------
def polled(bank, tag=""):
    answer = bank.get("/export/domains.txt")
    assert answer.status == 200
    assert answer.headers["etag"] != tag
    return answer.body.decode().split(), answer.headers["etag"]


def ruling(bank, act, *args, **more):
    """Let somebody rule on a value; what clients poll follows at once."""
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.core.begin() as unit:
        act(unit, *args, node.config.settings.benign, now, **more)
    with node.core.begin() as unit:
        again = harmless.decide_again(unit, node.us, now)
    shelf.project(node.core, node.shelf, now, additions=False)
    return again


def said(what, value):
    return harmless.made(what, value, "dora", "our own", datetime(2026, 3, 1, tzinfo=UTC))


def test_what_is_said_to_be_ours_is_gone_at_once_from_what_a_client_polls_and_what_is_written(bank):
    bank.give(indicator(1, "one.example"), indicator(2, "two.example"))
    both, first = polled(bank)

    ruling(bank, harmless.rule, said("own", "one.example"))
    one, second = polled(bank, first)
    assert (both, one) == (["one.example", "two.example"], ["two.example"])
    assert bank.domains() == one

    ruling(bank, harmless.undo, "one.example", by="dora", why="a mistake")
    assert polled(bank, second)[0] == both == bank.domains()


def test_what_the_settings_say_is_ours_is_in_nothing_that_a_client_polls(bank):
    """Before, the listener knew the lists that ship and nothing of the node's own."""
    bank.give(indicator(1, "one.example"), indicator(2, "two.example"))
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    ours = Ours(own=("two.example",))
    with node.core.begin() as unit:
        assert harmless.untold(unit, ours)
        harmless.tell(unit, ours)
        assert not harmless.untold(unit, ours)
        told = releases.newest_op(unit)
        harmless.tell(unit, ours)
        assert releases.newest_op(unit) == told  # it knows
    shelf.project(node.core, node.shelf, now, additions=False)

    assert polled(bank)[0] == ["one.example"]


def test_what_counts_as_evil_after_all_is_released_if_it_waited_for_that_alone(bank):
    bank.give(indicator(1, "google.com"))
    assert bank.domains() == []

    assert ruling(bank, harmless.rule, said("evil", "google.com")) == 1
    bank.federation.settle(1)

    assert bank.domains() == polled(bank)[0] == ["google.com"]


def test_the_last_word_on_a_value_stands_and_the_log_says_whose_it_was(bank):
    for what in ("own", "evil"):
        ruling(bank, harmless.rule, said(what, "one.example"))
    node = bank.federation.nodes["aurelia"]
    with node.core.read() as unit:
        assert [(r.what, r.by) for r in harmless.standing(unit)] == [("evil", "dora")]
        told = [record for _, record in subjects.find(unit, "one.example")]
    assert [(r["kind"], r["by"], r["why"]) for r in told] == [
        ("benign-own", "dora", "our own"),
        ("benign-evil", "dora", "our own"),
    ]
    settings = Ours(own=("a.example", "one.example"), evil=("b.example",))
    merged = harmless.merged(settings, [said("evil", "one.example"), said("own", "b.example")])
    assert (merged.own, merged.evil) == (("a.example", "b.example"), ("one.example",))


def test_what_nobody_said_cannot_be_undone(bank):
    with pytest.raises(NotFound):
        ruling(bank, harmless.undo, "one.example", by="dora", why="a mistake")


# --- what it is worth --------------------------------------------------------------------------------
def set_least(bank, least, name=None):
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.core.begin() as unit:
        exports.set_least(unit, name or bank.name, least, now, by="omar")
    shelf.project(node.core, node.shelf, now, additions=False)


def test_a_client_is_told_only_what_is_worth_so_much_until_time_has_made_it_less(bank):
    start = bank.federation.clock()
    fresh = {"valid_from": text(start), "confidence": 90}
    bank.give(
        indicator(1, "fresh.example", **fresh),
        indicator(2, "doubtful.example", **(fresh | {"confidence": 30})),
        indicator(3, "old.example", confidence=90, valid_from="2025-06-01T00:00:00.000Z"),
    )
    every, tag = polled(bank)
    set_least(bank, 50)
    some, tag = polled(bank, tag)
    table = bank.get("/export/indicators.csv").body

    assert every == ["doubtful.example", "fresh.example", "old.example"]
    assert some == ["fresh.example"]
    assert b"old.example" in table  # it acts on nothing
    bank.federation.clock.step(timedelta(days=52).total_seconds())  # of a half-life of sixty
    assert polled(bank, tag)[0] == []
    set_least(bank, 0)
    assert polled(bank)[0] == every


def test_a_sighting_that_the_client_has_makes_an_indicator_worth_its_while(bank):
    old = indicator(1, "old.example", confidence=90, valid_from="2025-06-01T00:00:00.000Z")
    set_least(bank, 50)
    bank.give(old)
    assert polled(bank)[0] == []

    now = text(bank.federation.clock())
    seen = {"type": "sighting", "sighting_of_ref": old["id"], "last_seen": now}
    seen |= {"id": "sighting--00000000-0000-4000-8000-000000000001", "spec_version": "2.1"}
    bank.give(seen | {"created": now, "modified": now, "object_marking_refs": CLEAR})

    assert polled(bank)[0] == ["old.example"]


def test_sightings_count_for_what_is_printed_at_once(bank):
    now = text(bank.federation.clock())
    old = indicator(1, "old.example")
    seen = {"type": "sighting", "sighting_of_ref": old["id"], "last_seen": now}
    seen |= {"spec_version": "2.1", "created": now, "modified": now, "object_marking_refs": CLEAR}
    ids = [f"sighting--00000000-0000-4000-8000-{n:012d}" for n in range(4)]
    bank.give(old, *(seen | {"id": id_} for id_ in ids))
    node, now = bank.federation.nodes["aurelia"], bank.federation.clock()
    with node.shelf.read() as shown:
        which = exports.shelves_of(shown, bank.name, now)
        exports.press(shown, which, ["domains.txt"], now, Benign(), most=1000)

        with pytest.raises(exports.TooMuch):
            exports.press(shown, which, ["domains.txt"], now, Benign(), least=50, most=1000)


def test_what_a_client_is_to_be_told_is_set_for_clients_alone_and_is_on_record(bank):
    with pytest.raises(NotFound):
        set_least(bank, 50, name="borea")
    set_least(bank, 50)
    node = bank.federation.nodes["aurelia"]
    with node.core.read() as unit:
        assert exports.least_of(unit, bank.name) == 50
        [*_, last] = [record for _, record in subjects.find(unit, bank.name)]
    assert (last["kind"], last["by"], last["least"]) == ("client-worth", "omar", 50)
