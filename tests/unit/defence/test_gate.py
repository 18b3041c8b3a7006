"""The gate: what matched and is no sighting, each reason in words of three languages."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from mithaq.config import Benign as Settings
from mithaq.defence import Case, Evidence, Limits, No, Prevalence, gate
from mithaq.languages import LANGUAGES
from mithaq.model.values import Value, of_kind
from mithaq.model.worth import worth
from mithaq.node.warninglists import known_here

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BENIGN = known_here(Settings(own=("192.0.2.0/24", "gov.example.org")))
IMPHASH = "f34d5f2d4577ed6d9ceec516c1f5a744"


def case(value, *, kind="", observed=None, **more):
    wanted = of_kind(kind, value) if kind else Value("domain", value)
    body = {"type": "indicator", "pattern_type": "stix", "pattern": f"[{wanted.comparison}]"}
    body |= {"valid_from": "2026-01-01T00:00:00Z", "confidence": 80} | more.pop("body", {})
    seen = [wanted] if observed is None else observed
    about = Evidence(observed=tuple(seen), **more.pop("evidence", {}))
    return Case(indicator=body, evidence=about, at=more.pop("at", NOW), **more)


def codes(one, limits=None):
    found = gate(one, BENIGN.match, limits) if limits else gate(one, BENIGN.match)
    return [each.code for each in found]


def test_what_nothing_stands_against_may_be_said_by_a_person():
    assert codes(case("evil.example.net")) == []


@pytest.mark.parametrize(
    ("value", "kind", "code"),
    [
        ("0.0.0.0", "ipv4", "reserved"),  # noqa: S104 nobody listens there
        ("127.0.0.1", "ipv4", "reserved"),
        ("10.1.2.3", "ipv4", "reserved"),
        ("192.0.2.7", "ipv4", "own"),
        ("mail.gov.example.org", "domain", "own"),
        ("8.8.8.8", "ipv4", "known-benign"),
        ("d41d8cd98f00b204e9800998ecf8427e", "md5", "known-benign"),
    ],
)
def test_ours_nobodys_and_everybodys_are_no_sightings(value, kind, code):
    assert codes(case(value, kind=kind)) == [code]


def test_of_several_ways_to_match_the_one_that_matched_counts():
    body = {"pattern": "[domain-name:value = 'evil.example.net' OR ipv4-addr:value = '8.8.8.8']"}

    assert (
        codes(case("x.example.net", body=body, observed=[Value("domain", "evil.example.net")]))
        == []
    )
    assert codes(case("x.example.net", body=body, observed=[Value("ipv4", "8.8.8.8")])) == [
        "known-benign"
    ]
    assert codes(case("x.example.net", body=body, observed=[])) == ["known-benign"]


def test_an_import_hash_of_the_same_letters_as_an_md5_is_no_sighting_of_it():
    found = gate(case(IMPHASH, kind="md5", observed=[Value("imphash", IMPHASH)]), BENIGN.match)

    assert [each.code for each in found] == ["other-kind"]
    assert found[0].facts == {"value": IMPHASH, "kind": "imphash", "wanted": "md5"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"body": {"revoked": True}}, "revoked"),
        ({"body": {"indicator_types": ["benign"]}}, "said-benign"),
        ({"body": {"valid_until": "2026-03-01T12:00:00Z"}}, "over"),
        ({"at": datetime(2025, 12, 31, tzinfo=UTC)}, "not-yet"),
        ({"body": {"confidence": 29}}, "confidence"),
        ({"judged": "false"}, "false"),
        ({"judged": "unsure"}, "unsure"),
        ({"prevalence": Prevalence(assets=6, of_assets=100)}, "common-assets"),
        ({"prevalence": Prevalence(days=51, of_days=100)}, "common-days"),
        ({"body": {"confidence": None}}, "unexplained"),
        ({"evidence": {"among": 9}}, "among"),
        ({"evidence": {"asked": (Value("domain", "www.microsoft.com"),)}}, "asked"),
    ],
)
def test_each_clause_stops_by_itself(more, code):
    assert codes(case("evil.example.net", **more)) == [code]


@pytest.mark.parametrize(
    "more",
    [
        {"body": {"valid_until": "2026-03-01T12:00:01Z"}},
        {"body": {"confidence": 30}},
        {"judged": ""},
        {"prevalence": Prevalence(assets=5, of_assets=100)},
        {"prevalence": Prevalence(assets=3, of_assets=3)},  # so few are never too many
        {"prevalence": Prevalence(assets=600)},  # of how many nobody knows
        {"prevalence": Prevalence(days=50, of_days=100)},
        {"prevalence": Prevalence(days=5, of_days=5)},
        {"body": {"confidence": None}, "because": True},
        {"evidence": {"among": 8}},
        {
            "evidence": {
                "asked": (Value("domain", "x.example.net"), Value("domain", "www.microsoft.com"))
            }
        },
    ],
)
def test_each_clause_stops_nothing_short_of_its_limit(more):
    assert codes(case("evil.example.net", **more)) == []


def test_what_time_has_left_little_of_is_no_sighting_and_a_limit_can_be_set():
    one = case("evil.example.net", at=NOW + timedelta(days=400), body={"confidence": 50})
    old = Case(indicator=one.indicator, at=one.at, worth=worth(one.indicator, (), one.at))

    assert codes(old) == ["worth"]
    assert codes(old, Limits(worth=0)) == []


def test_each_reason_has_a_sentence_in_three_languages_with_the_same_facts():
    texts = {
        each: tomllib.loads(
            files("mithaq.defence").joinpath("words", f"{each}.toml").read_text("utf-8")
        )["no"]
        for each in LANGUAGES
    }
    facts = [
        {key: sorted(re.findall(r"{(\w+)}", said)) for key, said in texts[each].items()}
        for each in LANGUAGES
    ]

    assert facts[0] == facts[1] == facts[2]
    said = No(code="own", facts={"value": "x", "entry": "y"})
    assert len({said.sentence(each) for each in LANGUAGES}) == 3
