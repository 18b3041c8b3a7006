"""Random objects out of a small pool of ids, so that references and versions meet often."""

import uuid
from random import Random
from typing import Any

from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import classify, pap_id, tlp_id
from mithaq.model.objects import Object, from_body

NOW, BEFORE, AFTER = (f"2031-03-{day}T00:00:00.000Z" for day in ("10", "05", "15"))
VERSIONS = ("2031-03-01T00:00:00.000Z", "2031-03-02T00:00:00.000Z")
PARTIES = ("aurelia", "borea", "corvia", "delmara")
STATEMENT = "marking-definition--00000000-0000-4000-8000-00000000000a"
TERMS = "marking-definition--00000000-0000-4000-8000-00000000000b"
NOBODY_KNOWS = "marking-definition--00000000-0000-4000-8000-00000000000c"
TABLE = {
    id_: classify({"type": "marking-definition", "id": id_} | body)
    for id_, body in {
        STATEMENT: {
            "definition_type": "statement",
            "definition": {"statement": "Copyright 2031 of somebody"},
        },
        TERMS: {
            "extensions": {
                "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a": {
                    "extension_type": "property-extension",
                    "tlp": "amber",
                    "start_date": AFTER,
                    "provider_attribution": "must-not",
                }
            }
        },
    }.items()
}


def named(kind: str, number: int) -> str:
    return f"{kind}--{uuid.UUID(int=(4 << 76) | (8 << 60) | number)}"


IDENTITIES = {name: named("identity", 90 + n) for n, name in enumerate((*PARTIES, "outsider"))}
SECTOR = named("identity", 99)
POOL = tuple(
    named(kind, number)
    for kind, number in (
        ("indicator", 1), ("indicator", 2), ("malware", 3), ("threat-actor", 4), ("location", 5),
        ("relationship", 6), ("relationship", 7), ("report", 8), ("note", 9), ("sighting", 10),
        ("ipv4-addr", 11), ("autonomous-system", 12), ("x-thing", 13), ("mithaq-note", 14),
        ("identity", 15),
    )
)  # fmt: skip


class Chance:
    """Draws of one seed."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def maybe(self, likely: float = 0.5) -> bool:
        return self.chance.random() < likely

    def one(self, *of: Any) -> Any:
        return self.chance.choice(of)

    def some(self, of: Any, most: int = 3) -> list[Any]:
        return self.chance.sample(list(of), self.chance.randint(1, min(most, len(of))))


class Objects(Chance):
    """Objects of each kind in the pool."""

    def revised(self, earlier: Object, version: str) -> Object:
        body: dict[str, Any] = dict(earlier.body) | {"modified": version}
        if "description" in body:
            body["description"] = f"text of {version}"
        return from_body(body)

    def object(self, id_: str, version: str) -> Object:
        kind = id_.split("--", maxsplit=1)[0]
        body: dict[str, Any] = {"type": kind, "spec_version": "2.1", "id": id_}
        if kind in {"ipv4-addr", "autonomous-system"}:
            body |= self.observable(kind)
        else:
            body |= {"created": VERSIONS[0], "modified": version} | self.domain(kind)
            if self.maybe(0.2):
                body["created_by_ref"] = self.one(*IDENTITIES.values())
            if self.maybe(0.4):
                body["description"] = f"text of {version}" if self.maybe(0.3) else "text"
            if self.maybe(0.4):
                body["labels"] = self.some(("apt", "exercise", "other"), 2)
            if self.maybe(0.25):
                body["external_references"] = self.some(
                    [
                        {"source_name": "mitre-attack", "external_id": "T1071.001"},
                        {"source_name": "site", "url": "https://a.example/"},
                    ],
                    2,
                )
            if self.maybe(0.2):
                body["x_seen_with"] = {"refs": self.some(POOL, 2), "note": "n"}
        return from_body(self.marked(body))

    def observable(self, kind: str) -> dict[str, Any]:
        if kind == "autonomous-system":
            return {"number": 64500}
        systems = {"belongs_to_refs": [named("autonomous-system", 12)]} if self.maybe() else {}
        return {"value": "192.0.2.1"} | systems

    def sighting(self) -> dict[str, Any]:
        made: dict[str, Any] = {"sighting_of_ref": self.one(*POOL[:4])}
        if self.maybe():
            made["where_sighted_refs"] = self.some((*IDENTITIES.values(), SECTOR), 2)
        if self.maybe():
            made["count"] = self.one(0, 1, 2, 7, 10, 99, 123_456, 999_999_999)
        if self.maybe():
            made["first_seen"] = self.one("2031-03-01T00:00:00Z", "2031-03-01T10:11:12.131415Z")
        if self.maybe():
            made["last_seen"] = self.one("2031-03-02T00:00:00.000Z", "2031-03-02T23:59:59.999Z")
        return made

    def domain(self, kind: str) -> dict[str, Any]:
        near = POOL[:6] + POOL[10:]
        made: dict[str, Any]
        match kind:
            case "indicator":
                made = {"name": "name", "valid_from": VERSIONS[0], "pattern_type": "stix"}
                made["pattern"] = "[ipv4-addr:value = '192.0.2.1']"
            case "malware":
                made = {"is_family": False} | ({"x_country": "XC"} if self.maybe(0.3) else {})
            case "threat-actor":
                made = {"name": "actor"} | ({"country": "XC"} if self.maybe() else {})
            case "location":
                made = {"region": "europe"}
            case "relationship":
                kinds = ("related-to", "attributed-to", "located-at", "originates-from")
                made = {"relationship_type": self.one(*kinds), "source_ref": self.one(*POOL[:5])}
                made["target_ref"] = self.one(*POOL[:5], POOL[14])
            case "report" | "note":
                made = {"object_refs": self.some(near)}
                made |= {"content": "c"} if kind == "note" else {"name": "r", "published": NOW}
            case "sighting":
                made = self.sighting()
            case "identity":
                made = {"name": "victim", "sectors": self.some(("energy", "water"), 2)}
            case _:
                made = {"x_value": 1, "x_other_ref": self.one(*POOL)}
        return made

    def marked(self, body: dict[str, Any]) -> dict[str, Any]:
        refs = [tlp_id(self.one(*Tlp, Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER))] if self.maybe(0.9) else []
        refs += [pap_id(self.one(*Pap))] if self.maybe(0.15) else []
        refs += [self.one(STATEMENT, STATEMENT, TERMS, NOBODY_KNOWS)] if self.maybe(0.07) else []
        if refs:
            body["object_marking_refs"] = refs
        if self.maybe(0.4):
            body["granular_markings"] = [self.granular(body) for _ in range(self.one(1, 1, 2))]
        return body

    def granular(self, body: dict[str, Any]) -> dict[str, Any]:
        places = [n for n in body if n not in {"id", "type", "spec_version", "granular_markings"}]
        places.remove("object_marking_refs") if "object_marking_refs" in places else None
        if "created" in places:
            places = [n for n in places if n not in {"created", "modified"}]
        places += [
            f"{name}.[{n}]"
            for name in ("labels", "object_refs", "external_references")
            for n in range(len(body.get(name, ())))
        ]
        places += ["x_seen_with.note", "x_seen_with.refs.[0]"] if "x_seen_with" in body else []
        mark = (
            tlp_id(self.one(*Tlp))
            if self.maybe(0.85)
            else self.one(TERMS, STATEMENT, pap_id(Pap.RED))
        )
        return {"marking_ref": mark, "selectors": self.some(places, 2)}
