"""What one clause and one label say, term by term, and the facts they are said with (border.md 2.1, 2.2, 8.1)."""

from typing import Any

import msgspec
import pytest

from mithaq.model.labels import Label, Pap, Tlp
from mithaq.model.objects import from_body
from mithaq.policy import permit
from mithaq.policy.agreement import Clause
from mithaq.policy.decision import Reason, Rule
from mithaq.policy.situation import Consent, Peer, Situation
from tests.unit.policy.test_cases import FIRST, around, clause, ours, pact
from tests.unit.policy.world_objects import AFTER, BEFORE, NOW, named
from tests.values import replace

BOREA = Peer(name="borea", country="XB")
MITRE = [{"source_name": "mitre-attack", "external_id": "T1071.001"}]


def against(
    label: Label = Label(tlp=Tlp.GREEN), peer: Peer = BOREA, body: Any = None, **terms: Any
):
    """Why the one clause of a pact, with these terms, does not permit an indicator; None if it does."""
    agreement = pact("borea", clauses=[clause("c", **terms)])
    candidate = ours(FIRST, Tlp.GREEN, **(body or {}))
    found, why = permit.permitting(around(agreement), agreement, candidate, label, peer)
    if found is not None:
        assert (found.id, why) == ("c", ())
        return None
    [reason] = why
    assert (reason.rule, reason.clause) == (Rule.NO_CLAUSE, "c")
    return dict(reason.facts)


@pytest.mark.parametrize(
    ("terms", "facts"),
    [
        ({"kinds": ["indicator", "tool"]}, None),
        ({"kinds": ["tool"]}, {"because": "kind", "kind": "indicator"}),
        ({"purposes": ["exercise", "defence"]}, None),
        ({"purposes": ["exercise"]}, {"because": "purpose", "purpose": "defence"}),
        ({"embargo": BEFORE}, None),
        ({"embargo": NOW}, None),
        ({"embargo": AFTER}, {"because": "embargo", "until": AFTER}),
        ({"expiry": AFTER}, None),
        ({"expiry": NOW}, {"because": "expiry", "since": NOW}),
        ({"releasable_to": ["XB"]}, None),
        ({"releasable_to": ["XC", "borea"]}, None),
        ({"releasable_to": ["corvia", "XC"]}, {"because": "releasable-to", "to": "XC, corvia"}),
    ],
)
def test_a_clause_permits_by_its_kinds_purposes_times_and_places(terms, facts):
    assert against(**terms) == facts


@pytest.mark.parametrize(
    ("label", "facts"),
    [
        (Label(tlp=Tlp.AMBER), None),
        (Label(tlp=Tlp.AMBER_STRICT), None),
        (Label(tlp=Tlp.RED), {"because": "level", "is": "RED", "most": "AMBER, AMBER+STRICT"}),
        (Label(), {"because": "level", "is": "?", "most": "AMBER, AMBER+STRICT"}),
        (
            Label(tlp=Tlp.GREEN, unresolved=frozenset({"m"})),
            {"because": "level", "is": "?", "most": "AMBER, AMBER+STRICT"},
        ),
        (
            Label(tlp=Tlp.GREEN, unresolved=frozenset({"m"}), pap=Pap.RED),
            {"because": "level", "is": "?", "most": "AMBER, AMBER+STRICT"},
        ),
        (Label(tlp=Tlp.GREEN, pap=Pap.AMBER), {"because": "pap", "is": "AMBER", "most": "CLEAR"}),
        (Label(tlp=Tlp.RED, pap=Pap.AMBER), {"because": "level", "is": "RED", "most": "AMBER, AMBER+STRICT"}),
    ],
)  # fmt: skip
def test_a_clause_permits_up_to_its_level_and_what_it_names_above(label, facts):
    assert against(label) == facts


@pytest.mark.parametrize(
    ("terms", "facts"),
    [
        ({"labels_any": ["apt", "x"]}, None),
        ({"labels_any": ["x", "y"]}, {"because": "labels-wanted", "which": "x, y"}),
        ({"labels_none": ["x"]}, None),
        ({"labels_none": ["x", "ransom", "apt"]}, {"because": "labels-excluded", "which": "apt"}),
        ({"sectors_any": ["energy"]}, None),
        ({"sectors_any": ["health"]}, {"because": "sectors-wanted", "which": "health"}),
        ({"sectors_none": ["energy"]}, {"because": "sectors-excluded", "which": "energy"}),
        ({"attack_any": ["T1071.001"]}, None),
        ({"attack_any": ["T1071"]}, None),
        ({"attack_any": ["T1071.002"]}, {"because": "attack-wanted", "which": "T1071.002"}),
        ({"attack_none": ["T1071"]}, {"because": "attack-excluded", "which": "T1071"}),
        ({"attack_none": ["T1072"]}, None),
    ],
)
def test_a_clause_permits_by_labels_sectors_and_techniques(terms, facts):
    body = {"labels": ["ransom", "apt"], "sectors": ["energy"], "external_references": MITRE}

    assert against(body=body, **terms) == facts


def test_only_what_mitre_names_is_a_technique_and_what_is_no_list_is_none():
    refs = [
        {"source_name": "a-vendor", "external_id": "T9999"},
        {"source_name": "mitre-ics-attack", "external_id": "T0801"},
        {"source_name": "mitre-attack"},
        {"external_id": "T1000"},
        "text",
    ]

    assert permit.attack_ids({"external_references": refs}) == {"T0801"}
    assert permit.attack_ids({"external_references": "T1071"}) == set()
    assert permit.attack_ids({}) == set()
    assert permit._texts(["a", 1, "b"]) == {"a", "b"}
    assert permit._texts("ab") == set()


def test_why_no_clause_permits_is_said_of_each_clause_in_its_order_and_of_none_by_its_direction():
    terms = [
        clause("a", direction={"to": ["borea"]}, kinds=["tool"]),
        clause("b", direction={"to": ["corvia"]}),
        clause("c", direction={"to": ["borea"]}, purposes=["exercise"]),
    ]
    agreement = pact("borea", "corvia", clauses=terms)
    asked = (ours(FIRST, Tlp.GREEN), Label(tlp=Tlp.GREEN))

    _, why = permit.permitting(around(agreement), agreement, *asked, BOREA)
    _, none = permit.permitting(around(agreement), agreement, *asked, replace(BOREA, name="x"))
    assert [(r.clause, r.facts["because"]) for r in why] == [("a", "kind"), ("c", "purpose")]
    assert none == (Reason(rule=Rule.NO_CLAUSE, facts={"because": "direction"}),)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (Label(tlp=Tlp.GREEN), []),
        (Label(), [Reason(rule=Rule.UNMARKED)]),
        (
            Label(tlp=Tlp.GREEN, unresolved=frozenset({"b", "a"})),
            [Reason(rule=Rule.MARKING_UNKNOWN, facts={"marking": "a"})],
        ),
        (Label(tlp=Tlp.GREEN, releasable_to=frozenset({"XB"})), []),
        (Label(tlp=Tlp.GREEN, releasable_to=frozenset({"borea", "XC"})), []),
        (
            Label(tlp=Tlp.GREEN, releasable_to=frozenset({"XC", "XA"})),
            [Reason(rule=Rule.RELEASABLE_TO, facts={"to": "XA, XC"})],
        ),
        (
            Label(tlp=Tlp.GREEN, releasable_to=frozenset()),
            [Reason(rule=Rule.RELEASABLE_TO, facts={"to": "-"})],
        ),
        (Label(tlp=Tlp.GREEN, purposes=frozenset({"defence", "research"})), []),
        (
            Label(tlp=Tlp.GREEN, purposes=frozenset({"research", "exercise"})),
            [Reason(rule=Rule.PURPOSE, facts={"purpose": "defence", "for": "exercise, research"})],
        ),
        (
            Label(tlp=Tlp.GREEN, purposes=frozenset()),
            [Reason(rule=Rule.PURPOSE, facts={"purpose": "defence", "for": "-"})],
        ),
        (Label(tlp=Tlp.GREEN, embargo=NOW), []),
        (Label(tlp=Tlp.GREEN, embargo=AFTER), [Reason(rule=Rule.EMBARGO, facts={"until": AFTER})]),
        (Label(tlp=Tlp.GREEN, expiry=AFTER), []),
        (Label(tlp=Tlp.GREEN, expiry=NOW), [Reason(rule=Rule.EXPIRY, facts={"since": NOW})]),
    ],
)
def test_a_label_forbids_by_every_caveat_and_says_which(label, expected):
    assert list(permit.caveats(around(pact("borea")), label, BOREA)) == expected


CLIENT = Peer(name="sensor", country="XA", node=False)


def to_client(label: Label, recall: str = "best-effort", peer: Peer = CLIENT, **terms: Any):
    agreement = msgspec.structs.replace(pact("borea"), recall=recall)
    made = msgspec.convert(clause("c", **terms), Clause)
    found = list(permit.client(agreement, made, label, peer))
    assert all((r.rule, r.clause) == (Rule.CLIENT, "c") for r in found)
    return [dict(r.facts) for r in found]


def test_a_client_gets_nothing_that_it_cannot_be_bound_to():
    strict = {"because": "level", "is": "AMBER+STRICT"}

    assert to_client(Label(tlp=Tlp.AMBER)) == []
    assert to_client(Label()) == []
    assert to_client(Label(tlp=Tlp.AMBER_STRICT)) == [strict]
    assert to_client(Label(tlp=Tlp.RED)) == [{"because": "level", "is": "RED"}]
    assert to_client(Label(tlp=Tlp.AMBER_STRICT), peer=BOREA) == []
    assert to_client(Label(tlp=Tlp.GREEN, originator_control=True)) == [
        {"because": "originator-control"}
    ]
    assert to_client(Label(tlp=Tlp.GREEN), duties=[{"kind": "receipt"}]) == [{"because": "receipt"}]
    assert to_client(Label(tlp=Tlp.AMBER), recall="receipts") == [{"because": "recall"}]
    assert to_client(Label(tlp=Tlp.GREEN), recall="receipts") == []


@pytest.mark.parametrize(
    ("chosen", "peer", "facts"),
    [
        ({"r1"}, replace(BOREA, readers=frozenset({"r1", "r2"})), None),
        ({"r1", "r9", "r3"}, replace(BOREA, readers=frozenset({"r1"})), {"because": "unknown", "unknown": "r3, r9"}),
        (set(), replace(BOREA, readers=frozenset({"r1"})), {"because": "none"}),
        ({"r1"}, replace(CLIENT, name="borea"), {"because": "client"}),
    ],
)  # fmt: skip
def test_red_goes_to_readers_of_the_peers_signed_list_alone(chosen, peer, facts):
    candidate = replace(ours(FIRST, Tlp.RED), readers={"borea": frozenset(chosen)})

    found = list(permit.readers(candidate, Label(tlp=Tlp.RED), peer))

    assert found == ([] if facts is None else [Reason(rule=Rule.READERS, facts=facts)])
    assert list(permit.readers(candidate, Label(tlp=Tlp.AMBER_STRICT), peer)) == []
    assert list(permit.readers(replace(candidate, readers={"corvia": frozenset({"r1"})}),
                               Label(tlp=Tlp.RED), peer)) != []  # fmt: skip


def received(**more: Any) -> Any:
    fields = {"own": False, "voucher": "corvia", "owner": "corvia", "relayed": True}
    return replace(ours(FIRST, Tlp.GREEN), **(fields | more))


def onward(
    level: Tlp | None, peer: Peer = BOREA, consents: tuple = (), orcon: bool = False, **more: Any
):
    situation: Situation = around(pact("borea"), consents=consents)
    label = Label(tlp=level, originator_control=orcon)
    return list(permit.onward(situation, received(**more), label, peer))


def test_who_owns_or_else_who_vouches_is_named_where_passing_on_is_forbidden():
    assert onward(Tlp.AMBER) == [Reason(rule=Rule.ONWARD_AMBER, facts={"owner": "corvia"})]
    fed = onward(Tlp.AMBER, owner="", voucher="feed", relayed=False)
    assert fed == [Reason(rule=Rule.ONWARD_AMBER, facts={"owner": "feed"})]
    assert onward(None) == []
    assert onward(Tlp.RED, own=True) == []


def test_originator_control_forbids_at_every_level_without_consent():
    assert onward(Tlp.CLEAR) == []
    assert onward(Tlp.CLEAR, orcon=True) == [
        Reason(rule=Rule.ORIGINATOR_CONTROL, facts={"owner": "corvia"})
    ]


INSIDE = {"via": frozenset({"borea"}), "via_parties": frozenset({"borea"})}


@pytest.mark.parametrize(
    ("level", "more", "peer", "may"),
    [
        (Tlp.GREEN, {"onward": "open", **INSIDE}, BOREA, True),
        (Tlp.GREEN, {"onward": "none", **INSIDE}, BOREA, False),
        (Tlp.GREEN, {"onward": "open", "via": None}, BOREA, False),
        (Tlp.GREEN, {"onward": "open", "via": frozenset({"corvia"})}, BOREA, False),
        (Tlp.GREEN, {"onward": "open", **INSIDE}, replace(BOREA, name="x", constituency_of="borea"), True),
        (Tlp.GREEN, {"onward": "scope", **INSIDE}, BOREA, True),
        (Tlp.GREEN, {"onward": "scope", "via": frozenset({"borea"})}, BOREA, False),
        (Tlp.GREEN, {"onward": "scope", **INSIDE, "via": frozenset({"corvia"})}, BOREA, False),
        (Tlp.GREEN, {"onward": "scope", "via": frozenset({"borea"}), "relayed": False}, BOREA, True),
        (Tlp.AMBER, {"onward": "scope", **INSIDE}, BOREA, True),
        (Tlp.AMBER, {"onward": "scope", **INSIDE, "relayed": False}, BOREA, False),
        (Tlp.AMBER, {"onward": "open", **INSIDE}, BOREA, False),
        (Tlp.AMBER, {"onward": "scope", "via": frozenset({"borea"})}, BOREA, False),
        (Tlp.AMBER_STRICT, {"onward": "scope", **INSIDE}, BOREA, False),
        (Tlp.RED, {"onward": "scope", **INSIDE}, BOREA, False),
        (Tlp.GREEN, {"onward": "none"}, replace(CLIENT, constituency_of="aurelia"), True),
        (Tlp.AMBER, {"onward": "scope", **INSIDE}, replace(CLIENT, constituency_of="aurelia"), False),
        (Tlp.AMBER, {"onward": "none"}, replace(CLIENT, constituency_of="aurelia", need_to_know=True), True),
        (Tlp.AMBER_STRICT, {}, replace(CLIENT, constituency_of="aurelia", need_to_know=True), False),
    ],
)  # fmt: skip
def test_a_received_level_passes_as_its_column_says(level, more, peer, may):
    assert (onward(level, peer, **more) == []) is may


def test_origin_speaks_against_what_is_private_forged_disowned_unadopted_or_the_peers_own():
    def told(**more: Any) -> list[Rule]:
        return [r.rule for r in permit.origin(received(**more), BOREA)]

    assert told() == []
    assert told(forged=True) == [Rule.MARKING_FORGED]
    assert told(disowned=True) == [Rule.OWNERSHIP]
    assert told(from_client=True) == [Rule.NOT_ADOPTED]
    assert [told(**{name: "borea"}) for name in ("owner", "sent_by", "voucher")] == [
        [Rule.ECHO]
    ] * 3


MANY = tuple("zyxwvutsrqponmlkjihgfedcba")


def test_of_many_the_first_by_name_is_told_and_lists_stand_in_one_order():
    label = Label(tlp=Tlp.GREEN, releasable_to=frozenset(MANY))

    [caveat] = permit.caveats(around(pact("borea")), label, BOREA)

    assert caveat.facts == {"to": ", ".join(sorted(MANY))}
    told = against(body={"labels": [*MANY]}, labels_none=[*MANY])
    assert told == {"because": "labels-excluded", "which": "a"}


def test_what_is_of_a_kind_of_our_own_goes_nowhere():
    body = ours(FIRST, Tlp.GREEN).object.body
    kept = {name: body[name] for name in ("spec_version", "created", "modified")}
    odd = from_body({"type": "mithaq-thing", "id": named("mithaq-thing", 1)} | kept)

    assert list(permit.origin(replace(ours(FIRST, Tlp.GREEN), object=odd), BOREA)) == [
        Reason(rule=Rule.PRIVATE_KIND, facts={"kind": "mithaq-thing"})
    ]


@pytest.mark.parametrize(
    ("owner", "by", "counts"),
    [("corvia", "corvia", True), ("corvia", "delmara", False), ("", "delmara", True)],
)
def test_a_consent_is_the_owners_and_of_nobody_who_only_vouches(owner, by, counts):
    one = replace(ours(FIRST, Tlp.AMBER), own=False, owner=owner, voucher="delmara")
    given = Consent(
        by=by, id=FIRST, version=one.object.version, recipient="borea", purpose="defence"
    )

    assert permit.consented(around(pact("borea"), consents=(given,)), one, BOREA) is counts


@pytest.mark.parametrize(("owner", "whose"), [("corvia", "corvia"), ("", "delmara")])
def test_what_its_owner_controls_goes_on_with_the_owners_word_alone(owner, whose):
    one = replace(ours(FIRST, Tlp.AMBER), own=False, owner=owner, voucher="delmara")
    label = Label(tlp=Tlp.AMBER, originator_control=True)
    yes = Consent(by=whose, id=FIRST, version=one.object.version, recipient="borea")
    silent, told = (around(pact("borea"), consents=given) for given in ((), (yes,)))

    assert list(permit.onward(told, one, label, BOREA)) == []
    assert list(permit.onward(silent, one, label, BOREA)) == [
        Reason(rule=rule, facts={"owner": whose})
        for rule in (Rule.ORIGINATOR_CONTROL, Rule.ONWARD_AMBER)
    ]


@pytest.mark.parametrize("level", [*Tlp])
def test_an_owners_word_passes_every_level_on_but_red_which_is_for_the_persons_it_names(level):
    one, label = received(), Label(tlp=level)
    yes = Consent(by="corvia", id=FIRST, version=one.object.version, recipient="borea")
    silent, told = (around(pact("borea"), consents=given) for given in ((), (yes,)))
    no = [] if level is Tlp.CLEAR else [getattr(Rule, f"ONWARD_{level.name.rpartition('_')[2]}")]

    assert [r.rule for r in permit.onward(silent, one, label, BOREA)] == no
    assert [r.rule for r in permit.onward(told, one, label, BOREA)] == (
        no if level is Tlp.RED else []
    )


@pytest.mark.parametrize("given", [(), ("judicial", "warning"), MANY, ("defence",)])
def test_what_came_for_other_purposes_says_for_which(given):
    one = received(via_purposes=frozenset(given))

    found = list(permit.onward(around(pact("borea")), one, Label(tlp=Tlp.CLEAR), BOREA))

    facts = {"purpose": "defence", "for": ", ".join(sorted(given)) or "-"}
    assert found == ([] if "defence" in given else [Reason(rule=Rule.PURPOSE, facts=facts)])
