"""What one of ours may not read changes nothing in what the terminal tells them: no name, count, order or error."""

import shutil

import pytest

from tests.federation.world import Clock
from tests.journeys.conftest import Town, bundle, indicator, pact

__all__ = ["pact"]

DAY = "2026-01-0{}T00:00:00.000Z"
STRICT, GREEN = (
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
)


def made(type_, number, marking, /, day=1, **more):
    body = {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--00000000-0000-4000-8000-{number:012d}",
    }
    body |= {
        "created": DAY.format(1),
        "modified": DAY.format(day),
        "object_marking_refs": [marking],
    }
    return body | more


SEEN = indicator(7, "Beacon of the heron", object_marking_refs=[GREEN])
OTHER = indicator(8, "Beacon of the egret", object_marking_refs=[GREEN])
SEEN_ID, OTHER_ID = SEEN["id"], OTHER["id"]
MALWARE = made("malware", 20, GREEN, name="Heron", is_family=True, aliases=["Ardea"])
EGRET = made("malware", 21, GREEN, name="Egret", is_family=True)
PLACE = made("identity", 24, GREEN, name="Power", sectors=["energy"], identity_class="organization")
SECRET = made("malware", 40, STRICT, name="Zanzibar", is_family=True, aliases=["Heron", "Bittern"])
HERON, EGRET_ID, HIDDEN_ID, PLACE_ID = (each["id"] for each in (MALWARE, EGRET, SECRET, PLACE))


def tie(number, marking, type_, source, target):
    return made(
        "relationship", number, marking, relationship_type=type_, source_ref=source, target_ref=target
    )  # fmt: skip


ALL = [
    SEEN, OTHER, MALWARE, EGRET, PLACE, tie(23, GREEN, "indicates", SEEN_ID, HERON),
    made("report", 22, GREEN, name="Birds", published=DAY.format(1), object_refs=[SEEN_ID, HERON, EGRET_ID]),
]  # fmt: skip
MARKED = {"object_marking_refs": [STRICT], "labels": ["zanzibar"]}
HIDDEN = [  # whatever may be said of what stands above
    SECRET,
    SEEN | {"modified": DAY.format(3), "name": "Beacon of the zanzibar", **MARKED},
    indicator(41, "Zanzibar host", pattern=SEEN["pattern"], **MARKED),
    made("note", 42, STRICT, content="Zanzibar is it", object_refs=[SEEN_ID, HERON]),
    made("opinion", 43, STRICT, opinion="strongly-agree", object_refs=[SEEN_ID]),
    tie(45, STRICT, "variant-of", HERON, HIDDEN_ID),
    tie(46, STRICT, "indicates", OTHER_ID, HERON),
    tie(51, STRICT, "targets", HERON, PLACE_ID),
    tie(52, STRICT, "duplicate-of", HERON, EGRET_ID),
    made("report", 47, STRICT, name="Zanzibar", published=DAY.format(2), object_refs=[OTHER_ID, HIDDEN_ID, HERON]),
    made("grouping", 49, STRICT, context="unspecified", name="Zanzibar", object_refs=[SEEN_ID, OTHER_ID]),
    made("identity", 50, STRICT, name="Zanzibar", sectors=["energy"], identity_class="organization"),
    made("language-content", 48, STRICT, object_ref=HERON, object_modified=DAY.format(1),
         contents={"fr": {"name": "Zanzibar"}}),
    *(made("sighting", 60 + n, STRICT, sighting_of_ref=of, first_seen=at, last_seen=at, count=9)
      for n in range(20)
      for of, at in [((HERON, SEEN_ID)[n % 2], f"2026-02-{n + 1:02d}T00:00:00.000Z")]),
]  # fmt: skip

ASKED = [  # what a reader may type; the last change something
    *(("show", HERON, *more) for more in ((), ("--versions",), ("--related",), ("--raw",))),
    *((name, id_) for name in ("history", "same", "correlate", "timeline", "who-has")
      for id_ in (SEEN_ID, HIDDEN_ID)),
    ("who-has", "n7.example"), ("same", HERON), ("timeline", HERON, "--related"),
    *(("search", *words) for words in (
        ("heron",), ("zanzibar",), ("zanzibr",), ("n7.example",), ("--label", "zanzibr"), ("--source", "vault"),
        ("--type", "note"), ("heron", "--merged"), ("--sector", "energy"), ("--worth", "1"),
    )),
    ("came",), ("came", "--from", "vault"), ("balance",), ("emerging", "--evidence"), ("brief", "--period", "week"),
    ("saved", "list"), ("notices", "--all"), ("saved", "run", "zanzibar"), ("requirement", "list"),
    ("requirement", "gaps"), ("requirement", "show", "open", "--history"), ("requirement", "show", "vault"),
    ("requirement", "asked", "vault"), ("merge", "list"), ("proposal", "show", 20), ("queue",),
    ("benign", "check", "n7.example"), ("explain", SEEN_ID, "--to", "borea"), ("note", HIDDEN_ID, "x", "--preview"),
    ("release", SEEN_ID, "--agreement", "pact", "--preview"),
    ("release", "--source", "vault", "--agreement", "pact", "--preview"),
    ("recall", SEEN_ID, "--cause", "wrong", "--preview"), ("requirement", "tag", "open", HIDDEN_ID),
    ("merge", "undo", 1, "--because", "x"), ("merge", "split", HERON, HIDDEN_ID, "--because", "x"),
    ("saved", "remove", "zanzibar", "--yes"), ("decline", 1), ("search", "zanzibar", "--save", "zanzibar"),
    ("requirement", "new", "child", "Q?", "--part-of", "vault"), ("notices", "--read"),
]  # fmt: skip


def settled(pact, home, now, monkeypatch, *, secrets):
    """Return a nation with two readers, and what one of them may not read."""
    shutil.copytree(pact, home)
    town = Town(home, Clock(now))
    town.wired(monkeypatch)
    for nation in ("asteria", "borea"):
        town.enter(nation)
    for person, level in (("low", "GREEN"), ("high", "RED")):
        town.do(
            "asteria",
            "actor",
            "add",
            person,
            "--role",
            "analyst,duty-officer",
            "--clearance",
            level,
            "--key",
            town.key("asteria", person),
            actor="omar",
        )

    def do(*args, actor="high"):
        town.do("asteria", *args, actor=actor)

    do("search", "heron", "--save", "mine", "--notify", actor="low")
    about = ("--words", "heron", "--value", "n7.example", "--tlp", "GREEN", "--owner", "low")
    do("requirement", "new", "open", "Which birds?", *about)
    do("import", bundle(town.folder, *ALL), "--source", "file")
    do("release", SEEN_ID, OTHER_ID, HERON, "--agreement", "pact")
    if secrets:
        do("import", bundle(town.folder, *HIDDEN), "--source", "vault")
        about = ("--words", "zanzibar", "--tlp", "AMBER+STRICT", "--part-of", "open")
        do("requirement", "new", "vault", "Is Zanzibar theirs?", *about)
        do("search", "zanzibar", "--save", "zanzibar", "--notify")
        do("merge", "join", HERON, HIDDEN_ID, "--because", "alike")
        do("requirement", "tag", "open", HIDDEN_ID)
        do("release", SEEN_ID, HIDDEN_ID, "--agreement", "pact")
        do("note", HERON, "Zanzibar", "--tlp", "AMBER+STRICT")
    town.settle(2)
    return town


def test_what_is_above_them_changes_nothing_that_a_reader_is_told(pact, tmp_path):
    folder, now = pact
    told = []
    for secrets in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            town = settled(folder, tmp_path / "home", now, patch, secrets=secrets)
            done = {args: town.run("asteria", *args, "--json", actor="low") for args in ASKED}
            told.append({args: (each.exit_code, each.output) for args, each in done.items()})
            town.close()
        shutil.rmtree(tmp_path / "home")

    without, within = told
    assert [args for args in ASKED if without[args] != within[args]] == []
    assert sum(code == 0 for code, _ in without.values()) > len(ASKED) // 2
    assert "zanzi" not in "".join(
        out for args, (_, out) in within.items() if "zanzi" not in str(args)
    )
