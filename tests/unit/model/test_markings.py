"""Only the fixed ids carry a level; whatever else claims one is most restrictive (border.md 1.3 and 2.1)."""

import copy
import json

import pytest
import stix2

from mithaq.model.canonical import parse
from mithaq.model.labels import Beside, Label, Pap, Tlp
from mithaq.model.markings import (
    FIXED,
    IEP_EXTENSION,
    PAP_EXTENSION,
    TLP_EXTENSION,
    MarkingKind,
    classify,
    is_forgery,
    marking_refs,
    meaning,
    object_label,
    pap_id,
    path_labels,
    tlp_id,
)
from mithaq.model.objects import problems

# Written by hand from STIX 2.1 7.2.1.4, OASIS's common objects for TLP 2.0 and PAP, and OpenCTI.
FIXED_IDS = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
    "94868c89-83c2-464b-929b-a1a8aa3c8487": Tlp.CLEAR,
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Tlp.GREEN,
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": Tlp.AMBER,
    "939a9414-2ddd-4d32-a0cd-375ea402b003": Tlp.AMBER_STRICT,
    "e828b379-4e03-4974-9ac4-e53a884c97c1": Tlp.RED,
    "826578e1-40ad-459f-bc73-ede076f81f37": Tlp.AMBER_STRICT,
    "a3bea94c-b469-41dc-9cfe-d6e7daba7730": Pap.CLEAR,
    "ad15a0cd-55b6-4588-a14c-a66105329b92": Pap.CLEAR,
    "c43594d1-4b11-4c59-93ab-1c9b14d53ce9": Pap.GREEN,
    "60f8932b-e51e-4458-b265-a2e8be9a80ab": Pap.AMBER,
    "740d36e5-7714-4c30-961a-3ae632ceee0e": Pap.RED,
}
CLEAR, RED = tlp_id(Tlp.CLEAR), tlp_id(Tlp.RED)
FRESH = "marking-definition--0f8b1a51-3a0b-4b2c-9d3e-1c2d3e4f5a6b"
ATTACK = (
    "Copyright 2015-2025, The MITRE Corporation. MITRE ATT&CK and ATT&CK are registered trademarks of "
    "The MITRE Corporation."
)


def definition(id_=FRESH, **terms):
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": id_,
        "created": "2026-01-01T00:00:00.000Z",
        **terms,
    }


def statement(text, **more):
    return definition(definition_type="statement", definition={"statement": text}, **more)


def pinned(id_):
    return copy.deepcopy(parse(FIXED[id_].raw))


def iep(**terms):
    extension = {"extension_type": "property-extension", **terms}
    return definition(extensions={IEP_EXTENSION: extension})


def test_the_fixed_ids_are_those_the_standards_list():
    assert {id_.removeprefix("marking-definition--") for id_ in FIXED} == set(FIXED_IDS)


@pytest.mark.parametrize(("uuid", "level"), FIXED_IDS.items())
def test_a_fixed_id_means_its_level_whatever_its_body_says(uuid, level):
    id_ = f"marking-definition--{uuid}"
    label = Label(tlp=level) if isinstance(level, Tlp) else Label(pap=level)

    assert meaning(id_, {}).label == label
    assert classify(definition(id_, definition_type="statement", definition={})).label == label
    assert classify(pinned(id_)).kind == (
        MarkingKind.TLP if isinstance(level, Tlp) else MarkingKind.PAP
    )


@pytest.mark.parametrize("id_", FIXED)
def test_a_pinned_definition_is_valid_stix_and_no_forgery(id_):
    assert not problems(pinned(id_))
    assert not is_forgery(pinned(id_))


def test_the_pins_of_tlp_1_are_the_stix2_librarys_own():
    for known in (stix2.TLP_WHITE, stix2.TLP_GREEN, stix2.TLP_AMBER, stix2.TLP_RED):
        assert pinned(known.id) == json.loads(known.serialize())


def test_what_we_write_ourselves_is_tlp_2_and_pap():
    for level in Tlp:
        extension = pinned(tlp_id(level))["extensions"][TLP_EXTENSION]
        assert extension["tlp_2_0"] == str(level).lower()
    for action in Pap:
        assert pinned(pap_id(action))["extensions"][PAP_EXTENSION]["pap"] == str(action).lower()


# --- forgeries ---------------------------------------------------------------------------------------
def changed(id_, path, value):
    body = pinned(id_)
    place = body
    for step in path[:-1]:
        place = place.setdefault(step, {})
    place[path[-1]] = value
    return body


TLP_1_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
OPENCTI = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"


@pytest.mark.parametrize(
    ("id_", "path", "value"),
    [
        (TLP_1_AMBER, ("definition", "tlp"), "white"),
        (TLP_1_AMBER, ("definition", "TLP"), "white"),
        (TLP_1_AMBER, ("definition", "pap"), "red"),
        (TLP_1_AMBER, ("definition", "tlp"), 5),
        (TLP_1_AMBER, ("definition", "tlp"), "amber+strict"),
        (TLP_1_AMBER, ("name",), "TLP:GREEN"),
        (TLP_1_AMBER, ("name",), "amber strict"),
        (TLP_1_AMBER, ("extensions", TLP_EXTENSION), {"tlp_2_0": "clear"}),
        (TLP_1_AMBER, ("extensions", TLP_EXTENSION), {}),
        (TLP_1_AMBER, ("extensions", PAP_EXTENSION), {"pap": "red"}),
        (TLP_1_AMBER, ("extensions", IEP_EXTENSION), {"tlp": "amber"}),
        (RED, ("extensions", TLP_EXTENSION, "tlp_2_0"), "clear"),
        (RED, ("definition",), {"statement": "TLP:CLEAR"}),
        (OPENCTI, ("x_opencti_definition",), "TLP:CLEAR"),
        (OPENCTI, ("x_opencti_definition",), "T\u200dLP:CLEAR"),
        (pap_id(Pap.RED), ("extensions", PAP_EXTENSION, "pap"), "clear"),
    ],
)
def test_a_fixed_id_with_another_level_anywhere_is_a_forgery(id_, path, value):
    assert is_forgery(changed(id_, path, value))


@pytest.mark.parametrize(("first", "second"), [("tlp", "TLP"), ("TLP", "tlp")])
def test_a_second_spelling_hides_no_other_level(first, second):
    body = pinned(TLP_1_AMBER) | {"definition": {first: "red", second: "amber"}}

    assert is_forgery(body)


def test_a_fixed_id_that_states_no_level_is_a_forgery():
    assert is_forgery(definition(RED, definition_type="statement", definition={"statement": "x"}))


@pytest.mark.parametrize(
    ("id_", "path", "value"),
    [
        (TLP_1_AMBER, ("definition", "tlp"), "AMBER"),
        (TLP_1_AMBER, ("created",), "2020-01-01T00:00:00.000Z"),
        (TLP_1_AMBER, ("name",), "Amber"),
        (TLP_1_AMBER, ("x_seen_by",), "a tool"),
        # OpenCTI's CLEAR reuses the id of TLP 1's WHITE
        (
            "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
            ("definition", "tlp"),
            "clear",
        ),
        (RED, ("definition",), {"tlp": "red"}),
    ],
)
def test_a_fixed_id_written_otherwise_in_the_same_meaning_is_none(id_, path, value):
    assert not is_forgery(changed(id_, path, value))


def test_only_a_fixed_id_can_be_forged():
    assert not is_forgery(pinned(RED) | {"id": FRESH})


# --- other definitions -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        pinned(RED) | {"id": FRESH},
        pinned(CLEAR) | {"id": FRESH},
        pinned(TLP_1_AMBER) | {"id": FRESH},
        pinned(pap_id(Pap.RED)) | {"id": FRESH},
        statement("TLP:AMBER"),
        statement("tlp-green"),
        statement("Marked TLP RED by the source"),
        statement("amber strict"),
        statement("  White."),
        statement("PAP:GREEN"),
        statement("Traffic Light Protocol: see cover"),
        statement("permissible actions: none"),
        statement("ＴＬＰ：ＲＥＤ"),  # noqa: RUF001 full width, as some keyboards write
        statement("T\u00adLP:R\u200bED"),
        statement(ATTACK, name="TLP:CLEAR"),
        statement(ATTACK, x_opencti_definition="TLP:CLEAR"),
        definition(definition_type="statement", definition={"statement": ATTACK, "tlp": "red"}),
        definition(definition_type="statement", definition={"statement": ["x"]}),
        definition(definition_type="tlp", definition={"tlp": "clear"}),
        definition(definition_type="other", definition={"statement": ATTACK}),
        definition(extensions={"extension-definition--" + FRESH[20:]: {"level": 9}}),
        definition(name="nothing at all"),
    ],
)
def test_any_other_definition_that_may_restrict_is_most_restrictive(body):
    read = classify(body)

    assert read.kind == MarkingKind.UNKNOWN
    assert read.label.unresolved == {FRESH}


@pytest.mark.parametrize(
    "text",
    [
        ATTACK,
        "© 2013 FireEye, Inc. All rights reserved.",
        "Clear terms apply",
        "The Red Cross may copy this",
        "Colour: see the amber alert",
        "catlpark",
    ],
)
def test_a_statement_is_inert(text):
    read = classify(statement(text))

    assert (read.kind, read.label) == (MarkingKind.STATEMENT, Label())


@pytest.mark.parametrize(
    ("terms", "label"),
    [
        ({"tlp": "amber"}, Label(tlp=Tlp.AMBER)),
        ({"tlp": "white", "permitted_actions": "none"}, Label(tlp=Tlp.CLEAR, pap=Pap.RED)),
        ({"permitted_actions": "contact-for-instruction"}, Label(pap=Pap.RED)),
        ({"permitted_actions": "internally-visible-actions"}, Label(pap=Pap.RED)),
        ({"permitted_actions": "externally-visible-indirect-actions"}, Label(pap=Pap.AMBER)),
        ({"permitted_actions": "externally-visible-direct-actions"}, Label()),
        ({"provider_attribution": "must-not"}, Label(originator_control=True)),
        ({"attribution": "must-not"}, Label(originator_control=True)),
        ({"attribution": "may"}, Label()),
        (
            {"start_date": "2026-01-01T00:00:00Z", "end_date": "2027-01-01T00:00:00.5Z"},
            Label(embargo="2026-01-01T00:00:00.000Z", expiry="2027-01-01T00:00:00.500Z"),
        ),
        ({"start_date": None, "end_date": None}, Label()),
    ],
)
def test_the_terms_of_an_iep_policy_are_imported(terms, label):
    read = classify(iep(**terms))

    assert (read.kind, read.label) == (MarkingKind.IEP, label)


@pytest.mark.parametrize(
    "body",
    [
        iep(tlp="pink"),
        iep(tlp=3),
        iep(permitted_actions="anything"),
        iep(permitted_actions=[]),
        iep(start_date="soon"),
        iep(end_date=5),
        iep(id_ref="https://example.com/iep", url="https://example.com"),
        iep(tlp="amber") | {"name": "TLP:CLEAR"},
        definition(extensions={IEP_EXTENSION: {}, TLP_EXTENSION: {"tlp_2_0": "red"}}),
        definition(extensions={IEP_EXTENSION: "x"}),
    ],
)
def test_an_iep_policy_that_cannot_be_read_for_sure_is_most_restrictive(body):
    assert classify(body).kind == MarkingKind.UNKNOWN


# --- labels of objects and paths ---------------------------------------------------------------------
def test_an_objects_label_joins_its_markings_with_what_stands_beside_it():
    body = {"object_marking_refs": [tlp_id(Tlp.GREEN), pap_id(Pap.AMBER)]}

    assert object_label(body, Beside(), {}) == Label(tlp=Tlp.GREEN, pap=Pap.AMBER)
    assert object_label(body, Beside(tlp=Tlp.AMBER), {}).tlp == Tlp.AMBER
    assert object_label(body, Beside(tlp=Tlp.CLEAR), {}).tlp == Tlp.GREEN
    assert object_label({}, Beside(), {}).tlp is None


def test_a_marking_nobody_defined_is_unresolved_and_one_known_is_what_it_says():
    body = {"object_marking_refs": [FRESH]}

    assert object_label(body, Beside(), {}).unresolved == {FRESH}
    known = {FRESH: classify(iep(tlp="amber"))}
    assert object_label(body, Beside(), known) == Label(tlp=Tlp.AMBER)


def test_a_table_entry_never_changes_what_a_fixed_id_means():
    table = {RED: classify(statement("x"))}

    assert meaning(RED, table).label == Label(tlp=Tlp.RED)


def test_granular_markings_label_the_paths_they_select():
    body = {
        "name": "x",
        "aliases": ["a", "b"],
        "granular_markings": [
            {"marking_ref": RED, "selectors": ["aliases.[1]", "name"]},
            {"marking_ref": pap_id(Pap.AMBER), "selectors": ["name"]},
            {"lang": "fr", "selectors": ["aliases"]},
        ],
    }

    assert path_labels(body, {}) == {
        "/aliases/1": Label(tlp=Tlp.RED),
        "/name": Label(tlp=Tlp.RED, pap=Pap.AMBER),
    }


@pytest.mark.parametrize("selectors", [["nowhere"], [""], [], None, ["name.[0]"]])
def test_a_selector_that_cannot_be_followed_marks_the_whole_object(selectors):
    body = {"name": "x", "granular_markings": [{"marking_ref": RED, "selectors": selectors}]}

    assert path_labels(body, {}) == {"": Label(tlp=Tlp.RED)}


def test_a_hundred_thousand_unknown_markings_on_one_path_are_read_at_once():
    marks = [
        {"marking_ref": f"marking-definition--{n:08x}{FRESH[28:]}", "selectors": ["name"]}
        for n in range(100_000)
    ]

    labels = path_labels({"name": "x", "granular_markings": marks}, {})

    assert len(labels["/name"].unresolved) == 100_000


def test_the_markings_an_object_bears_are_listed_once_each():
    body = {
        "object_marking_refs": [RED, FRESH],
        "granular_markings": [
            {"marking_ref": CLEAR, "selectors": ["name"]},
            {"marking_ref": RED, "selectors": ["name"]},
            {"lang": "fr", "selectors": ["name"]},
        ],
    }

    assert marking_refs(body) == (RED, FRESH, CLEAR)
    assert marking_refs({}) == ()
