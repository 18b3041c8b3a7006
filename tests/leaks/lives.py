"""What the nations of the machine begin with, and what they may bring and sign."""

import atexit
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import structlog
from hypothesis import strategies as st
from sqlalchemy import event

from mithaq.border import peers, people, signing
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy import agreement as policy
from mithaq.seal.keys import generate
from mithaq.store.parties import Peer
from tests.federation.world import Federation, second_person
from tests.leaks.model import (
    AMBER,
    GREEN,
    PLACES,
    UNMARKED,
    Text,
    canary,
)

NATIONS = {"aurelia": "QM", "borea": "QN", "corvia": "QO"}
AT = "2026-02-01T00:00:00.000Z"
AGREEMENTS = {
    "ab": Text(("aurelia", "borea"), GREEN, frozenset({3}), {"tool": "nx"}),
    "ac": Text(("aurelia", "corvia"), AMBER),
    "bc": Text(("borea", "corvia"), GREEN),
    "abc": Text(("aurelia", "borea", "corvia"), GREEN, forum=True),
    "g-misp": Text(("aurelia", "misp"), GREEN),
}
names = st.sampled_from(list(NATIONS))
agreed = st.sampled_from(list(AGREEMENTS))
levels = st.sampled_from([0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5])
MOST = 12
nth = st.integers(0, MOST)
seeds = st.integers(0, 1 << 20)


class Leak(AssertionError):
    """A canary is where it may not be."""


class Crash(Exception):
    """The process ends here."""


def to_text(id_, version, text):
    """Write a model's text as an agreement."""
    keep = {
        kind: [PLACES[place] for place in places]
        + ["is_family", "relationship_type", "source_ref", "target_ref"]
        for kind, places in text.keep.items()
    }
    clause = policy.Clause(
        id="c1",
        kinds=["*"],
        max_tlp=str(Tlp(text.level)),
        named_levels=[str(Tlp(level)) for level in sorted(text.named)],
        keep=keep,
        onward="scope" if text.forum else "none",
    )
    parties = [
        policy.Party(
            name=name,
            country=NATIONS.get(name, "QM"),
            organisation=name,
            role="national-csirt" if name in NATIONS else "client",
        )
        for name in text.parties
    ]
    grant = "misp" in text.parties
    return policy.to_bytes(
        policy.Agreement(
            id=id_,
            version=version,
            title=id_,
            kind="forum" if text.forum else "grant" if grant else "bilateral",
            parties=parties,
            clauses=[clause],
            start="2026-01-01T00:00:00.000Z",
            recall="best-effort" if grant else "receipts",
            shadow=text.shadow,
        )
    )


def words(planted, creator, target, *, beside):
    """Return an object with a canary in every field it may have one in."""
    say = {place: canary(planted.number, place) for place in PLACES}
    made = {
        "type": planted.kind,
        "spec_version": "2.1",
        "id": f"{planted.kind}--{canary(planted.of, 'i')}",
    }
    if planted.kind == "domain-name":
        return made | {"value": f"{say['v']}.example"} | _marks(planted, beside=beside)
    version = f"2026-02-{1 + planted.number - planted.of:02d}T00:00:00.000Z"
    made |= {"created": AT, "modified": version, "description": say["d"]}
    made |= {
        "x_private": say["x"],
        "x_nested": {"deep": [{"deeper": say["y"]}]},
        "labels": ["a", say["l"]],
    }
    made["external_references"] = [{"source_name": "us", "description": say["e"]}]
    if creator:
        made["created_by_ref"] = creator
    if planted.kind == "relationship":
        made |= {"relationship_type": "uses", "source_ref": target, "target_ref": target}
    else:
        made["name"] = say["n"]
        if target:
            made["x_told_with"] = {"refs": [target]}
    if planted.kind == "malware":
        made["is_family"] = True
    return made | _marks(planted, beside=beside)


SELECTORS = {
    "n": "name",
    "d": "description",
    "x": "x_private",
    "y": "x_nested.deep.[0].deeper",
    "l": "labels.[1]",
    "e": "external_references.[0].description",
}


def _marks(planted, *, beside):
    made = {}
    if not beside and planted.level != UNMARKED:
        made["object_marking_refs"] = [tlp_id(Tlp(planted.level))]
    if planted.granular:
        made["granular_markings"] = [
            {"marking_ref": tlp_id(Tlp(level)), "selectors": [SELECTORS[place]]}
            for place, level in planted.granular.items()
        ]
    return made


def _found(folder):
    made = Federation(folder)
    for name, country in NATIONS.items():
        node = made.nation(name, country)
        key = generate()
        (folder / f"{name}.pem").write_bytes(key.pem())
        omar = people.Newcomer(
            name="omar", roles=frozenset({"policy-owner"}), clearance="RED", public=key.public
        )
        with node.core.begin() as unit:
            people.enrol(unit, omar, made.clock(), by="owner")
    made.enrol_all()
    client = Peer(
        name="misp",
        kind="client",
        url="",
        state="confirmed",
        country="QM",
        organisation="misp",
        added_at=AT,
    )
    with made.nodes["aurelia"].core.begin() as unit:
        peers.add_client(unit, client, made.clock(), by="l")
        token = peers.new_token(unit, "misp", made.clock(), by="l")
    for id_, text in AGREEMENTS.items():
        for name in text.parties:
            if name in NATIONS:
                node = made.nodes[name]
                with node.core.begin() as unit:
                    signing.sign_text(
                        unit,
                        node.us,
                        to_text(id_, 1, text),
                        made.clock(),
                        by="l",
                        second=second_person(unit),
                    )
                made.settle(2)
    made.settle()
    made.close()
    return token, made.clock.now


@cache
def template():
    """Return a folder with the world that every run begins with, its client's token and its hour."""
    folder = Path(mkdtemp(prefix="mithaq-leaks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, *_found(folder)


@dataclass
class Log:
    """Everything that was logged."""

    said: list

    def __call__(self, _logger, _name, facts):
        self.said.append(repr(facts).encode())
        raise structlog.DropEvent


def features(chance):
    """Return how an object is made and marked: what crosses is as likely as what does not."""
    places = chance.sample("dxyle", chance.choice([0, 0, 1, 2]))
    return {
        "kind": chance.choice(["tool", "tool", "malware", "relationship", "domain-name"]),
        "level": chance.choice([0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5]),
        "granular": {place: chance.choice([1, 2, 2, 3, 4]) for place in places},
        "own": chance.random() < 0.8,
        "beside": chance.random() < 0.5,
        "refers": chance.randint(0, MOST),
    }


@contextmanager
def dying(store, after):
    """Let a store's connections fail at the ``after``-th statement from now."""
    left = [after]

    def counted(*_given):
        left[0] -= 1
        if left[0] <= 0:
            raise Crash

    event.listen(store._engine, "before_cursor_execute", counted)
    try:
        yield
    finally:
        event.remove(store._engine, "before_cursor_execute", counted)
