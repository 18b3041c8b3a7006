"""The lists that ship: read by family, each with what follows from being on it."""

import pytest

from mithaq.config import Benign as Settings
from mithaq.config import InvalidConfig
from mithaq.model.benign import Benign
from mithaq.model.listed import FAMILIES, Effect
from mithaq.model.values import of_kind
from mithaq.node import warninglists


@pytest.fixture(scope="module")
def benign():
    return Benign(warninglists.lists)


def first(benign, kind, text):
    found = benign.match(of_kind(kind, text))
    return found[0].effect if found else None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("domain", "google.com"),
        ("domain", "www.microsoft.com"),
        ("domain", "web.vortex.data.microsoft.com"),
        ("domain", "ocsp.digicert.com"),
        ("domain", "co.uk"),
        ("domain", "github.io"),
        ("ipv4", "8.8.8.8"),
        ("ipv4", "127.0.0.1"),
        ("ipv4", "0.0.0.7"),
        ("ipv4", "104.16.0.0/24"),
        ("ip-port", "1.1.1.1:443"),
        ("url", "https://google.com/"),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e"),
        ("sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_what_lists_of_false_indicators_are_known_for_counts_as_harmless(benign, kind, text):
    assert first(benign, kind, text) is Effect.SUPPRESS


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("domain", "evil.github.io"),
        ("domain", "evil.duckdns.org"),
        ("url", "https://github.com/evil/raw/evil.exe"),
        ("email", "evil@mailinator.com"),
        ("ipv4", "198.51.100.7"),
        ("imphash", "d41d8cd98f00b204e9800998ecf8427e"),
        ("domain", "evil.example"),
    ],
)
def test_what_attackers_use_as_well_does_not(benign, kind, text):
    assert first(benign, kind, text) is not Effect.SUPPRESS


def test_every_list_named_here_ships_and_is_of_one_family():
    there = {each.name for family in FAMILIES for each in warninglists.lists(family)}
    named = {name for names in warninglists._KEPT.values() for name in names} | warninglists._NAMES
    newer = {"windows-binary-hashes"}  # of lists that come with later packages

    assert named - newer <= there
    assert len(there) > 100


def test_nearly_every_entry_of_a_list_can_be_compared(benign):
    for family in FAMILIES:
        sizes = {each.name: len(list(each.entries)) for each in warninglists.lists(family)}
        for name, count in benign.of(family).sizes():
            whole = name != "microsoft-attack-simulator"  # names and addresses in one list
            assert count >= (0.98 if whole else 0.05) * sizes.get(name, 0), name


def test_a_node_knows_its_own_space_and_keeps_it_from_tools_whatever_page_is_named():
    here = warninglists.known_here(
        Settings(own=("203.0.113.0/24", "2001:db8:7::/48", "gov.example"))
    )

    for kind, text in (
        ("ipv4", "203.0.113.9"),
        ("ipv6", "2001:db8:7::1"),
        ("domain", "mail.gov.example"),
        ("email", "minister@gov.example"),
        ("url", "https://mail.gov.example/login"),
        ("ipv4", "203.0.112.0/22"),
    ):
        hit = here.match(of_kind(kind, text))[0]
        assert (hit.list.startswith("own-"), hit.effect) == (True, Effect.SUPPRESS)
    assert here.match(of_kind("domain", "evil.example")) == []


def test_a_person_may_say_that_a_value_is_evil_and_that_a_list_means_something_else():
    here = warninglists.known_here(
        Settings(
            evil=("google.com", "D41D8CD98F00B204E9800998ECF8427E"), lists={"public-dns-v4": "off"}
        )
    )

    assert first(here, "domain", "google.com") is Effect.ADVISE
    assert first(here, "md5", "d41d8cd98f00b204e9800998ecf8427e") is Effect.ADVISE
    assert "public-dns-v4" not in {h.list for h in here.match(of_kind("ipv4", "8.8.8.8"))}


@pytest.mark.parametrize("written", ["nonsense", "https://gov.example/"])
def test_own_space_that_is_none_is_refused(written):
    with pytest.raises(InvalidConfig):
        warninglists.known_here(Settings(own=(written,)))
