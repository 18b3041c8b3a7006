"""What a trip through another format may not do, looked at from outside: two sides are compared leaf by leaf.

Nothing here reads what the product says of levels or of elements: what a tag, a marking and a distribution allow is
written down again, from TLP 2.0, the taxonomy of PAP and MISP's core format. Whatever differs must be named by the
round-trip report; nothing may come back under a lower level, with a caveat less, or for more readers.
"""

from collections import Counter

ELEMENTS = (
    "Attribute", "Object", "EventReport", "ObjectReference", "Sighting", "ShadowAttribute", "Galaxy", "GalaxyCluster",
    "Note", "Opinion", "Relationship",
)  # fmt: skip
NUMBERS = {  # of one server
    "id", "event_id", "object_id", "attribute_id", "org_id", "orgc_id", "sharing_group_id", "tag_id", "galaxy_id",
    "galaxy_cluster_id", "referenced_id", "attribute_count", "user_id",
}  # fmt: skip
OFF = {  # nought says as much as nothing
    "deleted", "disable_correlation", "published", "protected", "locked", "proposal_email_lock", "publish_timestamp",
    "sighting_timestamp",
}  # fmt: skip
LEVELS = {
    "tlp:clear": 0,
    "tlp:white": 0,
    "tlp:green": 1,
    "tlp:amber": 2,
    "tlp:amber+strict": 3,
    "tlp:red": 4,
}
# no PAP allows as much as PAP:CLEAR; no TLP is none, and more than TLP:CLEAR it says nothing
ACTIONS = {"pap:clear": 0, "pap:white": 0, "pap:green": 1, "pap:amber": 2, "pap:red": 3}
FLOORS = {"0": 3, "1": 3, "2": 2, "4": 3}  # of TLP, for how far a distribution goes
READERS = {"0": 0, "4": 0, "1": 1, "2": 2, "3": 3}  # a sharing group is nobody else's to know
SERVED = "2"  # the distribution of an event that says none, where a MISP reads it from us

TLP_IDS = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": 0, "94868c89-83c2-464b-929b-a1a8aa3c8487": 0,
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": 1, "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": 1,
    "f88d31f6-486f-44da-b317-01333bde0b82": 2, "55d920b0-5e8b-4f79-9ee9-91f868d9b421": 2,
    "939a9414-2ddd-4d32-a0cd-375ea402b003": 3, "826578e1-40ad-459f-bc73-ede076f81f37": 3,
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": 4, "e828b379-4e03-4974-9ac4-e53a884c97c1": 4,
}  # fmt: skip
PAP_IDS = {
    "ad15a0cd-55b6-4588-a14c-a66105329b92": 0, "a3bea94c-b469-41dc-9cfe-d6e7daba7730": 0,
    "c43594d1-4b11-4c59-93ab-1c9b14d53ce9": 1, "60f8932b-e51e-4458-b265-a2e8be9a80ab": 2,
    "740d36e5-7714-4c30-961a-3ae632ceee0e": 3,
}  # fmt: skip


# --- events ---------------------------------------------------------------------------------------------------
def leaves(events):
    """Return every text in some events by its path; elements stand there under kind and UUID."""
    found = {}
    for event, at in _numbered(events, "Event"):
        _walk(event, (at,), found)
    return found


def _walk(value, path, found):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in NUMBERS or inner in ("", None, [], {}):
                continue
            if name in ELEMENTS:
                kind = (
                    "Object Attribute" if (path[-1][0], name) == ("Object", "Attribute") else name
                )
                for each, at in _numbered(inner if isinstance(inner, list) else [inner], kind):
                    found[(*path, at)] = ""
                    _walk(each, (*path, at), found)
            elif name == "Tag":
                _tags(inner, path, found)
            elif not (name in OFF and inner in (0, "0", False)):
                _walk(inner, (*path, name), found)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _walk(each, (*path, number), found)
    else:
        found[path] = str(int(value)) if isinstance(value, bool) else str(value)


def _tags(some, path, found):
    for tag in some if isinstance(some, list) else [some]:
        _walk(tag, (*path, f"Tag {tag.get('name')}"), found)


def _numbered(elements, kind):
    times = Counter()
    for each in elements:
        uuid = str(each.get("uuid") or "").lower()
        yield each, (kind, uuid, times[uuid])
        times[uuid] += 1


def unnamed(before, after, report):
    """Return the paths of what differs between two sides of a trip and no report names."""
    old, new, named = leaves(before), leaves(after), {*report.lost, *report.added}
    differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    return sorted((p for p in differing if not _is_named(p, named)), key=str)


def _is_named(path, named):
    places = [index for index, step in enumerate(path) if isinstance(step, tuple)]
    if any((path[index][1], path[index][0]) in named for index in places):
        return True
    kind, uuid, _ = path[places[-1]]
    rest = [str(step) for step in path[places[-1] + 1 :]]
    if not rest or rest == ["uuid"]:
        return False
    first = rest[0]
    said = [first, " ".join(rest[:2])]
    if first.startswith("Tag ") and len(rest) > 1:
        said.append("Tag " + rest[1])
    return any((uuid, f"{kind} {each}") in named for each in said)


def marked(events, served=None):
    """Return TLP, PAP and reach of every element by its path; ``served``: how far an event goes that says nothing."""
    found = {}
    for event, at in _numbered(events, "Event"):
        far = {} if event.get("distribution") or not served else {"distribution": served}
        _marks({**event, **far}, (at,), (-1, 0, 3), found)
    return found


def _marks(element, path, around, found):
    level, action, readers = around
    for tag in element.get("Tag") or []:
        name = str(tag.get("name", "")).lower()
        if name.startswith("tlp:"):
            level = max(level, LEVELS.get(name, 4))
        if name.startswith("pap:"):
            action = max(action, ACTIONS.get(name, 3))
    distribution = str(element.get("distribution", ""))
    level = max(level, FLOORS.get(distribution, -1))
    readers = min(readers, READERS.get(distribution, 3))
    found[path] = (level, action, readers)
    for kind in ELEMENTS:
        inner = element.get(kind) or []
        name = "Object Attribute" if (path[-1][0], kind) == ("Object", "Attribute") else kind
        for each, at in _numbered(inner if isinstance(inner, list) else [inner], name):
            _marks(each, (*path, at), found[path], found)


def widened(before, after):
    """Return the paths of elements that came back under a lower TLP or PAP, or for more readers."""
    old, new = marked(before), marked(after, SERVED)
    by_name = {}
    for path, marks in old.items():
        held = by_name.get(path[-1][:2], (-1, 0, 3))
        by_name[path[-1][:2]] = (*map(max, held[:2], marks[:2]), min(held[2], marks[2]))
    found = []
    for path, (level, action, readers) in new.items():
        asked = old.get(path) or by_name.get(path[-1][:2])
        if asked and not (level >= asked[0] and action >= asked[1] and readers <= asked[2]):
            found.append((path, asked, (level, action, readers)))
    return found


def lowered_between(events, bodies):
    """Return the identifiers of objects of STIX that are marked lower than the element of MISP that they are."""
    asked = {}
    for path, marks in marked(events).items():
        held = asked.get(path[-1][1], (-1, 0))
        asked[path[-1][1]] = (max(held[0], marks[0]), max(held[1], marks[1]))
    found = []
    for body in bodies:
        wanted = asked.get(body["id"].partition("--")[2])
        level, action, _ = _refs(body)
        if (
            wanted
            and body["type"] != "identity"
            and not (level >= wanted[0] and action >= wanted[1])
        ):
            found.append((body["id"], wanted, (level, action)))
    return found


# --- objects --------------------------------------------------------------------------------------------------
def objects_unnamed(before, after, report):
    """Return (id, property) of all that differs between objects of STIX and no report names."""
    old, new = ({b["id"]: b for b in some} for some in (before, after))
    named = {*report.lost, *report.added}
    found = []
    for id_ in old.keys() | new.keys():
        if (id_, "object") in named:
            continue
        one, other = old.get(id_), new.get(id_)
        if one is None or other is None:
            found.append((id_, "object"))
            continue
        names = {n for n in one.keys() | other.keys() if one.get(n) != other.get(n)}
        found += [(id_, name) for name in names if (id_, name) not in named]
    return found


def objects_widened(before, after):
    """Return what came back under a lower level, or without a marking that is neither TLP nor PAP."""
    new = {b["id"]: b for b in after}
    found = []
    for body in before:
        other = new.get(body["id"])
        if other is None or _is_bare(other):
            continue
        (level, action, more), (level2, action2, more2) = _refs(body), _refs(other)
        granular = body.get("granular_markings") == other.get("granular_markings")
        if level2 < level or action2 < action or not more <= more2 or not granular:
            found.append((body["id"], body, other))
    return found


def _is_bare(body):
    """Say whether of an identity nothing is told but the identifier, which all that it made bears."""
    return body["type"] == "identity" and body["name"] == body["id"].partition("--")[2]


def _refs(body):
    level, action, more = -1, 0, set()
    for ref in body.get("object_marking_refs", []):
        uuid = ref.partition("--")[2]
        if uuid in TLP_IDS:
            level = max(level, TLP_IDS[uuid])
        elif uuid in PAP_IDS:
            action = max(action, PAP_IDS[uuid])
        else:
            more.add(ref)
    return level, action, more
