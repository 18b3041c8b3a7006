"""Agreements as IEP 2.0 policies and back: nothing is widened, and what does not fit is named."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.policy import agreement as policy
from mithaq.policy import iep
from mithaq.policy.agreement import Agreement, Clause, Duty, Party, action_level, level
from mithaq.policy.iep import BadPolicy, Policy

START, LATER, END = (f"203{n}-01-01T00:00:00.000Z" for n in "123")
PARTIES = [Party(name=n, country="QM", organisation=n) for n in ("aurelia", "borea")]

clauses = st.builds(
    Clause,
    id=st.from_regex(r"\A[a-z]{1,8}\Z"),
    kinds=st.just(["*"]),
    max_tlp=st.sampled_from(["CLEAR", "GREEN", "AMBER", "TLP:GREEN", "white"]),
    named_levels=st.sampled_from([[], ["RED"], ["AMBER+STRICT"]]),
    max_pap=st.sampled_from(["CLEAR", "GREEN", "AMBER", "RED"]),
    onward=st.sampled_from(["none", "scope", "open"]),
    keep=st.sampled_from([{}, {"tool": ["name"]}]),
    retention_days=st.sampled_from([0, 30]),
    duties=st.sampled_from([[], [Duty(kind="receipt", hours=2)]]),
    embargo=st.sampled_from(["", LATER]),
    expiry=st.sampled_from(["", LATER, END]),
)
agreements = st.builds(
    Agreement,
    id=st.just("pact"),
    version=st.just(1),
    title=st.just("Pact"),
    kind=st.just("bilateral"),
    parties=st.just(PARTIES),
    clauses=st.lists(clauses, min_size=1, max_size=3, unique_by=lambda clause: clause.id),
    start=st.just(START),
    end=st.sampled_from(["", END]),
    compare=st.booleans(),
)
policies = st.builds(
    Policy,
    id=st.uuids().map(str),
    name=st.from_regex(r"\A[a-z]{1,8}\Z"),
    description=st.sampled_from(["", "words"]),
    start_date=st.sampled_from([None, START, "2032-01-01", "2032-01-01T00:00:00Z"]),
    end_date=st.sampled_from([None, END, "2033-01-01T02:00:00+02:00"]),
    encrypt_in_transit=st.sampled_from(["must", "may"]),
    permitted_actions=st.sampled_from([*iep._PAP]),
    affected_party_notifications=st.sampled_from(["may", "must-not"]),
    tlp=st.sampled_from(["red", "amber", "green", "white"]),
    attribution=st.sampled_from(["may", "must", "must-not"]),
    unmodified_resale=st.sampled_from(["may", "must-not"]),
)


@given(agreements)
def test_what_goes_out_and_comes_back_keeps_what_fits_and_names_the_rest(before):
    out, unfit = iep.export(before)

    after, _ = iep.draft(iep.read(iep.to_bytes(out)), PARTIES, "pact", START)

    assert policy.read(policy.to_bytes(after)) == after
    for one, other in zip(before.clauses, after.clauses, strict=True):
        assert (one.id, level(one), action_level(one)) == (
            other.id,
            level(other),
            action_level(other),
        )
        assert (one.embargo or START) == (other.embargo or START)
        assert other.expiry == min(filter(None, (one.expiry, before.end)), default="")
        assert (other.named_levels, other.onward) == ([], "none")  # never wider than it was
        lost = {u.field for u in unfit if u.clause == one.id}
        said = {
            f.name for f in msgspec.structs.fields(Clause)
            if getattr(one, f.name) != getattr(other, f.name)
        }  # fmt: skip
        assert said - lost <= {"basis", "expiry", "max_tlp"}  # these are kept, in another form
    assert ("compare" in {u.field for u in unfit}) == before.compare


@given(st.lists(policies, min_size=1, max_size=3, unique_by=lambda each: each.name))
def test_a_policy_that_comes_in_and_goes_out_is_as_strict_and_what_is_lost_is_named(before):
    made, unfit = iep.draft(iep.read(iep.to_bytes(before)), PARTIES, "pact", START)

    after, _ = iep.export(made)

    assert made.shadow
    for one, other in zip(before, after, strict=True):
        lost = {u.field: u.value for u in unfit if u.clause == one.name}
        assert other.tlp == one.tlp or (one.tlp, lost["tlp"]) == ("red", "red")
        assert other.permitted_actions == one.permitted_actions or (
            lost["permitted_actions"] == "contact-for-instruction"
            and other.permitted_actions == "none"
        )
        assert (other.end_date is None) == (one.end_date is None)
        assert lost["attribution"] == one.attribution
        assert (lost.get("encrypt_in_transit") == "must") == (one.encrypt_in_transit == "must")


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"{}",
        b"no",
        b'{"id":"x","name":"y","permitted_actions":"none","tlp":"amber","start_date":"soon"}',
        b'{"id":"x","name":"y","permitted_actions":"none","tlp":"amber","iep_version":1.0}',
        b'{"id":"x","name":"y","permitted_actions":"all","tlp":"amber"}',
        b'{"id":"x","name":"y","permitted_actions":"none","tlp":"amber","Permitted_Actions":"none"}',
    ],
)
def test_what_is_no_policy_is_refused(raw):
    with pytest.raises(BadPolicy):
        iep.read(raw)


def test_two_policies_of_one_name_become_two_clauses_and_a_reference_their_basis():
    one = Policy(id="1", name="p", permitted_actions="none", tlp="green", external_reference="url")

    made, _ = iep.draft(
        [one, one], [*PARTIES, Party(name="c", country="QO", organisation="c")], "n", START
    )

    assert [clause.id for clause in made.clauses] == ["p", "iep-2"]
    assert (made.kind, made.basis.title) == ("forum", "url")
    assert iep.export(made)[0][0].external_reference == "url"


def test_a_clause_that_bears_a_direction_and_a_list_says_so_when_it_is_left_out():
    clause = Clause(
        id="c",
        kinds=["tool"],
        direction=policy.Direction(sender=["aurelia"]),
        keep={"tool": ["name"]},
    )
    made = Agreement(
        id="p", version=1, title="p", kind="bilateral", parties=PARTIES, clauses=[clause], start=START,
        community=["aurelia"],
    )  # fmt: skip

    said = {u.field: u.value for u in iep.export(made)[1]}

    assert said["direction"] == "aurelia > *"
    assert said["keep"] == "tool: name"
    assert said["community"] == "aurelia"
    assert said["parties"] == "aurelia, borea"


def policy_of(**more):
    fields = {"id": "1", "name": "p", "permitted_actions": "none", "tlp": "green"}
    return Policy(**fields | more)


def test_a_file_of_policies_is_text_that_people_and_other_tools_read():
    clause = Clause(id="c", kinds=["*"], max_tlp="CLEAR", max_pap="GREEN", basis="Article 4")
    made = agreed(title="Pact", clause=clause, basis=policy.Basis(title="Treaty"))

    [one], _ = iep.export(made)

    assert (
        iep.to_bytes([one]).decode()
        == f"""[
 {{
  "id": "{one.id}",
  "name": "c",
  "description": "Pact Article 4",
  "iep_version": 2.0,
  "start_date": "2031-01-01T00:00:00.000Z",
  "end_date": null,
  "encrypt_in_transit": "may",
  "permitted_actions": "externally-visible-indirect-actions",
  "affected_party_notifications": "must-not",
  "tlp": "white",
  "attribution": "must-not",
  "unmodified_resale": "must-not",
  "external_reference": "Treaty"
 }}
]"""
    )


def agreed(*, clause=None, **more):
    fields = {
        "id": "p", "version": 1, "title": "p", "kind": "bilateral", "parties": PARTIES, "start": START,
        "clauses": [clause or Clause(id="c", kinds=["*"])],
    }  # fmt: skip
    return Agreement(**fields | more)


def test_what_a_policy_says_and_what_an_agreement_leaves_plain_is_not_said_to_be_lost():
    clause = Clause(
        id="c", kinds=["*"], max_tlp="AMBER", max_pap="AMBER", embargo=LATER, expiry=END, basis="4",
    )  # fmt: skip
    made = agreed(clause=clause, effective=LATER, end=END, basis=policy.Basis(title="Treaty"))

    assert [u.field for u in iep.export(made)[1]] == ["parties"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("community", ["aurelia", "corvia"], "aurelia, corvia"),
        ("history", True, "True"),
        ("versions", "latest", "latest"),
        ("recall", "none", "none"),
        ("recall_names", True, "True"),
        ("compare", True, "True"),
        ("witnesses", ["borea"], "borea"),
        ("shadow", True, "True"),
        ("max_frame_bytes", 1 << 20, "1048576"),
        ("notes", "words", "words"),
        (
            "basis",
            policy.Basis(title="Treaty", article="4"),
            '{"title":"Treaty","article":"4"}',
        ),
    ],
)
def test_what_an_agreement_says_as_a_whole_and_no_policy_can_is_said_to_be_lost(field, value, said):
    unfit = iep.export(agreed(**{field: value}))[1]

    assert [(u.clause, u.field, u.value) for u in unfit[1:]] == [("", field, said)]


def test_a_policy_begins_no_earlier_than_its_text_takes_over():
    assert iep.export(agreed(effective=LATER))[0][0].start_date == LATER
    assert iep.export(agreed())[0][0].start_date == START
    embargo = Clause(id="c", kinds=["*"], embargo=END)
    assert iep.export(agreed(effective=LATER, clause=embargo))[0][0].start_date == END


def test_a_single_policy_is_read_without_a_list_around_it():
    one = policy_of()

    assert iep.read(msgspec.json.encode(one)) == [one]


def test_one_policy_of_another_version_among_others_is_refused():
    with pytest.raises(BadPolicy):
        iep.read(iep.to_bytes([policy_of(), policy_of(iep_version=1.0)]))


def test_a_draft_is_the_first_version_of_an_agreement_of_two_on_the_first_reference():
    two = [policy_of(external_reference="first"), policy_of(external_reference="second")]

    made, _ = iep.draft(two, PARTIES, "pact", START)

    assert (made.version, made.kind, made.basis.title) == (1, "bilateral", "first")


def test_a_clause_says_which_policy_it_comes_from_and_has_a_name_though_the_policy_has_none():
    made, unfit = iep.draft([policy_of(id="7", name="")], PARTIES, "pact", START)

    assert [(clause.id, clause.basis) for clause in made.clauses] == [("iep-1", "7")]
    assert {u.clause for u in unfit} == {"iep-1"}


@pytest.mark.parametrize(
    ("says", "more"),
    [
        ({}, []),
        ({"permitted_actions": "externally-visible-direct-actions", "tlp": "white"}, []),
        ({"tlp": "red"}, [("tlp", "red")]),
        ({"encrypt_in_transit": "must"}, [("encrypt_in_transit", "must")]),
        (
            {"permitted_actions": "contact-for-instruction"},
            [("permitted_actions", "contact-for-instruction")],
        ),
        ({"description": "words"}, [("description", "words")]),
    ],
)
def test_of_a_policy_only_what_no_clause_says_is_said_to_be_lost(says, more):
    always = [
        ("affected_party_notifications", "must-not"),
        ("attribution", "must-not"),
        ("unmodified_resale", "must-not"),
    ]

    _, unfit = iep.draft([policy_of(**says)], PARTIES, "pact", START)

    assert sorted((u.field, u.value) for u in unfit) == sorted([*always, *more])
