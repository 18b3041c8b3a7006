"""An agreement is exact bytes; what is none is refused with the place and the reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Pap, Tlp
from mithaq.policy.agreement import (
    JUDICIAL,
    InvalidAgreement,
    action_level,
    digest_of,
    level,
    named,
    read,
    read_exact,
    schema,
    to_bytes,
)

SCHEMA = Path(__file__).parents[3] / "docs" / "agreement.schema.json"
TOML = b"""
id = "pact"
version = 2
title = "A pact"
kind = "bilateral"
use = "defensive-only"
start = "2031-03-10T00:00:00.000Z"

[[parties]]
name = "aurelia"
country = "XA"
organisation = "CERT Aurelia"

[[parties]]
name = "borea"
country = "XB"
organisation = "CERT Borea"

[[clauses]]
id = "c1"
direction = { from = ["aurelia"], to = ["borea"] }
kinds = ["indicator"]
max_tlp = "amber"
named_levels = ["TLP:AMBER+STRICT"]
max_pap = "PAP:GREEN"
duties = [{ kind = "receipt", hours = 4 }]
"""


def document(**changed: Any) -> dict[str, Any]:
    return json.loads(to_bytes(read(TOML))) | changed


def with_clause(**changed: Any) -> dict[str, Any]:
    [clause] = document()["clauses"]
    return document(clauses=[clause | changed])


def with_party(**changed: Any) -> dict[str, Any]:
    first, second = document()["parties"]
    return document(parties=[first, second | changed])


def test_toml_and_json_of_one_text_have_the_same_exact_bytes():
    text = read(TOML)

    again = read(to_bytes(text))

    assert again == text == read_exact(to_bytes(text))
    assert digest_of(again) == digest_of(text)
    assert to_bytes(text) == canonical(document())


def test_what_is_not_said_takes_the_narrow_default():
    clause = read(canonical(document(clauses=[{"id": "c1", "kinds": ["*"]}]))).clauses[0]

    assert (level(clause), named(clause), action_level(clause)) == (Tlp.GREEN, set(), Pap.CLEAR)
    assert (clause.onward, clause.attribution, clause.purposes) == ("none", "hold", ["defence"])
    assert not clause.receipt_duty


def test_levels_are_read_as_people_write_them():
    clause = read(TOML).clauses[0]

    assert level(clause) is Tlp.AMBER
    assert named(clause) == {Tlp.AMBER_STRICT}
    assert action_level(clause) is Pap.GREEN
    assert clause.receipt_duty


def test_a_clause_covers_its_direction_alone():
    clause = read(TOML).clauses[0]

    assert clause.covers("aurelia", "borea")
    assert not clause.covers("borea", "aurelia")
    assert not clause.covers("aurelia", "corvia")


def test_the_community_is_the_parties_unless_another_is_named():
    assert read(TOML).members == {"aurelia", "borea"}
    assert read(canonical(document(community=["a-forum"]))).members == {"a-forum"}


def test_a_version_takes_over_at_its_own_instant_or_at_the_start():
    later = "2031-04-01T00:00:00.000Z"

    assert read(TOML).takes_over == read(TOML).start
    assert read(canonical(document(effective=later))).takes_over == later


def test_a_party_is_found_by_name():
    assert read(TOML).party("corvia") is None
    assert read(TOML).party("borea").country == "XB"


@pytest.mark.parametrize(
    ("written", "where"),
    [
        (document(version=0), "$.version"),
        (document(id="a/b"), "$.id"),
        (document(id=""), "$.id"),
        (document(max_frame_bytes=0), "$.max_frame_bytes"),
        (document(clauses=[]), "$.clauses"),
        (document(witnesses=["corvia"]), "$.witnesses"),
        (document(clauses=document()["clauses"] * 2), "$.clauses"),
        (with_party(name="aurelia"), "$.parties"),
        (document(parties=document()["parties"][:1]), "$.parties"),
        (document(parties=document()["parties"] * 2), "$.parties"),
        (document(kind="forum", parties=document()["parties"][:1]), "$.parties"),
        (
            document(parties=[*document()["parties"], document()["parties"][0] | {"name": "c"}]),
            "$.parties",
        ),
        (document(start=""), "$.start"),
        (document(start="2031-13-01T00:00:00.000Z"), "$.start"),
        (document(start="2031-03-10T00:00:00Z"), "$.start"),
        (document(effective="tomorrow"), "$.effective"),
        (document(end="2031-03-10T00:00:00.000Z"), "$.end"),
        (with_party(joined="2031"), "$.parties[1].joined"),
        (with_party(name="b c"), "$.parties[1].name"),
        (with_party(country="xb"), "$.parties[1].country"),
        (with_clause(kinds=[]), "$.clauses[0].kinds"),
        (with_clause(purposes=[]), "$.clauses[0].purposes"),
        (with_clause(max_tlp="AMBER+STRICT"), "$.clauses[0].max_tlp"),
        (with_clause(max_tlp="PINK"), "$.clauses[0].max_tlp"),
        (with_clause(named_levels=["AMBER"]), "$.clauses[0].named_levels"),
        (with_clause(named_levels=["PINK"]), "$.clauses[0].named_levels"),
        (with_clause(max_pap="PINK"), "$.clauses[0].max_pap"),
        (with_clause(embargo="2031-03-10"), "$.clauses[0].embargo"),
        (with_clause(expiry="2031-03-10"), "$.clauses[0].expiry"),
        (with_clause(retention_days=-1), "$.clauses[0].retention_days"),
        (with_clause(duties=[{"kind": "receipt", "hours": -1}]), "$.clauses[0].duties[0].hours"),
        (with_clause(direction={"from": ["corvia"]}), "$.clauses[0].direction.from"),
        (with_clause(direction={"to": ["corvia"]}), "$.clauses[0].direction.to"),
    ],
)
def test_what_types_do_not_forbid_is_refused_at_its_place(written, where):
    with pytest.raises(InvalidAgreement) as refused:
        read(canonical(written))

    assert refused.value.facts["where"] == where
    assert str(refused.value).startswith(where)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"id": "pact", "id": "pact"}', "not strict JSON"),
        (b"id = 'pact", "neither JSON nor TOML"),
        (b"\xff", "neither JSON nor TOML"),
        (canonical(document(secret_clause=True)), "unknown field `secret_clause`"),
        (canonical(with_clause(onward="everybody")), r"\$\.clauses\[0\]\.onward"),
        (TOML.replace(b'start = "2031-03-10T00:00:00.000Z"', b"start = 2031-03-10"), "start"),
        (b"[]", "neither JSON nor TOML"),
    ],
)
def test_what_is_no_document_is_refused(raw, says):
    with pytest.raises(InvalidAgreement, match=says):
        read(raw)


def test_the_published_schema_is_the_one_the_code_reads_by():
    assert json.loads(SCHEMA.read_text("utf-8")) == schema()


def test_a_wrong_type_is_refused_at_its_place_too():
    with pytest.raises(InvalidAgreement) as refused:
        read(canonical(with_clause(onward="everybody")))

    assert refused.value.facts["where"] == "$.clauses[0].onward"


def test_of_several_purposes_that_there_are_not_the_first_by_name_is_told():
    strange = [f"for-{letter}" for letter in "zyxwvutsrqponmlkjihgfedcba"]

    with pytest.raises(InvalidAgreement, match="'for-a' is none of"):
        read(canonical(with_clause(purposes=strange)))


def test_what_is_just_enough_is_taken():
    third = document()["parties"][0] | {"name": "corvia"}

    assert read(canonical(document(max_frame_bytes=1))).max_frame_bytes == 1
    assert read(canonical(with_clause(retention_days=0))).clauses[0].retention_days == 0
    assert read(canonical(with_clause(duties=[{"kind": "answer"}]))).clauses[0].duties[0].hours == 0
    assert len(read(canonical(document(kind="forum"))).parties) == 2
    assert (
        len(
            read(canonical(document(kind="forum", parties=[*document()["parties"], third]))).parties
        )
        == 3
    )
    assert (
        read(canonical(with_clause(direction={"from": "*", "to": "*"})))
        .clauses[0]
        .covers("borea", "aurelia")
    )
    assert read(canonical(document(end="2031-03-10T00:00:00.001Z"))).end
    assert read(canonical(document(witnesses=["aurelia", "borea"]))).witnesses
    assert read(TOML + b"#" * ((1 << 20) - len(TOML))).id == "pact"
    assert read(b"#" + b"." * 500 + TOML).id == "pact"


@pytest.mark.parametrize(
    ("kind", "needed"), [("bilateral", "two parties"), ("forum", "two or more")]
)
def test_how_many_parties_an_agreement_needs_depends_on_its_kind(kind, needed):
    alone = document(kind=kind, parties=document()["parties"][:1])

    with pytest.raises(InvalidAgreement, match=f"{kind} agreements need {needed}"):
        read(canonical(alone))


def test_the_digest_is_that_of_the_exact_bytes_and_another_text_has_another():
    text = read(TOML)

    assert digest_of(text) == digest(to_bytes(text))
    assert digest_of(text) != digest_of(read(canonical(document(version=3))))


def test_a_receipt_is_owed_where_any_duty_says_so():
    duties = [{"kind": "answer"}, {"kind": "receipt"}]

    assert read(canonical(with_clause(duties=duties))).clauses[0].receipt_duty
    assert not read(canonical(with_clause(duties=duties[:1]))).clauses[0].receipt_duty


# --- what it is for --------------------------------------------------------------------------------------
def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in document().items() if name != key}


@pytest.mark.parametrize(
    "raw",
    [
        TOML.replace(b'use = "defensive-only"\n', b""),
        TOML.replace(b'"defensive-only"', b'"defensive"'),
        TOML.replace(b'"defensive-only"', b'"offensive"'),
        TOML.replace(b'"defensive-only"', b'""'),
        TOML.replace(b'use = "defensive-only"\n', b"use = false\n"),
        canonical(without("use")),
        canonical(document(use="any")),
        canonical(document(use=["defensive-only"])),
        canonical(document(use=None)),
    ],
)
def test_a_text_that_lacks_or_contradicts_what_it_is_for_is_none(raw):
    with pytest.raises(InvalidAgreement) as told:
        read(raw)

    assert told.value.facts["where"] == "$.use"


def test_what_it_is_for_stands_in_the_bytes_that_are_signed():
    assert b'"use":"defensive-only"' in to_bytes(read(TOML))


@pytest.mark.parametrize("purpose", ["attack", "offence", "", "Defence", "defence ", "any", "*"])
def test_a_purpose_that_there_is_not_is_refused(purpose):
    with pytest.raises(InvalidAgreement) as told:
        read(canonical(with_clause(purposes=["defence", purpose])))

    assert told.value.facts["where"] == "$.clauses[0].purposes"


def test_judicial_use_is_allowed_only_where_a_text_says_so_and_on_which_article():
    assert JUDICIAL not in read(TOML).clauses[0].purposes
    with pytest.raises(InvalidAgreement) as told:
        read(canonical(with_clause(purposes=["judicial"])))
    assert told.value.facts["where"] == "$.clauses[0].basis"

    by_clause = with_clause(purposes=["judicial"], basis="article 9")
    for_all = with_clause(purposes=["defence", "judicial"]) | {"basis": {"title": "treaty"}}
    assert [read(canonical(d)).clauses[0].purposes for d in (by_clause, for_all)] == [
        ["judicial"],
        ["defence", "judicial"],
    ]


@pytest.mark.parametrize("raw", [TOML + b"#" * (1 << 20), b"a" + b".a" * 501 + b" = 1\n" + TOML])
def test_a_text_that_would_cost_more_to_read_than_any_agreement_is_not_read(raw):
    with pytest.raises(InvalidAgreement) as caught:
        read(raw)

    assert "any agreement" in str(caught.value)
