"""What a peer reads on its shelf by TAXII 2.1, and that it reads nothing else."""

import json

import pytest

from tests.rooms.exchange.world import (
    B_SHELF,
    C_SHELF,
    CLIENT_SHELF,
    TAXII,
    envelope,
    stamp,
    stix,
)

B_ROOT, C_ROOT, CLIENT_ROOT = (f"/taxii2/{s}/" for s in (B_SHELF, C_SHELF, CLIENT_SHELF))
INTEL = B_ROOT + "collections/intel/"


def names(answer):
    return [each["id"] for each in json.loads(answer.body).get("objects", [])]


def test_discovery_names_the_callers_own_roots_and_no_others(world):
    found = world.json("borealis", "/taxii2/")

    assert found["api_roots"] == [B_ROOT]
    assert found["default"] in found["api_roots"]
    assert found["title"]


def test_discovery_of_a_caller_without_a_shelf_leaves_the_keys_out(world):
    assert world.json("siem", "/taxii2/").keys() == {"title"}


def test_an_api_root_says_what_the_standard_wants(world):
    found = world.json("borealis", B_ROOT)

    assert found["versions"] == [TAXII]
    assert found["max_content_length"] == world.settings.max_frame_bytes
    assert found["title"]


def test_a_node_has_two_collections_and_a_client_may_write_to_a_third(world):
    of_node = world.json("borealis", B_ROOT + "collections/")["collections"]
    of_client = world.json("misp", CLIENT_ROOT + "collections/")["collections"]

    assert [(c["alias"], c["can_write"]) for c in of_node] == [("intel", False), ("seals", False)]
    assert [(c["alias"], c["can_write"]) for c in of_client] == [
        ("intel", False),
        ("seals", False),
        ("inbox", True),
    ]
    assert len({c["id"] for c in of_node + of_client}) == 5


def test_a_collection_answers_to_its_id_as_to_its_alias(world):
    listed = world.json("borealis", B_ROOT + "collections/")["collections"][0]

    assert world.json("borealis", f"{B_ROOT}collections/{listed['id']}/") == listed
    assert world.json("borealis", INTEL) == listed


def test_objects_are_the_stored_bytes_joined(world):
    """Never parsed and written anew: blanks and order of keys survive."""
    one, two = stix(1), stix(2, "malware")
    first, last = world.place(B_SHELF, one, two)

    answer = world.get("borealis", INTEL + "objects/")

    assert answer.body == b'{"objects":[' + one[3] + b"," + two[3] + b"]}"
    assert answer.headers["content-type"] == TAXII
    assert answer.headers["x-taxii-date-added-first"] == first
    assert answer.headers["x-taxii-date-added-last"] == last


def test_an_empty_collection_is_an_empty_envelope(world):
    for end in ("objects/", "manifest/"):
        answer = world.get("borealis", INTEL + end)
        assert (answer.status, answer.body) == (200, b"{}")


def test_the_dates_of_an_empty_page_let_nobody_pass_over_anything(world):
    world.place(B_SHELF, stix(1))

    answer = world.get("borealis", INTEL + f"objects/?added_after={stamp(1)}")

    assert answer.body == b"{}"
    assert answer.headers["x-taxii-date-added-last"] == stamp(1)


def test_a_manifest_names_each_version_and_when_it_was_added(world):
    world.place(B_SHELF, stix(1), stix(1, version="2026-02-01T00:00:00.000Z"))

    found = world.json("borealis", INTEL + "manifest/?match[version]=all")

    assert [(r["version"], r["date_added"]) for r in found["objects"]] == [
        ("2026-01-01T00:00:00.000Z", stamp(1)),
        ("2026-02-01T00:00:00.000Z", stamp(2)),
    ]
    assert {r["media_type"] for r in found["objects"]} == {"application/stix+json;version=2.1"}


OLD, MID, NEW = (f"2026-0{month}-01T00:00:00.000Z" for month in (1, 2, 3))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", [NEW]),
        ("last", [NEW]),
        ("first", [OLD]),
        ("all", [MID, OLD, NEW]),
        ("first,last", [OLD, NEW]),
        (MID, [MID]),
        ("2026-02-01T00:00:00Z", [MID]),
        ("2026-02-01T00:00:00.000000Z", [MID]),
        (f"{OLD},{NEW}", [OLD, NEW]),
        ("2020-01-01T00:00:00.000Z", []),
    ],
)
def test_versions_are_chosen_by_their_own_times_and_shown_as_they_were_added(
    world, asked, expected
):
    world.place(B_SHELF, *(stix(1, version=version) for version in (MID, OLD, NEW)))
    query = f"?match[version]={asked}" if asked else ""

    found = world.json("borealis", INTEL + f"objects/{query}")

    assert [o["modified"] for o in found.get("objects", [])] == expected


def test_a_version_with_a_finer_fraction_is_the_later_one(world):
    fine = "2026-01-01T00:00:00.0004Z"
    world.place(B_SHELF, stix(1, version=fine), stix(1, version="2026-01-01T00:00:00.000Z"))

    assert world.json("borealis", INTEL + "objects/")["objects"][0]["modified"] == fine
    first = world.json("borealis", INTEL + "objects/?match[version]=first")["objects"]
    assert first[0]["modified"] == "2026-01-01T00:00:00.000Z"


def test_the_last_version_is_the_last_of_what_else_matches(world):
    """Section 3.4.1: the latest version for each object matching the remainder of the request."""
    world.place(B_SHELF, stix(1, version=NEW), stix(1, version=OLD))

    found = world.json("borealis", INTEL + f"objects/?added_after={stamp(1)}")

    assert [o["modified"] for o in found["objects"]] == [OLD]


def test_match_fields_are_all_wanted_and_values_any(world):
    tool, malware, other = stix(1), stix(2, "malware"), stix(3, "malware")
    world.place(B_SHELF, tool, malware, other)

    by_type = world.get("borealis", INTEL + "objects/?match[type]=malware,tool")
    both = world.get("borealis", INTEL + f"objects/?match[type]=malware&match[id]={other[0]}")
    none = world.get("borealis", INTEL + f"objects/?match[type]=tool&match[id]={other[0]}")

    assert names(by_type) == [tool[0], malware[0], other[0]]
    assert names(both) == [other[0]]
    assert none.body == b"{}"


def test_only_the_asked_specification_versions_are_given(world):
    world.place(B_SHELF, stix(1))

    assert world.get("borealis", INTEL + "objects/?match[spec_version]=2.0").body == b"{}"
    assert len(names(world.get("borealis", INTEL + "objects/?match[spec_version]=2.0,2.1"))) == 1


@pytest.mark.parametrize(
    "query",
    [
        "added_after=yesterday",
        "added_after=2026-13-01T00:00:00Z",
        "added_after=2026-01-01T25:00:00Z",
        "added_after=2026-01-01T00:00:00",
        "added_after=",
        "added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z",
        "added_after=%D9%A2026-01-01T00:00:00Z",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=%D9%A1",
        "limit=1&limit=2",
        "next=x",
        "next=",
        "next=%00",
        "match[version]=x",
        "match[version]=all,last",
        "match[version]=last,last",
        "match[version]=2026-02-30T00:00:00Z",
        "match[type]=",
        "match[type]=tool&match[type]=tool",
        "match[id]=%00",
        "match[id]=a,,b",
        "match[spec_version]=new",
    ],
)
@pytest.mark.parametrize("end", ["objects/", "manifest/"])
def test_whatever_is_malformed_is_refused_with_400(world, query, end):
    world.place(B_SHELF, stix(1))

    answer = world.get("borealis", f"{INTEL}{end}?{query}")

    assert answer.status == 400
    assert json.loads(answer.body)["http_status"] == "400"


def test_a_filter_nobody_knows_is_ignored(world):
    world.place(B_SHELF, stix(1))

    assert len(names(world.get("borealis", INTEL + "objects/?match[colour]=red&x=y"))) == 1


def test_one_object_is_had_by_its_id(world):
    world.place(B_SHELF, stix(1, version=OLD), stix(1, version=NEW), stix(2))
    path = f"{INTEL}objects/{stix(1)[0]}/"

    assert world.json("borealis", path)["objects"][0]["modified"] == NEW
    assert world.json("borealis", path + "versions/") == {"versions": [OLD, NEW]}
    assert world.get("borealis", path + f"?match[version]={MID}").status == 404
    assert world.get("borealis", path + f"?added_after={stamp(9)}").body == b"{}"
    assert world.get("borealis", INTEL + f"objects/{stix(3)[0]}/").status == 404
    assert world.get("borealis", INTEL + f"objects/{stix(3)[0]}/versions/").status == 404


def test_an_observable_has_the_version_of_its_row(world):
    id_ = "ipv4-addr--00000000-0000-4000-8000-000000000001"
    raw = json.dumps({"type": "ipv4-addr", "id": id_, "value": "192.0.2.1"}).encode()
    world.place(B_SHELF, (id_, "ipv4-addr", "", raw))

    found = world.json("borealis", f"{INTEL}objects/{id_}/versions/")

    assert found == {"versions": [stamp(1)]}
    assert names(world.get("borealis", INTEL + f"objects/?match[version]={stamp(1)}")) == [id_]


def test_a_page_stops_before_it_is_too_long_and_a_longer_object_goes_alone(world):
    big = [stix(n, description="x" * (5 << 20)) for n in (1, 2)]
    huge = stix(3, description="x" * (9 << 20))
    world.place(B_SHELF, *big, huge)

    sizes, query = [], ""
    while True:
        answer = world.get("borealis", INTEL + "objects/" + query)
        body = json.loads(answer.body)
        sizes.append(len(body["objects"]))
        if not body.get("more"):
            break
        query = f"?next={body['next']}"

    assert sizes == [1, 1, 1]


def test_what_is_anothers_looks_like_what_is_not(world):
    """Same status, same bytes, on every route (border.md 4.3)."""
    world.place(C_SHELF, stix(1))
    nothing = "f" * 32
    for end in (
        "",
        "collections/",
        "collections/intel/",
        "collections/intel/objects/",
        "collections/intel/manifest/",
        f"collections/intel/objects/{stix(1)[0]}/",
        f"collections/intel/objects/{stix(1)[0]}/versions/",
        "status/00000000-0000-4000-8000-000000000001/",
        "frames/",
    ):
        theirs = world.get("borealis", C_ROOT + end)
        assert theirs.status == 404
        assert theirs == world.get("borealis", f"/taxii2/{nothing}/{end}")


def test_a_view_that_stands_on_anothers_shelf_alone_is_not_found(world):
    mine, theirs = stix(1), stix(2)
    world.place(B_SHELF, mine)
    world.place(C_SHELF, mine, theirs)

    found = world.get("borealis", INTEL + f"objects/{theirs[0]}/")

    assert found == world.get("borealis", INTEL + f"objects/{stix(3)[0]}/")


def test_a_blocked_shelf_asks_for_patience_and_a_closed_one_is_gone(world):
    world.place(B_SHELF, stix(1))
    world.open_shelf(B_SHELF, "borealis", state="blocked")
    blocked = [world.get("borealis", path) for path in (B_ROOT, INTEL, INTEL + "objects/")]
    world.open_shelf(B_SHELF, "borealis", state="closed")
    closed = [world.get("borealis", path) for path in (B_ROOT, INTEL, INTEL + "objects/")]

    assert {(a.status, a.headers["retry-after"]) for a in blocked} == {(503, "5")}
    assert {a.status for a in closed} == {404}
    assert world.json("borealis", "/taxii2/").keys() == {"title"}


def test_nobody_writes_where_only_reading_is_allowed(world):
    world.place(B_SHELF, stix(1))
    for collection in ("intel", "seals"):
        path = f"{B_ROOT}collections/{collection}/objects/"
        assert world.ask("borealis", "POST", path, envelope(stix(2))).status == 403
        assert world.ask("borealis", "DELETE", f"{path}{stix(1)[0]}/").status == 403
    assert world.arrivals() == []
