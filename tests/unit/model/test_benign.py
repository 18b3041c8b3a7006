"""What is known to be harmless: names by their labels, addresses by their networks, digests by their kind."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.benign import Benign, findings, suppressing
from mithaq.model.listed import FAMILIES, Effect, How, Listed
from mithaq.model.values import Value, of_kind, pattern

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
LISTS = (
    Listed(
        name="owner",
        family="name",
        effect=Effect.SUPPRESS,
        entries=[".google.example", "bank.example"],
    ),
    Listed(
        name="popular",
        family="name",
        effect=Effect.SUPPRESS,
        entries=["popular.example"],
        below=False,
    ),
    Listed(name="tlds", family="name", effect=Effect.SUPPRESS, entries=["EXAMPLE"]),
    Listed(
        name="second-level-tlds",
        family="name",
        effect=Effect.SUPPRESS,
        entries=["hosting.example"],
    ),
    Listed(name="hosts", family="name", effect=Effect.SUPPRESS, entries=["hosting.example"]),
    Listed(name="shared", family="name", entries=["hosting.example", "short.example"]),
    Listed(
        name="resolvers",
        family="address",
        effect=Effect.SUPPRESS,
        entries=["8.8.8.8", "2001:4860:4860::8888", "no address", "1.2.3.4/40", "1.2.3"],
    ),
    Listed(name="cloud", family="address", entries=["8.8.0.0/16", "2001:4860::/32"]),
    Listed(name="empty", family="digest", effect=Effect.SUPPRESS, entries=[MD5.upper()]),
    Listed(name="roots", family="certificate", effect=Effect.SUPPRESS, entries=["a" * 40]),
    Listed(name="throwaway", family="mail", entries=["throwaway.example"]),
)


def known(*lists, **given):
    return Benign(
        lambda family: [each for each in lists or LISTS if each.family == family], **given
    )


def said(kind, text, **given):
    hits = known(**given).match(of_kind(kind, text))
    return [(hit.list, hit.effect.value, hit.how.value) for hit in hits]


def test_a_name_is_on_a_list_that_has_it_or_an_owner_above_it():
    assert said("domain", "google.example") == [("owner", "suppress", "is")]
    assert said("domain", "mail.google.example") == [("owner", "suppress", "below")]
    assert said("domain", "login.bank.example") == [("owner", "suppress", "below")]
    assert said("domain", "www.bank.example") == [
        ("owner", "suppress", "is"),
        ("owner", "suppress", "below"),
    ]


def test_no_name_is_on_a_list_for_a_part_of_a_label():
    assert said("domain", "evilgoogle.example") == []
    assert said("domain", "google.example.evil.test") == []


def test_what_stands_below_a_popular_name_is_said_and_not_kept():
    assert said("domain", "popular.example") == [("popular", "suppress", "is")]
    assert said("domain", "evil.popular.example") == [("popular", "advise", "below")]


def test_below_a_suffix_everybody_has_names_of_their_own():
    assert ("second-level-tlds", "suppress", "is") in said("domain", "hosting.example")
    assert said("domain", "evil.hosting.example") == [("shared", "advise", "below")]
    assert said("domain", "evil.example") == []


def test_an_address_is_on_a_list_by_its_network_and_by_itself():
    assert said("ipv4", "8.8.8.8") == [
        ("resolvers", "suppress", "is"),
        ("cloud", "advise", "within"),
    ]
    assert said("ip-port", "8.8.8.8:53")[0] == ("resolvers", "suppress", "is")
    assert said("ipv6", "2001:4860:4860::8888")[0] == ("resolvers", "suppress", "is")
    assert said("ip-port", "[2001:4860:4860::8888]:53")[0] == ("resolvers", "suppress", "is")
    assert said("ipv4", "9.9.9.9") == []


def test_a_network_that_holds_a_harmless_address_is_on_its_list():
    assert ("resolvers", "suppress", "holds") in said("ipv4", "8.8.8.0/24")
    assert ("cloud", "advise", "holds") in said("ipv4", "8.0.0.0/8")
    assert ("resolvers", "suppress", "holds") in said("ipv6", "2001:4860:4860::/48")
    assert said("ipv4", "9.9.9.0/24") == []


@pytest.mark.parametrize(
    "text",
    ["64:ff9b::8.8.8.8", "64:ff9b::8.8.8.0/120", "2002:808:808::1", "2002:808::/32", "2002::/15", "64:ff9b::/64"],
)  # fmt: skip
def test_an_address_that_leads_to_one_of_ipv4_is_on_its_list(text):
    assert "resolvers" in {list_ for list_, effect, _ in said("ipv6", text) if effect == "suppress"}


def test_one_that_leads_to_another_is_not():
    for text in ("64:ff9b::9.9.9.9", "2002:909:909::8.8.8.8", "64:ff9c::8.8.8.8", "2003:808:808::"):
        assert said("ipv6", text) == []


def test_private_addresses_are_on_a_list_of_every_node_and_those_of_examples_are_only_said():
    bare = Benign()

    for text in ("10.1.2.3", "127.0.0.1", "192.168.1.0/24", "169.254.0.1", "224.0.0.251"):
        assert bare.match(Value("ipv4", text))[0].list == "reserved"
    for text in ("fe80::1", "::1", "fd00::7", "::7f00:1", "64:ff9b::10.0.0.1"):
        assert bare.match(Value("ipv6", text))[0].list == "reserved"
    assert bare.match(Value("ipv4", "198.51.100.7"))[0].effect is Effect.ADVISE


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://google.example/", [("owner", "suppress", "is")]),
        ("https://google.example/evil", [("owner", "advise", "page")]),
        ("https://google.example//.", [("owner", "suppress", "is")]),
        ("https://google.example/%2e/?", [("owner", "suppress", "is")]),
        ("https://google.example/*", [("owner", "suppress", "is")]),
        ("google.example/e*l?a=^", [("owner", "suppress", "is")]),
        ("google.example:443/#top", [("owner", "suppress", "is")]),
        ("https://google.example?u=evil", [("owner", "advise", "page")]),
        ("http://8.8.8.8/evil", [("cloud", "advise", "page"), ("resolvers", "advise", "page")]),
        ("http://[2001:4860:4860::8888]/", [("resolvers", "suppress", "is"), ("cloud", "advise", "within")]),
        ("http://192.168.1.1/evil", [("reserved", "suppress", "page")]),
        ("https://evil.example/google.example", []),
    ],
)  # fmt: skip
def test_a_page_of_a_harmless_host_may_be_evil_unless_the_host_is_nobodys(url, expected):
    assert said("url", url) == expected


def test_a_digest_is_on_a_list_of_its_own_kind_alone():
    assert said("md5", MD5) == [("empty", "suppress", "is")]
    assert said("imphash", MD5) == []
    assert said("certificate-sha1", "a" * 40) == [("roots", "suppress", "is")]
    assert said("sha1", "a" * 40) == []
    same = known(Listed(name="x", family="digest", entries=["b" * 64]))
    assert same.match(of_kind("sha256", "b" * 64))
    assert not same.match(of_kind("sha3-256", "b" * 64))


def test_a_mail_address_is_on_a_list_by_its_domain():
    assert said("email", "a@throwaway.example") == [("throwaway", "advise", "is")]
    assert said("email", "a@google.example") == []


def test_kinds_of_which_there_are_no_lists_are_on_none():
    assert said("mutex", "google.example") == []
    assert said("filename", MD5) == []
    assert Benign().match(Value("url", "http://[nonsense/")) == []
    assert known().match(Value("ipv4", "not an address")) == []


def test_a_person_may_give_a_list_another_effect():
    assert said("domain", "google.example", effects={"owner": Effect.OFF}) == []
    assert said("domain", "google.example", effects={"owner": Effect.ADVISE}) == [
        ("owner", "advise", "is")
    ]
    assert said("domain", "short.example", effects={"shared": Effect.SUPPRESS}) == [
        ("shared", "suppress", "is")
    ]


def test_a_value_that_somebody_here_believes_to_be_evil_is_only_said_to_be_on_lists():
    assert said("domain", "google.example", allowed={"google.example"}) == [
        ("owner", "advise", "is")
    ]


def indicator(written, **more):
    return {"type": "indicator", "pattern_type": "stix", "pattern": written, **more}


GOOGLE, EVIL = Value("domain", "google.example"), Value("domain", "evil.example")


def found(written, **more):
    return findings(indicator(written, **more), known().match)


def test_an_indicator_is_about_what_any_of_its_values_is():
    both = found(pattern([GOOGLE, EVIL]))

    assert [(each.value, each.hit.list) for each in both] == [(GOOGLE, "owner")]
    assert suppressing(both) == list(both)
    assert found(pattern([EVIL])) == ()


def test_what_wants_several_things_at_once_is_harmless_if_all_of_them_are():
    resolver, short = Value("ipv4", "8.8.8.8"), Value("domain", "short.example")

    assert found(pattern([GOOGLE, EVIL], " AND ")) == ()
    assert suppressing(found(pattern([GOOGLE, resolver], " AND ")))
    mixed = found(pattern([GOOGLE, short], " AND "))
    assert mixed
    assert not suppressing(mixed)


@pytest.mark.parametrize(
    "body",
    [
        indicator(pattern([GOOGLE]), revoked=True),
        indicator(pattern([GOOGLE]), indicator_types=["benign"]),
        indicator(pattern([GOOGLE])) | {"pattern_type": "sigma"},
        indicator(pattern([GOOGLE])) | {"pattern": 7},
        indicator(pattern([GOOGLE])) | {"type": "domain-name"},
        indicator("[domain-name:value LIKE 'google%']"),
    ],
)
def test_nothing_is_found_of_what_claims_no_harm_or_says_more_than_values(body):
    assert findings(body, known().match) == ()


def test_a_value_is_kept_from_tools_once_whatever_lists_have_it():
    twice = known(
        *LISTS,
        Listed(name="also", family="name", effect=Effect.SUPPRESS, entries=["google.example"]),
    )

    kept = suppressing(findings(indicator(pattern([GOOGLE])), twice.match))

    assert [each.hit.list for each in kept] == ["also"]


def test_lists_of_a_family_are_read_when_a_value_of_it_is_first_asked_about():
    asked = []
    benign = Benign(lambda family: asked.append(family) or ())

    for _ in range(2):
        benign.match(EVIL)
    assert asked == ["name"]
    assert all(benign.of(family) is benign.of(family) for family in FAMILIES)


_octets = st.tuples(*[st.integers(0, 255)] * 4).map(lambda t: ".".join(map(str, t)))


@given(_octets, _octets, st.integers(0, 32), st.integers(0, 32))
def test_networks_compare_as_ipaddress_compares_them(address, listed, length, own):
    entry, asked = (
        ip_network(f"{listed}/{length}", strict=False),
        ip_network(f"{address}/{own}", strict=False),
    )
    benign = known(Listed(name="x", family="address", entries=[f"{listed}/{length}"]))

    hits = [hit for hit in benign.match(Value("ipv4", str(asked))) if hit.list == "x"]

    assert bool(hits) == entry.overlaps(asked)
    assert all(hit.entry == str(entry if length < 32 else entry.network_address) for hit in hits)
    assert all((hit.how is How.HOLDS) == (own < length) for hit in hits)
