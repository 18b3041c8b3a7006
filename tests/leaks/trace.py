"""Everything that a peer can ask of a node, as one trace: each request goes to both nodes of a pair."""

import json
from http import HTTPStatus

from mithaq.formats.export import EXPORTS
from tests.leaks.pair import NATIONS, body, id_of

FILTERS = (
    "limit=1",
    "limit=2",
    "limit=0",
    "match[version]=all",
    "match[version]=first",
    "match[version]=2026-02-01T00:00:00.000Z",
    "match[type]=malware,report",
    "match[spec_version]=2.0",
    "added_after=2026-03-01T12:00:03.000002Z",
    "next=bm90IGEgY3Vyc29y",
)
NEVER = id_of(999, "malware")
VERBS = ("PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS")


def roots_of(pair, who):
    answer = pair.compare(who, "GET", "/taxii2/")
    return json.loads(answer.body).get("api_roots", []) if answer.status == 200 else []


def glance(pair):
    """Look at what stands on the shelves, and since when."""
    for who in ("borea", "misp"):
        for root in roots_of(pair, who):
            pair.compare(who, "GET", root + "collections/intel/manifest/?match[version]=all")


def probe(pair, numbers, *, thorough=False):
    """Ask everything, as the node, as the client, and as nobody."""
    ids = [*(id_of(n) for n in numbers), NEVER]
    for who in ("borea", "misp", ""):
        pair.both(lambda side: side.wait(1))
        for path in ("/mithaq/heartbeat/", "/mithaq/keys/", "/mithaq/keys/1/", "/mithaq/keys/2/"):
            pair.compare(who, "GET", path)
        for root in roots_of(pair, who):
            _root(pair, who, root, ids, thorough=thorough)
        for channel in pair.strangers():
            pair.compare(who, "GET", f"/taxii2/{channel}/frames/?after=0")
            pair.compare(who, "GET", f"/taxii2/{channel}/")
            pair.compare(who, "GET", f"/taxii2/{channel}/collections/intel/objects/")
        for verb in VERBS if thorough else VERBS[:1]:
            for path in (
                "/taxii2/",
                "/mithaq/keys/",
                "/mithaq/nudge/",
                "/nothing/here/",
            ):
                pair.compare(who, verb, path)
        for name in ("", *EXPORTS, "misp/hashes.csv"):
            _polled(pair, who, name)
        manifest = _polled(pair, who, "misp/manifest.json")
        for uuid in json.loads(manifest.body) if manifest.status == HTTPStatus.OK else ():
            _polled(pair, who, f"misp/{uuid}.json")
            pair.compare(who, "GET", f"/events/view/{uuid}")
        _misp(pair, who, numbers)
    pair.both(lambda side: side.wait(1))


def _polled(pair, who, name):
    """Ask as a firewall does that looks at the head first."""
    pair.compare(who, "HEAD", f"/export/{name}")
    return pair.compare(who, "GET", f"/export/{name}")


def _misp(pair, who, numbers):
    """Ask as MISP's tools do."""
    for path in (
        *("/servers/getVersion", "/servers/getPyMISPVersion.json", "/users/view/me"),
        *("/servers/getAvailableSyncFilteringRules", "/eventReports/add", "/events/index"),
        "/shadow_attributes/index/all:1/page:1.json",
    ):
        pair.compare(who, "GET", path)
    pair.compare(who, "POST", "/servers/postTest", b'{"testString": "x"}')
    pair.compare(who, "POST", "/events/index", b'{"minimal": 1}', if_none_match='""')
    pair.compare(who, "POST", "/galaxy_clusters/restSearch", b'{"minimal": 1, "published": 1}')
    pair.compare(who, "POST", "/events/index", b'{"tag": ["!tlp:red"], "org": ["x"]}')
    uuids = [id_of(n).partition("--")[2] for n in numbers]
    for uuid in uuids:
        for method in ("GET", "HEAD", "POST"):
            pair.compare(who, method, f"/events/view/{uuid}/deleted[]:0")
        news = json.dumps([uuid]).encode()
        pair.compare(who, "POST", f"/sightings/filterSightingUuidsForPush/{uuid}", news)
    brought = json.dumps([{"Event": {"uuid": u, "timestamp": "9"}} for u in uuids]).encode()
    pair.compare(who, "POST", "/events/filterEventIdsForPush", brought)
    seen = json.dumps({"uuid": uuids or ["x"], "returnFormat": "json"}).encode()
    pair.compare(who, "POST", "/sightings/restSearch/event", seen)
    pair.compare(who, "POST", "/attributes/restSearch", b'{"returnFormat": "cache", "page": 1}')
    for asked in ({}, {"limit": 1}, {"uuid": uuids or "x"}, {"tags": "tlp:red"}, {"org": "x"}):
        for path in ("/events/restSearch", "/attributes/restSearch"):
            pair.compare(who, "POST", path, json.dumps(asked).encode())


def _root(pair, who, root, ids, *, thorough):
    pair.compare(who, "GET", root)
    pair.compare(who, "GET", root + "collections/")
    pair.compare(who, "GET", root + f"status/{NEVER.partition('--')[2]}/")
    for alias in ("intel", "seals", "inbox", "nothing"):
        base = f"{root}collections/{alias}/"
        for end in ("", "objects/", "manifest/"):
            page = pair.compare(who, "GET", base + end)
            for query in FILTERS if thorough else FILTERS[:4]:
                page = pair.compare(who, "GET", f"{base}{end}?{query}")
                _pages(pair, who, f"{base}{end}?{query}", page)
        for id_ in ids:
            pair.compare(who, "GET", f"{base}objects/{id_}/")
            pair.compare(who, "GET", f"{base}objects/{id_}/versions/")
            if thorough:
                pair.compare(who, "GET", f"{base}manifest/?match[id]={id_}&match[version]=all")
    pair.both(lambda side: side.wait(4))


def _pages(pair, who, path, page):
    """Go on to the end, by what the answer said."""
    while page.status == 200 and (told := json.loads(page.body)).get("more"):
        page = pair.compare(who, "GET", f"{path}&next={told['next']}")


def _misp_writes(pair, uuids):
    """Bring, as MISP's tools do, an event of one's own, and what would change another's."""
    own, part = "0fa3f1c2-7a0e-4d7e-9a63-0c1f7c5b2d11", "1b7f7a52-0f0b-4c2e-8a0e-7d3c7a9e5f22"

    def post(path, brought):
        return pair.compare("misp", "POST", path, json.dumps(brought).encode())

    attribute = {"uuid": part, "type": "ip-dst", "value": "198.51.100.4", "timestamp": "5"}
    for uuid in (own, *uuids):
        event = {"uuid": uuid, "info": "brought", "timestamp": "5", "Attribute": [attribute]}
        saw = {"type": "0", "date_sighting": "7", "attribute_uuid": uuid, "uuid": uuid}
        post("/events/add/metadata:1", {"Event": event})
        post(f"/events/edit/{uuid}", event | {"timestamp": "6"})
        more = {"type": "domain", "value": f"{uuid[-3:]}.example", "uuid": f"2{uuid[1:]}"}
        post(f"/attributes/add/{uuid}", more)
        post("/tags/attachTagToObject", {"uuid": uuid, "tag": "tlp:red"})
        post(f"/events/publish/{uuid}", {})
        post(f"/events/alert/{uuid}", {})
        post(f"/sightings/add/{uuid}", {"type": "0"})
        post(f"/sightings/bulkSaveSightings/{uuid}", [saw])
        post(f"/events/pushProposals/{uuid}", [])
        post(f"/shadowAttributes/add/{uuid}", {})
        post("/galaxies/pushCluster", [])
        pair.compare("misp", "PUT", f"/events/edit/{uuid}", json.dumps({"info": "again"}).encode())
        pair.compare("misp", "GET", f"/events/view/{uuid}")
    post(f"/sightings/add/{part}", {"type": "2"})
    for value in ("198.51.100.4", "198.51.100.100", "never.example"):
        post("/sightings/add", {"value": value})
    post("/sightings/add", {"uuid": part})


def write(pair, numbers):
    """Bring what may meet something hidden: the same ids, the same values, others' names, nonsense."""
    creators = [pair.left.creator(name) for name in NATIONS]
    made = [body(n) for n in numbers]
    made += [body(n, creator) for n, creator in zip(numbers, creators, strict=False)]
    made += [
        body(n, description="told otherwise", version="2026-02-02T00:00:00.000Z") for n in numbers
    ]
    made += [{"type": "malware"}, {"type": "nonsense", "id": "nonsense--1"}]
    told = []
    _misp_writes(pair, [id_of(n).partition("--")[2] for n in numbers])
    for root in roots_of(pair, "misp"):
        inbox = root + "collections/inbox/objects/"
        for sent in ([each] for each in made):
            answer = pair.compare("misp", "POST", inbox, json.dumps({"objects": sent}).encode())
            told.append(f"{root}status/{json.loads(answer.body)['id']}/")
        whole = json.dumps({"objects": made}).encode()
        told.append(
            f"{root}status/{json.loads(pair.compare('misp', 'POST', inbox, whole).body)['id']}/"
        )
        pair.compare("misp", "POST", root + "collections/intel/objects/", whole)
        for number in numbers:
            for alias in ("inbox", "intel", "seals"):
                pair.compare(
                    "misp", "DELETE", f"{root}collections/{alias}/objects/{id_of(number)}/"
                )
    for root in roots_of(pair, "borea"):
        pair.compare("borea", "POST", root + "collections/intel/objects/", b'{"objects":[]}')
    for channel in pair.strangers():
        pair.compare("borea", "POST", f"/taxii2/{channel}/frames/", b"no frame at all")
        hint = json.dumps({"channel": channel, "seq": 3}).encode()
        pair.compare("borea", "POST", "/mithaq/nudge/", hint)
    pair.compare("borea", "POST", "/mithaq/heartbeat/", b"{}")
    return told
