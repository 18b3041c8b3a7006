"""Each template is an agreement that reads, says what it promises, and carries no one's values wrongly."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.model.labels import Tlp
from mithaq.policy import agreement as policy
from mithaq.policy import templates
from mithaq.policy.agreement import Agreement, Party, level, named

START, END = "2031-03-10T00:00:00.000Z", "2032-03-10T00:00:00.000Z"
TWO = [
    Party(name="aurelia", country="XA", organisation="CERT Aurelia"),
    Party(name="borea", country="XB", organisation="CERT Borea", role="military-cert"),
]
THREE = [*TWO, Party(name="corvia", country="XC", organisation="CERT Corvia")]
VICTIMS = {"identity", "user-account"}
SCHEMA = Path(__file__).parents[3] / "docs" / "agreement.schema.json"


def made(name: str, parties: list[Party] = TWO, end: str = "") -> Agreement:
    written = templates.text(name, parties, agreement="pact", title="A pact", term=(START, end))
    return policy.read(written.encode())


@pytest.mark.parametrize("name", templates.names())
def test_every_template_reads_and_bears_what_was_filled_in(name):
    text = made(name)

    assert (text.id, text.version, text.title, text.start) == ("pact", 1, "A pact", START)
    assert text.parties == TWO
    assert not text.shadow


@pytest.mark.parametrize("name", templates.names())
def test_every_template_fits_the_published_schema(name):
    document = json.loads(policy.to_bytes(made(name)))

    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))


@pytest.mark.parametrize("name", templates.names())
def test_every_template_explains_itself_in_comments(name):
    written = templates.text(name, TWO, agreement="pact", title="A pact", term=(START, ""))

    comments = [line for line in written.splitlines() if "#" in line]
    assert len(comments) > 10
    assert "${" not in written


@pytest.mark.parametrize("name", ["team-to-team", "forum", "emergency", "grant"])
def test_no_template_for_real_intelligence_lets_what_names_victims_pass(name):
    for clause in made(name).clauses:
        assert not VICTIMS & set(clause.kinds)
        assert "*" not in clause.kinds
        if "sighting" in clause.kinds:
            assert "where_sighted_refs" not in clause.keep["sighting"]


def test_team_to_team_goes_to_amber_strict_with_two_persons_and_not_onward():
    text = made("team-to-team")

    assert text.kind == "bilateral"
    assert [level(c) for c in text.clauses] == [Tlp.AMBER]
    assert [named(c) for c in text.clauses] == [{Tlp.AMBER_STRICT}]
    assert all(c.onward == "none" for c in text.clauses)
    assert text.end == ""


def test_a_forum_goes_to_green_and_its_members_relay_within_it():
    text = made("forum", THREE)

    assert text.kind == "forum"
    assert text.members == {"aurelia", "borea", "corvia"}
    assert [level(c) for c in text.clauses] == [Tlp.GREEN]
    assert all(not c.named_levels and c.onward == "scope" for c in text.clauses)


def test_an_exercise_takes_labelled_objects_for_drills_only_and_ends():
    text = made("exercise", THREE)

    assert text.end == "2031-03-24T00:00:00.000Z"
    assert made("exercise", end=END).end == END
    assert all(c.labels_any == ["exercise"] for c in text.clauses)
    assert all(c.purposes == ["exercise"] for c in text.clauses)


def test_an_emergency_ends_after_72_hours_and_serves_defence_alone():
    text = made("emergency")

    assert text.end == "2031-03-13T00:00:00.000Z"
    assert all(c.purposes == ["defence"] and c.attribution == "withhold" for c in text.clauses)


def test_a_grant_goes_one_way_and_asks_nothing_a_client_cannot_do():
    text = made("grant")

    assert text.kind == "grant"
    for clause in text.clauses:
        assert clause.covers("aurelia", "borea")
        assert not clause.covers("borea", "aurelia")
        assert level(clause) <= Tlp.GREEN
        assert not clause.receipt_duty


def test_emergency_and_exercise_serve_two_parties_or_many():
    assert [made(name, TWO).kind for name in ("emergency", "exercise")] == ["bilateral"] * 2
    assert [made(name, THREE).kind for name in ("emergency", "exercise")] == ["forum"] * 2


@pytest.mark.parametrize("name", ["team-to-team", "grant"])
def test_what_is_for_two_refuses_three(name):
    with pytest.raises(InputError, match="needs two parties"):
        made(name, THREE)


def test_nobody_agrees_with_themselves():
    with pytest.raises(InputError, match="two or more"):
        made("forum", TWO[:1])


def test_an_unknown_template_is_refused_with_the_known_ones():
    with pytest.raises(templates.UnknownTemplate) as refused:
        made("alliance")

    assert "team-to-team" in str(refused.value.facts["known"])


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(title=words, organisation=words)
def test_whatever_people_write_stays_the_value_they_wrote(title, organisation):
    parties = [msgspec.structs.replace(TWO[0], organisation=organisation), TWO[1]]

    written = templates.text("forum", parties, agreement="pact", title=title, term=(START, ""))

    text = policy.read(written.encode())
    assert text.title == title
    assert text.parties == parties


def test_the_first_party_is_us_and_the_second_the_other_whatever_their_names():
    turned = made("grant", TWO[::-1])

    assert [p.name for p in turned.parties] == ["borea", "aurelia"]
    assert all(
        c.covers("borea", "aurelia") and not c.covers("aurelia", "borea") for c in turned.clauses
    )
    assert [(p.country, p.organisation, p.role) for p in turned.parties] == [
        ("XB", "CERT Borea", "military-cert"),
        ("XA", "CERT Aurelia", "national-csirt"),
    ]


@pytest.mark.parametrize(
    ("name", "end"),
    [("team-to-team", ""), ("forum", ""), ("grant", ""), ("exercise", "2031-03-24T00:00:00.000Z")],
)
def test_a_template_ends_when_it_says_unless_another_end_is_given(name, end):
    assert made(name).end == end
    assert made(name, end="2031-06-01T02:00:00Z").end == "2031-06-01T02:00:00.000Z"


def test_instants_are_written_as_agreements_want_them_and_others_refused():
    written = templates.text(
        "forum", TWO, agreement="p", title="t", term=("2031-03-10T00:00:00Z", "")
    )

    assert policy.read(written.encode()).start == START
    with pytest.raises(InputError):
        templates.text("forum", TWO, agreement="p", title="t", term=("tomorrow", ""))


def test_the_templates_are_named_in_their_order():
    assert templates.names() == ("team-to-team", "forum", "exercise", "emergency", "grant")


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("grant", "needs two parties"),
        ("team-to-team", "needs two parties"),
        ("exercise", "two or more"),
        ("emergency", "two or more"),
    ],
)
def test_one_party_is_too_few_for_any(name, needed):
    with pytest.raises(InputError, match=needed):
        made(name, TWO[:1])


def test_what_toml_forbids_is_escaped():
    parties = [msgspec.structs.replace(TWO[0], organisation='a"b\\c\x7f\n\u202e'), TWO[1]]

    written = templates.text("forum", parties, agreement="pact", title="x", term=(START, ""))

    assert "\x7f" not in written
    assert policy.read(written.encode()).parties == parties


@pytest.mark.parametrize("name", ["forum", "exercise", "emergency"])
def test_every_party_stands_apart_in_the_text_that_people_edit(name):
    written = templates.text(name, THREE, agreement="pact", title="A pact", term=(START, ""))

    parties = written[written.index("[[parties]]") :].split("\n\n")[:3]
    assert [part.splitlines()[:2] for part in parties] == [
        ["[[parties]]", f'name = "{party.name}"'] for party in THREE
    ]
