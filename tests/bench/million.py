"""A nation with a million objects as readers meet them: of feeds, of partners and its own, tied to each other.

Half are indicators of values, a quarter of which others speak of too; then relationships, sightings, texts of ATT&CK,
groups and malware under names that many use, reports, notes, and newer versions. Some are tied to very much: a value of
thousands, a technique, an indicator that is seen each minute, who made all that. They are written by the store's
own statements; what a client and a partner get is released as people do it.
"""

import json
import random
import uuid
from datetime import UTC, datetime, timedelta

from mithaq.audit import subjects
from mithaq.border import people
from mithaq.formats import BUILT_IN
from mithaq.intel import Filters, count_on, read_out
from mithaq.intel.finding import saved
from mithaq.intel.finding.saved import Asked
from mithaq.intel.needs import requirements
from mithaq.intel.needs.questions import Sought, Terms
from mithaq.intel.reference import sets
from mithaq.intel.reference.sets import SetFile
from mithaq.model.labels import Beside, Tlp
from mithaq.store import counting, objects, parties, texts
from mithaq.store.objects import Copy
from mithaq.store.parties import ActorRow
from mithaq.store.requirements import Row
from tests.bench.common import ATTACK, START, attack, client_of, text
from tests.bench.growth import CACHE
from tests.bench.search import FAMILIES, LABELS, TOPS, hashed, renamed
from tests.federation.world import Federation

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAYS = 300  # over which it all came
PARTNERS = ("borea", "castor", "delos", "elba", "faro", "gozo")
AT_ONCE = 10_000
RELEASED = 20_000  # to the client and to the first partner, each
HUB = "203.0.113.77"  # a value that thousands speak of
SEEN = "indicator--00000000-0000-4000-8000-0000000000aa"  # is sighted all the time
MAKER = "identity--00000000-0000-4000-8000-0000000000bb"  # made a tenth of it all
ROLES = "analyst,duty-officer,policy-owner,operator,director"
PEOPLE = {"ana": "RED", "omar": "GREEN"}
NAMES = ["Emotet", "Turla", "APT29", "Sandworm", *(each.title() for each in FAMILIES)]

SEARCHES = [
    Asked(words=FAMILIES[0]), Asked(words="phishing"), Asked(filters=Filters(type="indicator")),
    Asked(filters=Filters(technique="T1059")), Asked(value=("ipv4", HUB)), Asked(filters=Filters(technique="Emotet")),
    *(Asked(words=each) for each in FAMILIES[1:25]),
]  # fmt: skip
SOUGHT = [
    Sought(words=tuple(FAMILIES[40:44]), techniques=("T1059", "T1566")), Sought(labels=("phishing",)),
    Sought(countries=("RU",), sectors=("energy",)), Sought(values=(("ipv4", HUB),)), Sought(words=("malicious",)),
]  # fmt: skip


def million(folder, count, database=None):
    """Return a federation whose first nation, aurelia, has so many objects, and reads them out and counts them."""
    federation = Federation(folder, database)
    federation.clock.now = NOW - timedelta(days=1)
    aurelia = federation.nation("aurelia", "QM")
    for name in PARTNERS:
        federation.nation(name, "QN")
    for worker in federation.workers.values():
        worker.show()
    for name in PARTNERS:
        federation.enrol(aurelia, federation.nodes[name])
        federation.enrol(federation.nodes[name], aurelia)
        federation.sign(text(f"pact-{name}", ("aurelia", name)), "aurelia", name)
    client_of(aurelia)
    federation.clock.now = NOW - timedelta(days=DAYS)
    _begin(aurelia)
    federation.clock.now = NOW
    own = Maker(count).fill(aurelia.core)
    read(aurelia)
    for under in ("misp", "pact-borea"):
        federation.release("aurelia", under, own[:RELEASED])
    federation.workers["aurelia"].show()
    return federation


def _begin(node):
    """Let people come, and save what they look for, before anything comes."""
    with node.core.begin() as unit:
        for name, clearance in PEOPLE.items():
            row = ActorRow(name=name, roles=ROLES, clearance=clearance, public=b"", added_at=START)
            parties.put_actor(unit, row)
    with node.core.read() as unit:
        ana, omar = (people.named(unit, name) for name in ("ana", "omar"))
    raw = ATTACK.read_bytes()
    held = sets.take(
        node.core,
        node.us,
        ana,
        SetFile(raw=raw, name="attack", version="1"),
        node.clock(),
        formats=BUILT_IN,
    ).held
    sets.use(node.core, node.us, ana, held, node.clock())
    with node.core.begin() as unit:
        for number, wanted in enumerate(SEARCHES):
            for who in (ana, omar):
                one = saved.save(unit, who, f"search {number}", wanted, node.clock())
                saved.notify(unit, who, one, on=True)
        for number, sought in enumerate(SOUGHT):
            row = Row(
                name=f"PIR-{number}",
                owner="ana",
                priority=1,
                level=0,
                terms="",
                made_at="",
                changed_at="",
            )
            made = requirements.draft(
                unit, ana, row, Terms(question="Who does that?", sought=sought), node.clock()
            )
            requirements.keep(unit, ana, made, node.clock())


def read(node):
    """Let a node read out and count all that it has, as its worker does."""
    behind = True
    while behind:
        read_out(node.core, node.clock())
        subjects.read_out(node.core)
        count_on(node.core)
        with node.core.read() as unit:
            behind = texts.behind(unit) or counting.behind(unit)
    if not node.core.on_sqlite:
        with node.core.begin() as unit:
            unit.exec_driver_sql("ANALYZE")


class Maker:
    """Makes objects that name those it made before."""

    def __init__(self, count):
        self.chance = random.Random(7)
        self.count = count
        self.attack = [
            each for each in attack() if each.version and each.type != "marking-definition"
        ]
        self.techniques = [each.id for each in self.attack if each.type == "attack-pattern"]
        self.pool = [self._value() for _ in range(20_000)]
        self.indicators, self.groups, self.versions = [SEEN], [], []
        self.left, self.from_ = (
            0,
            {},
        )  # of a frame or a file: how many more it holds, and whose it is
        self.kinds = (
            ("indicator", 48), ("relationship", 14), ("sighting", 10), ("text", 12), ("group", 5), ("report", 2),
            ("note", 4), ("version", 5),
        )  # fmt: skip

    def fill(self, core):
        """Store them all; return the numbers of those that are ours."""
        if core.on_sqlite:
            with core.read() as unit:
                unit.exec_driver_sql(CACHE)
        own = []
        for first in range(0, self.count, AT_ONCE):
            some = range(first, min(first + AT_ONCE, self.count))
            made = [self._copy(number) for number in some]
            with core.begin() as unit:
                stored = objects.add(unit, made)
            own += [each.seq for each in stored if each.standing == "own" and each.level <= 1]
        return own

    def _copy(self, number):
        if not self.left:
            self.left = 1 + int(self.chance.expovariate(0.02))
            self.from_ = self._whose(number)
        self.left -= 1
        came = self.from_["received_at"]
        if number < 2:
            made = self._hub(number, came)
        else:
            [kind] = self.chance.choices(*zip(*self.kinds, strict=True))
            made = getattr(self, f"_{kind}")(number, came)
        level = self.chance.choices([0, 1, 2, 3, 4], [40, 30, 24, 1, 5])[0]
        level = min(level, 3) if "standing" in self.from_ else level
        return Copy(object=made, level=level, beside=Beside(tlp=Tlp(level)), **self.from_)

    def _whose(self, number):
        """Return of whom a frame or a file is, and when it came."""
        at = NOW - timedelta(days=DAYS) * (1 - number / self.count)
        came = {"received_at": f"{at:%Y-%m-%dT%H:%M:%S}.{number % 1000:03d}Z"}
        who = self.chance.random()
        if who < 0.6:
            return came | {"voucher": f"feed:{int(self.chance.expovariate(0.15)) % 40}"}
        if who < 0.9:
            [name] = self.chance.choices(PARTNERS, [60, 20, 10, 5, 4, 1])
            more = {"owner": name, "sent_by": name, "agreement": f"pact-{name}"}
            return came | more | {"voucher": name, "role": "owner", "agreement_version": 1}
        ours = {"voucher": "aurelia", "owner": "aurelia", "standing": "own", "role": "owner"}
        return came | ours | {"author": "ana"}

    def _made(self, type_, came, id_="", **more):
        id_ = id_ or f"{type_}--{uuid.UUID(int=self.chance.getrandbits(128), version=4)}"
        body = {
            "type": type_, "spec_version": "2.1", "id": id_, "created": came, "modified": came,
            **({"created_by_ref": MAKER} if self.chance.random() < 0.1 else {}), **more,
        }  # fmt: skip
        refs = [
            (f"/{name}", each)
            for name in ("created_by_ref", "source_ref", "target_ref", "sighting_of_ref")
            if (each := body.get(name))
        ]
        for name in ("object_refs", "where_sighted_refs"):
            refs += [(f"/{name}/{at}", each) for at, each in enumerate(body.get(name, ()))]
        return hashed(json.dumps(body, sort_keys=True).encode(), id_, type_, came, refs)

    def _hub(self, number, came):
        if number:
            return self._made(
                "identity", came, MAKER, name="Feeds of the world", identity_class="organization"
            )
        return self._pattern(HUB, f"[ipv4-addr:value = '{HUB}']", came, SEEN)

    def _value(self):
        chance = self.chance
        host = f"{chance.getrandbits(36):x}.{chance.choice(FAMILIES)}.{chance.choice(TOPS)}"
        address = ".".join(str(chance.randrange(1, 224)) for _ in range(4))
        digest = f"{chance.getrandbits(256):064x}"
        return chance.choice(
            [
                (host, f"[domain-name:value = '{host}']"),
                (f"http://{host}/in", f"[url:value = 'http://{host}/in']"),
                (address, f"[ipv4-addr:value = '{address}']"),
                (digest, f"[file:hashes.'SHA-256' = '{digest}']"),
            ]
        )

    def _indicator(self, _number, came):
        which = self.chance.random()
        if which < 0.01:
            return self._pattern(HUB, f"[ipv4-addr:value = '{HUB}']", came)
        if which < 0.25:
            return self._pattern(*self.pool[int(self.chance.expovariate(0.0005)) % 20_000], came)
        return self._pattern(*self._value(), came)

    def _pattern(self, value, pattern, came, id_=""):
        chance = self.chance
        family = chance.choice(FAMILIES)
        made = self._made(
            "indicator", came, id_, name=value, pattern=pattern, pattern_type="stix", valid_from=came,
            confidence=min(100, int(chance.expovariate(0.03))),
            indicator_types=["malicious-activity"],
            labels=[chance.choice(LABELS), chance.choice(("phishing", "c2", "malicious"))],
            description=f"malicious {family}, seen by sensors",
        )  # fmt: skip
        self.indicators.append(made.id)
        if len(self.versions) < 100_000:
            self.versions.append(made)
        return made

    def _relationship(self, _number, came):
        source = self.chance.choice(self.indicators[-50_000:])
        target = self._known()
        return self._made(
            "relationship",
            came,
            relationship_type="indicates",
            source_ref=source,
            target_ref=target,
        )

    def _known(self):
        if self.groups and self.chance.random() < 0.4:
            return self.chance.choice(self.groups[-20_000:])
        return self.techniques[int(self.chance.expovariate(0.05)) % len(self.techniques)]

    def _sighting(self, _number, came):
        seen = SEEN if self.chance.random() < 0.2 else self.chance.choice(self.indicators[-50_000:])
        more = {"first_seen": came, "last_seen": came, "count": self.chance.randrange(1, 50)}
        return self._made(
            "sighting", came, sighting_of_ref=seen, where_sighted_refs=[MAKER], **more
        )

    def _text(self, number, _came):
        return renamed(self.attack[number % len(self.attack)], self.chance)

    def _group(self, _number, came):
        type_ = self.chance.choice(("malware", "intrusion-set", "threat-actor", "tool"))
        name = self.chance.choice(NAMES)
        more = {"is_family": True} if type_ == "malware" else {}
        aliases = [name, self.chance.choice(NAMES)] if self.chance.random() < 0.5 else [name]
        made = self._made(type_, came, name=name, aliases=aliases, description="said of it", **more)
        self.groups.append(made.id)
        return made

    def _report(self, number, came):
        size = 2000 if self.chance.random() < 0.01 else self.chance.randrange(3, 60)
        about = {
            self._known(), *(self.chance.choice(self.indicators[-50_000:]) for _ in range(size)),
        }  # fmt: skip
        name = f"Campaign {number} of {self.chance.choice(NAMES)}"
        return self._made("report", came, name=name, published=came, object_refs=sorted(about))

    def _note(self, number, came):
        about = self._known() if number % 2 else self.chance.choice(self.indicators[-50_000:])
        return self._made("note", came, content="seen here too", object_refs=[about])

    def _version(self, number, came):
        if not self.versions:
            return self._indicator(number, came)
        body = json.loads(self.chance.choice(self.versions).raw)
        body |= {"modified": came, "confidence": self.chance.randrange(100)}
        refs = [("/created_by_ref", MAKER)] if "created_by_ref" in body else []
        raw = json.dumps(body, sort_keys=True).encode()
        return hashed(raw, body["id"], "indicator", came, refs)
