"""What an object speaks of and when, as far as it is counted (docs/emerging.md)."""

import pytest

from mithaq.model.mentions import Family, Key, day_of, day_written, keys_of, zone

T, M, P, G = Family.TECHNIQUES, Family.MALWARE, Family.INFRASTRUCTURE, Family.TARGETS
ONE = "malware--00000000-0000-4000-8000-000000000001"
TWO = "attack-pattern--00000000-0000-4000-8000-000000000002"
BANK = "identity--00000000-0000-4000-8000-000000000003"


def made(type_, **more):
    return {"type": type_, "id": f"{type_}--00000000-0000-4000-8000-000000000009", **more}


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (
            made("relationship", relationship_type="uses", source_ref=ONE, target_ref=TWO),
            {Key(M, "ref", ONE), Key(T, "ref", TWO)},
        ),
        (
            made("relationship", relationship_type="targets", source_ref=ONE, target_ref=BANK),
            {Key(M, "ref", ONE), Key(G, "ref", BANK)},
        ),
        (made("relationship", relationship_type="mitigates", source_ref=ONE, target_ref=TWO), set()),
        (made("relationship", relationship_type="uses", source_ref=ONE, target_ref=TWO, revoked=True), set()),
        (made("report", object_refs=[ONE, BANK]), {Key(M, "ref", ONE)}),
        (made("report", object_refs="none"), set()),
        (made("sighting", sighting_of_ref=ONE), {Key(M, "ref", ONE)}),
        (
            made("indicator", labels=["attack.t1059.001", "x", 'misp-galaxy:malpedia="Emotet"']),
            {Key(T, "technique", "T1059.001"), Key(M, "malware", "emotet")},
        ),
        (
            made("indicator", labels=[
                'misp-galaxy:mitre-attack-pattern="Phishing - T1566"', 'misp-galaxy:sector="Énergie"',
                'misp-galaxy:mitre-malware="Emotet - S0367"', 'misp-galaxy:region="x"', 'misp-galaxy:sector=" "',
            ]),
            {Key(T, "technique", "T1566"), Key(G, "sector", "energie"), Key(M, "malware", "emotet")},
        ),
        (
            made("indicator", external_references=[
                {"source_name": "mitre-attack", "external_id": "T1105"}, {"source_name": "cve"}, "odd",
            ]),
            {Key(T, "technique", "T1105")},
        ),
        (
            made("indicator", pattern_type="sigma", pattern="tags:\n  - attack.t1003\n  - attack.execution"),
            {Key(T, "technique", "T1003")},
        ),
        (
            made("indicator", pattern="[ipv4-addr:value = '198.51.100.7' OR domain-name:value = 'a.dyn.example']"),
            {Key(P, "network", "198.51.100.0/24"), Key(P, "tld", ".example"), Key(P, "zone", "dyn.example")},
        ),
        (
            made("indicator", pattern="[url:value = 'http://x.co.uk/a' OR ipv4-addr:value = '10.0.0.0/8']"),
            {Key(P, "tld", ".uk")},
        ),
        (
            made("ipv6-addr", value="2001:db8::1"),
            {Key(P, "network", "2001:db8::/48")},
        ),
        (made("autonomous-system", number=64500), {Key(P, "asn", "AS64500")}),
        (
            made("attack-pattern", name="Shell", external_references=[{"external_id": "T1059"}]),
            {Key(T, "ref", made("attack-pattern")["id"]), Key(T, "called", "T1059")},
        ),
        (
            made("attack-pattern", name="Shell"),
            {Key(T, "ref", made("attack-pattern")["id"]), Key(T, "called", "shell")},
        ),
        (
            made("malware", name="Emotet", aliases=["Géodo"]),
            {Key(M, "ref", made("malware")["id"]), Key(M, "called", "emotet"), Key(M, "called", "geodo")},
        ),
    ],
)  # fmt: skip
def test_an_object_speaks_of_what_it_names_by_id_by_label_and_by_place(body, keys):
    assert keys_of(body) == keys


def test_no_object_speaks_of_more_than_there_is_room_for():
    many = [f"malware--00000000-0000-4000-8000-{n:012d}" for n in range(2000)]

    assert len(keys_of(made("report", object_refs=many))) == 512


@pytest.mark.parametrize(
    ("name", "above"),
    [("a.b.example", "b.example"), ("example", "example"), ("a.b.co.uk", "b.co.uk"), ("co.uk", "co.uk")],
)  # fmt: skip
def test_a_name_is_counted_under_what_was_registered(name, above):
    assert zone(name.split(".")) == above


@pytest.mark.parametrize(
    ("body", "day"),
    [
        ({"created": "2026-02-01T10:00:00Z"}, "2026-02-01"),
        ({"created": "2026-02-01T10:00:00Z", "last_seen": "2019-05-01T00:00:00Z"}, "2019-05-01"),
        ({"created": "2026-02-01T10:00:00Z", "first_seen": "2019-05-01T00:00:00Z",
          "last_seen": "2026-01-30T00:00:00Z"}, "2026-01-30"),
        ({"created": "2026-02-01T10:00:00Z", "published": "2020-01-01T00:00:00Z"}, "2020-01-01"),
        ({"created": "2999-01-01T00:00:00Z"}, "2026-03-01"),
        ({"created": "0000-01-01T00:00:00Z"}, "2026-03-01"),
        ({"created": "1950-01-01T00:00:00Z"}, "1970-01-01"),
        ({}, "2026-03-01"),
    ],
)  # fmt: skip
def test_an_old_report_that_comes_today_is_of_its_own_day_and_none_is_of_tomorrow(body, day):
    assert day_written(day_of(body, "2026-03-01T12:00:00.000Z")) == day
