"""Look-up of indicators: what an observed value answers to, and that nothing else is found."""

import ipaddress
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.detect import indicators
from mithaq.detect.indicators import Indicators, Listed, of_pattern
from mithaq.detect.keys import key
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import Value, of_kind
from mithaq.model.whose import Word

SYSMON = LogSource(product="windows", service="sysmon")
AT = "2026-11-30T12:00:00.000Z"


def compiled(*written, whole=()):
    values = [of_kind(kind, text) for kind, text in written]
    return Indicators([Listed(value, f"i-{n}", "T") for n, value in enumerate(values)], whole)


def answers(known, kind, text):
    return {each.value.text for each in known.of(of_kind(kind, text))}


@pytest.mark.parametrize(
    ("listed", "observed", "found"),
    [
        (("domain", "evil.example"), ("domain", "EVIL.example."), True),
        (("domain", "evil.example"), ("domain", "a.b.evil.example"), True),
        (("domain", "a.evil.example"), ("domain", "evil.example"), False),
        (("domain", "evil.example"), ("domain", "notevil.example"), False),
        (("domain", "evil.example"), ("domain", "evil.example.test"), False),
        (("domain", "bücher.example"), ("domain", "www.xn--bcher-kva.example"), True),
        (("ipv4", "192.0.2.7"), ("ip", "::ffff:192.0.2.7"), True),
        (("ipv4", "192.0.2.7"), ("ip", "192.0.2.70"), False),
        (("ipv4", "192.0.2.0/24"), ("ip", "192.0.2.255"), True),
        (("ipv4", "192.0.2.0/24"), ("ip", "192.0.3.0"), False),
        (("ipv4", "192.0.2.0/24"), ("ip", "192.0.2.128/25"), True),
        (("ipv4", "192.0.2.0/24"), ("ip", "192.0.0.0/16"), False),
        (("ip", "::ffff:192.0.2.0/120"), ("ip", "192.0.2.9"), True),
        (("ipv6", "2001:db8::/32"), ("ip", "2001:db8:ffff::1"), True),
        (("ipv6", "2001:db8::/32"), ("ip", "2001:db9::"), False),
        (("ip-port", "192.0.2.7:443"), ("ip-port", "192.0.2.7:443"), True),
        (("ip-port", "192.0.2.7:443"), ("ip-port", "192.0.2.7:44"), False),
        (("url", "http://evil.example"), ("url", "HTTP://EVIL.example:80/"), True),
        (("url", "evil.example/a"), ("url", "https://evil.example:443/a"), True),
        (("url", "http://evil.example/a"), ("url", "https://evil.example/a"), False),
        (("url", "http://evil.example/a"), ("url", "http://evil.example/a/b"), False),
        (("url", "evil.example/a"), ("url", "http://x.example/http://evil.example/a"), False),
        (("url", "http://evil.example/A"), ("url", "http://evil.example/a"), False),
        (("md5", "a" * 32), ("imphash", "a" * 32), False),
        (("sha1", "a" * 40), ("certificate-sha1", "a" * 40), False),
        (("filename", "Evil.EXE"), ("filename", "evil.exe"), True),
        (("filename", "evil.exe"), ("filename", "notevil.exe"), False),
        (("registry-key", r"HKLM\Run"), ("registry-key", r"HKEY_LOCAL_MACHINE\run"), True),
        (("mutex", "Evil"), ("mutex", "evil"), False),
        (("email", "eve@evil.example"), ("email", "EVE@evil.example"), True),
    ],
)
def test_an_observed_value_answers_to_what_means_it_and_to_no_part_of_a_text(
    listed, observed, found
):
    assert bool(answers(compiled(listed), *observed)) is found


def test_who_owns_a_name_owns_what_is_below_it_but_not_below_what_is_let_to_anybody():
    known = compiled(("domain", "ac.test"), ("domain", "evil.ac.test"), whole={"ac.test"})

    assert answers(known, "domain", "a.evil.ac.test") == {"evil.ac.test"}
    assert answers(known, "domain", "good.ac.test") == set()
    assert answers(known, "domain", "ac.test") == {"ac.test"}


_v4 = st.builds(
    lambda address, length: str(ipaddress.ip_network((address, length), strict=False)),
    st.integers(0xC0000200, 0xC00002FF), st.integers(22, 31),
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(_v4, max_size=12), st.integers(0xC0000000, 0xC00004FF))
def test_an_address_is_found_in_every_network_that_holds_it_however_they_lie_in_one_another(
    networks, number
):
    address = ipaddress.ip_address(number)
    known = compiled(*(("ipv4", each) for each in networks))

    held = {each for each in networks if address in ipaddress.ip_network(each)}

    assert answers(known, "ipv4", str(address)) == held


_label = st.sampled_from(["a", "b", "ab", "evil", "com"])
_name = st.lists(_label, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))


@settings(max_examples=40)
@given(st.lists(_name, max_size=8), _name)
def test_a_name_is_found_by_itself_and_by_what_it_is_below_as_a_plain_loop_finds_it(listed, name):
    known = compiled(*(("domain", each) for each in listed))

    assert answers(known, "domain", name) == {
        each for each in listed if name == each or name.endswith(f".{each}")
    }


def test_two_keys_of_one_digest_are_told_apart(monkeypatch):
    monkeypatch.setattr(indicators, "digest", lambda text: 7)
    known = compiled(("domain", "a.example"), ("domain", "b.example"))

    assert answers(known, "domain", "b.example") == {"b.example"}
    assert answers(known, "domain", "c.example") == set()


def test_what_an_event_is_found_by_is_one_match_with_all_its_fields():
    known = Indicators(
        [
            Listed(Value("md5", "a" * 32), "indicator--1", "Evil"),
            Listed(Value("filename", "evil.exe"), "indicator--1", "Evil"),
            Listed(Value("filename", "evil.exe"), "indicator--2"),
        ]
    )
    fields = {"Hashes": "MD5=" + "A" * 32, "Image": r"C:\evil.exe", "ParentImage": r"C:\b.exe"}
    event = Event(fields=fields, source=SYSMON, at=AT, raw=b"raw")

    one, other = known.match([Event(fields={}, raw=b""), event])

    assert (one.rule, one.title, one.at, one.source) == ("indicator--1", "Evil", AT, SYSMON)
    assert one.found == {name: fields[name] for name in ("Hashes", "Image")}
    assert (other.rule, other.title) == ("indicator--2", "evil.exe")
    assert len({one.id, other.id, *(each.id for each in known.match([event]))}) == 2


def test_matches_are_the_same_whatever_the_batches():
    known = compiled(("domain", "evil.example"), ("ipv4", "192.0.2.0/24"))
    events = [
        Event(fields={"QueryName": f"{n}.evil.example", "SourceIp": f"192.0.{n}.1"}, source=SYSMON, raw=b"%d" % n)
        for n in range(5)
    ]  # fmt: skip

    whole = [each.id for each in known.match(events)]

    assert whole == [each.id for event in events for each in known.match([event])]
    assert len(whole) == 6


def test_a_pattern_of_values_any_of_which_is_meant_is_looked_up_and_others_are_not():
    either = "[file:hashes.MD5 = '%s' OR domain-name:value = 'evil.example']" % ("a" * 32)

    assert [each.value.kind for each in of_pattern(Word("i"), either)] == ["md5", "domain"]
    assert of_pattern(Word("i"), "[file:name = 'a' AND file:size = 3]") is None
    assert of_pattern(Word("i"), "[domain-name:value = 'a.example' AND file:name = 'a']") is None
    one = of_pattern(Word("i", "a"), "[ipv4-addr:value = '192.0.2.1']", "T")
    assert one == [Listed(Value("ipv4", "192.0.2.1"), "i", "T", "a")]


def test_what_each_giver_says_under_one_id_is_found_apart():
    both = [Listed(Value("domain", f"{name}.example"), "i", "T", name) for name in ("a", "b")]
    both.append(Listed(Value("domain", "b.example"), "i", "T", "a"))
    event = Event(fields={"QueryName": "b.example"}, source=SYSMON, raw=b"")

    found = [*Indicators(both).match([event])]

    assert {(each.rule, each.giver) for each in found} == {("i", "a"), ("i", "b")}
    assert len({each.id for each in found}) == 2


def test_the_same_value_listed_twice_by_one_indicator_is_found_once_and_sizes_are_told():
    twice = [Listed(Value("domain", "a.example"), "i", "T")] * 2
    known = Indicators(twice)

    assert len(list(known.of(Value("domain", "a.example")))) == 1
    assert len(known) == 2
    assert re.fullmatch(r"domain a\.example", key(twice[0].value))
    assert known.size > 0
