"""What marking definitions mean, and the labels that objects and the paths in them bear.

Sources: STIX 2.1 sections 7.2.1.4 (TLP 1) and 7.2.3 (granular markings); OASIS STIX common objects (the
TLP 2.0, PAP and IEP extension definitions); border.md sections 1.3 and 2.1. Only the fixed ids carry a
TLP or PAP level; any other definition that claims one is read as the most restrictive.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from mithaq.errors import InputError
from mithaq.model.canonical import Json, canonical
from mithaq.model.kinds import is_timestamp, normal
from mithaq.model.labels import (
    Beside,
    Clearance,
    Label,
    Pap,
    Tlp,
    beside,
    join,
    pap,
    tlp,
)
from mithaq.model.selectors import pointer_of, selected

Body: TypeAlias = Mapping[str, Json]
TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
PAP_EXTENSION = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
IEP_EXTENSION = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"


class MarkingKind(StrEnum):
    """What a marking definition is (border.md 2.1)."""

    TLP = "tlp"
    PAP = "pap"
    IEP = "iep"
    STATEMENT = "statement"  # inert: travels with its object
    UNKNOWN = "unknown"  # most restrictive


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """A marking definition as we understand it."""

    id: str
    kind: MarkingKind
    label: Label
    raw: bytes | None = None  # RFC 8785 bytes of a fixed definition; None for any other


Table: TypeAlias = Mapping[str, Marking]  # known definitions besides the fixed ones, by id


def _body(uuid: str, created: str, name: str, terms: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid}",
        "created": f"{created}T00:00:00.000Z",
        "name": name,
        **terms,
    }


def _tlp_1(uuid: str, level: str) -> dict[str, Json]:
    terms: dict[str, Json] = {"definition_type": "tlp", "definition": {"tlp": level}}
    return _body(uuid, "2017-01-20", f"TLP:{level.upper()}", terms)


def _tlp_2(uuid: str, level: str) -> dict[str, Json]:
    terms: Json = {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}}
    return _body(uuid, "2022-10-01", f"TLP:{level.upper()}", {"extensions": terms})


def _pap(uuid: str, created: str, level: str) -> dict[str, Json]:
    terms: Json = {PAP_EXTENSION: {"extension_type": "property-extension", "pap": level}}
    return _body(uuid, created, f"PAP:{level.upper()}", {"extensions": terms})


def _opencti() -> dict[str, Json]:
    """AMBER+STRICT as OpenCTI writes it; TLP 1 had no such level."""
    terms: dict[str, Json] = {
        "definition_type": "statement",
        "definition": {"statement": "custom"},
        "x_opencti_definition_type": "TLP",
        "x_opencti_definition": "TLP:AMBER+STRICT",
    }
    uuid = "826578e1-40ad-459f-bc73-ede076f81f37"
    return _body(uuid, "2022-10-01", "TLP:AMBER+STRICT", terms)


_TLP_1 = (
    (_tlp_1("613f2e26-407d-48c7-9eca-b8e91df99dc9", "white"), Tlp.CLEAR),
    (_tlp_1("34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"), Tlp.GREEN),
    (_tlp_1("f88d31f6-486f-44da-b317-01333bde0b82", "amber"), Tlp.AMBER),
    (_tlp_1("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"), Tlp.RED),
    (_opencti(), Tlp.AMBER_STRICT),
)
_TLP_2 = (
    (_tlp_2("94868c89-83c2-464b-929b-a1a8aa3c8487", "clear"), Tlp.CLEAR),
    (_tlp_2("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green"), Tlp.GREEN),
    (_tlp_2("55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber"), Tlp.AMBER),
    (_tlp_2("939a9414-2ddd-4d32-a0cd-375ea402b003", "amber+strict"), Tlp.AMBER_STRICT),
    (_tlp_2("e828b379-4e03-4974-9ac4-e53a884c97c1", "red"), Tlp.RED),
)
_PAP = (
    (_pap("a3bea94c-b469-41dc-9cfe-d6e7daba7730", "2022-10-01", "white"), Pap.CLEAR),
    (_pap("ad15a0cd-55b6-4588-a14c-a66105329b92", "2022-10-01", "clear"), Pap.CLEAR),
    (_pap("c43594d1-4b11-4c59-93ab-1c9b14d53ce9", "2022-10-09", "green"), Pap.GREEN),
    (_pap("60f8932b-e51e-4458-b265-a2e8be9a80ab", "2022-10-02", "amber"), Pap.AMBER),
    (_pap("740d36e5-7714-4c30-961a-3ae632ceee0e", "2022-10-06", "red"), Pap.RED),
)


def _fixed() -> Iterator[Marking]:
    for body, level in (*_TLP_1, *_TLP_2):
        label = Label(tlp=level)
        yield Marking(id=str(body["id"]), kind=MarkingKind.TLP, label=label, raw=canonical(body))
    for body, action in _PAP:
        label = Label(pap=action)
        yield Marking(id=str(body["id"]), kind=MarkingKind.PAP, label=label, raw=canonical(body))


FIXED: Mapping[str, Marking] = {marking.id: marking for marking in _fixed()}
_TLP_IDS: Mapping[Tlp, str] = {level: str(body["id"]) for body, level in _TLP_2}
_PAP_IDS: Mapping[Pap, str] = {action: str(body["id"]) for body, action in _PAP}


def tlp_id(level: Tlp) -> str:
    """Return the id of TLP 2.0's fixed definition of ``level``."""
    return _TLP_IDS[level]


def pap_id(level: Pap) -> str:
    """Return the id of PAP's fixed definition of ``level``."""
    return _PAP_IDS[level]


def classify(definition: Body) -> Marking:
    """Say what a marking definition means.

    A fixed id means its level, whatever the body says (``is_forgery`` judges the body). A fresh id that
    claims a level, and a statement whose text reads as one, are unknown, as is all that is no IEP policy
    and no plain statement.
    """
    id_ = str(definition.get("id"))
    fixed = FIXED.get(id_)
    if fixed is not None:
        return fixed
    extensions = definition.get("extensions")
    if isinstance(extensions, dict):
        label = None if _claims(definition) else _iep(extensions)
        if label is not None:
            return Marking(id=id_, kind=MarkingKind.IEP, label=label)
    elif _is_inert_statement(definition):
        return Marking(id=id_, kind=MarkingKind.STATEMENT, label=Label())
    return unknown(id_)


def unknown(id_: str) -> Marking:
    """Return the most restrictive reading, for an id that nobody can resolve."""
    label = Label(unresolved=frozenset({id_}))
    return Marking(id=id_, kind=MarkingKind.UNKNOWN, label=label)


def is_forgery(definition: Body) -> bool:
    """Say whether a wire copy of a fixed definition differs from its pin in meaning (border.md 1.3).

    Meaning is every level the body states: in its terms, in the extensions, in OpenCTI's fields and in its
    name, which is what people read. A body that states none, or adds IEP terms, is a forgery too.
    """
    fixed = FIXED.get(str(definition.get("id")))
    if fixed is None:
        return False
    claims = _claims(definition)
    extensions = definition.get("extensions")
    if isinstance(extensions, dict) and IEP_EXTENSION in extensions:
        return True
    return not claims or any(claim != fixed.label for claim in claims)


_NAMES_A_LEVEL = re.compile(
    r"(?<![a-z])(?:tlp|pap)(?![a-z])|(?:tlp|pap)[^a-z]*(?:clear|white|green|amber|red)"
    r"|traffic[^a-z]*light|permissible[^a-z]*action"
)
_IS_A_LEVEL = re.compile(r"[^a-z]*(?:clear|white|green|amber|red|amber[^a-z]*strict)[^a-z]*")


# letters of other scripts that look like those of a level's name, in small letters
_ALIKE = str.maketrans("тсріагеԁмнвτριαεμνηϲ", "tcpiaredmhbtpiaemnhc")
_UNSEEN = frozenset({"Cf", "Mn"})  # marks and joiners that stand within a word unseen


def _reads_as_level(text: str) -> bool:
    shown = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in shown if unicodedata.category(c) not in _UNSEEN)
    plain = plain.translate(_ALIKE)
    return bool(_NAMES_A_LEVEL.search(plain) or _IS_A_LEVEL.fullmatch(plain))


def _claims(definition: Body) -> list[Label | None]:
    """Return every level that ``definition`` states; None for one that cannot be read."""
    found: list[Label | None] = []
    terms = definition.get("definition")
    if isinstance(terms, dict):
        for name, value in terms.items():
            if name.lower() in ("tlp", "pap"):
                found.append(_claim(name.lower(), value))
    extensions = definition.get("extensions")
    if isinstance(extensions, dict):
        for key, scheme, name in (
            (TLP_EXTENSION, "tlp", "tlp_2_0"),
            (PAP_EXTENSION, "pap", "pap"),
        ):
            if key in extensions:
                extension = extensions[key]
                claimed = extension.get(name) if isinstance(extension, dict) else None
                found.append(_claim(scheme, claimed))
    for text in (
        definition.get("x_opencti_definition"),
        definition.get("name"),
        _statement(definition),
    ):
        if isinstance(text, str) and _reads_as_level(text):
            scheme = "pap" if text.strip().lower().startswith("pap") else "tlp"
            found.append(_claim(scheme, text))
    return found


def _claim(scheme: str, level: Json) -> Label | None:
    if not isinstance(level, str):
        return None
    try:
        return Label(tlp=tlp(level)) if scheme == "tlp" else Label(pap=pap(level))
    except InputError:
        return None


def _statement(definition: Body) -> Json:
    terms = definition.get("definition")
    return terms.get("statement") if isinstance(terms, dict) else None


def _is_inert_statement(definition: Body) -> bool:
    terms = definition.get("definition")
    if definition.get("definition_type") != "statement" or not isinstance(terms, dict):
        return False
    if terms.keys() != {"statement"} or not isinstance(terms["statement"], str):
        return False
    texts = (v for k, v in definition.items() if k not in ("id", "created_by_ref"))
    return not any(
        isinstance(text, str) and _reads_as_level(text) for text in (terms["statement"], *texts)
    )


# FIRST IEP 2.0, permitted_actions: what it names is what PAP of that level permits
_IEP_ACTIONS: Mapping[str, Pap] = {
    "none": Pap.RED,
    "contact-for-instruction": Pap.RED,
    "internally-visible-actions": Pap.RED,
    "externally-visible-indirect-actions": Pap.AMBER,
    "externally-visible-direct-actions": Pap.CLEAR,
}


def _iep(extensions: dict[str, Json]) -> Label | None:
    """Import the terms of FIRST IEP 2.0 that a label can hold; None where they cannot be read for sure.

    The policy's start is read as an embargo and its end as an expiry. A provider who must not be named
    stays in control of every further release, since ``created_by_ref`` names it.
    """
    terms = extensions.get(IEP_EXTENSION)
    if len(extensions) != 1 or not isinstance(terms, dict) or "id_ref" in terms:
        return None
    colour, action = terms.get("tlp"), terms.get("permitted_actions")
    start, end = terms.get("start_date"), terms.get("end_date")
    level = _claim("tlp", colour)
    if (colour is not None and level is None) or not all(
        instant is None or is_timestamp(instant) for instant in (start, end)
    ):
        return None
    if action is not None and (not isinstance(action, str) or action not in _IEP_ACTIONS):
        return None
    nameless = "must-not" in (
        terms.get("provider_attribution"),
        terms.get("attribution"),
    )
    return Label(
        tlp=level.tlp if level is not None else None,
        pap=_IEP_ACTIONS[action] if isinstance(action, str) else Pap.CLEAR,
        originator_control=nameless,
        embargo=normal(start) if isinstance(start, str) else None,
        expiry=normal(end) if isinstance(end, str) else None,
    )


def object_label(body: Body, beside: Beside, table: Table) -> Label:
    """Return the label of the object as a whole: its markings joined with what stands beside its bytes."""
    refs = body.get("object_marking_refs")
    return label_of([str(ref) for ref in refs] if isinstance(refs, list) else [], beside, table)


def label_of(refs: Iterable[str], beside: Beside, table: Table) -> Label:
    """Return the label of what bears the markings ``refs`` as a whole."""
    return join(beside.label, *(meaning(ref, table).label for ref in refs))


def meaning(ref: str, table: Table) -> Marking:
    """Return what the marking ``ref`` means: fixed before known before unknown."""
    return FIXED.get(ref) or table.get(ref) or unknown(ref)


def path_labels(body: Body, table: Table) -> Mapping[str, Label]:
    """Return the label that granular markings put on each JSON pointer; each covers all below it.

    A granular marking of the language alone is none. A marking whose selectors cannot be followed marks
    the whole object (pointer ``""``): what it meant to protect is unknown.
    """
    labels: dict[str, list[Label]] = {}
    granular = body.get("granular_markings")
    for item in granular if isinstance(granular, list) else []:
        if not isinstance(item, dict) or "marking_ref" not in item:
            continue
        label = meaning(str(item["marking_ref"]), table).label
        selectors = item.get("selectors")
        for selector in selectors if isinstance(selectors, list) and selectors else [""]:
            for path in selected(body, str(selector)) or ((),):
                labels.setdefault(pointer_of(path), []).append(label)
    return {pointer: join(*together) for pointer, together in labels.items()}


def marking_refs(body: Body) -> tuple[str, ...]:
    """Return every marking id that ``body`` bears, on itself or on a path, each once."""
    refs = body.get("object_marking_refs")
    granular = body.get("granular_markings")
    on_object = [str(r) for r in refs] if isinstance(refs, list) else []
    on_paths = [
        str(item["marking_ref"])
        for item in (granular if isinstance(granular, list) else [])
        if isinstance(item, dict) and "marking_ref" in item
    ]
    return tuple(dict.fromkeys(on_object + on_paths))


__all__ = [
    "FIXED",
    "IEP_EXTENSION",
    "PAP_EXTENSION",
    "TLP_EXTENSION",
    "Beside",
    "Clearance",
    "Label",
    "Marking",
    "MarkingKind",
    "Pap",
    "Table",
    "Tlp",
    "beside",
    "classify",
    "is_forgery",
    "join",
    "label_of",
    "marking_refs",
    "meaning",
    "object_label",
    "pap",
    "pap_id",
    "path_labels",
    "tlp",
    "tlp_id",
    "unknown",
]  # fmt: skip
