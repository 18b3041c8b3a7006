"""Indicators in a pair, of every kind that an export prints, and what one node alone knows of them."""

from mithaq.border import exports
from mithaq.formats.export import EXPORTS
from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import pap_id
from mithaq.model.values import of_kind, pattern
from tests.leaks.pair import START, id_of

LATER = "2026-02-02T00:00:00.000Z"
FRESH = "2026-02-20T00:00:00.000Z"  # worth something still, whatever it is
VALUES = {  # by number
    300: ("domain", "n300.evil.test"),
    301: ("ipv4", "45.61.136.1"),
    302: ("ipv6", "2a02:db9::1"),
    303: ("ip-port", "45.61.136.3:443"),
    304: ("url", "http://n304.evil.test/a"),
    305: ("email", "a@n305.evil.test"),
    306: ("md5", "06" * 16),
    307: ("sha1", "07" * 20),
    308: ("sha256", "08" * 32),
    309: ("filename", "n309.exe"),
    310: ("user-agent", "n310/1.0"),
    311: ("ipv4", "45.61.136.0/24"),
}
HARMLESS, WATCHED, OVER = 320, 321, 322  # waits for two; only for who watches; no longer true
TOLD = (*VALUES, HARMLESS, WATCHED, OVER)
HIDDEN = range(340, 340 + len(VALUES))


def _name(number):
    return id_of(number, "indicator")


def _bring(side, number, value, level=Tlp.GREEN, **more):
    told = {"pattern_type": "stix", "valid_from": FRESH, "indicator_types": ["malicious-activity"]}
    told["pattern"] = pattern([of_kind(*value)])
    side.bring(number, level, kind="indicator", **(told | more))


# --- what both do -----------------------------------------------------------------------------------------
def brings_indicators(side):
    for number, value in VALUES.items():
        _bring(side, number, value)
    _bring(side, HARMLESS, ("ipv4", "10.0.0.1"))
    _bring(side, WATCHED, ("domain", "n321.evil.test"), object_marking_refs=[pap_id(Pap.AMBER)])
    _bring(side, OVER, ("domain", "n322.evil.test"), valid_from=START, valid_until=LATER)


def releases_indicators(side):
    side.propose("g-misp", *map(_name, TOLD))


def asks_what_they_are_worth(side):
    side.act(lambda unit, _us, now: exports.set_least(unit, "misp", 20, now, by="l"))


def another_indicator(side):
    _bring(side, 330, ("domain", "n330.evil.test"))
    side.propose("g-misp", _name(330))


# --- what only the right node does ------------------------------------------------------------------------
def the_same_values_that_do_not_go(side):
    """As indicators of its own, and as what another source says; too secret, or not to be acted on."""
    for number, value in zip(HIDDEN, VALUES.values(), strict=True):
        _bring(side, number, value, Tlp.RED)
        _bring(side, number + 20, value, object_marking_refs=[pap_id(Pap.RED)], confidence=90)
        _bring(side, number + 40, value, Tlp.CLEAR, own=False)
    side.propose("g-misp", *map(_name, HIDDEN), *(_name(n + 20) for n in HIDDEN))


def another_word_for_the_same_indicators(side):
    """Another source's copies under the same ids, with other values, and taken back."""
    for number in VALUES:
        _bring(side, number, ("domain", "other.test"), own=False, version=LATER, revoked=True)


def newer_versions_that_nobody_proposed(side):
    for number, value in VALUES.items():
        _bring(side, number, value, version=LATER, confidence=1, name="as we know it now")


def what_others_think_of_them(side):
    """Sightings and opinions, on which it depends what an indicator is worth."""
    for at, number in enumerate(VALUES):
        seen = {"sighting_of_ref": _name(number), "count": 7, "last_seen": LATER}
        side.bring(400 + at, Tlp.AMBER, kind="sighting", **seen)
        said = {"object_refs": [_name(number)], "opinion": "strongly-disagree"}
        side.bring(420 + at, Tlp.AMBER, kind="opinion", **said)


def they_go_to_another_client_and_are_read_there(side):
    side.propose("g-siem", *map(_name, TOLD), *map(_name, HIDDEN))
    side.turn("aurelia")
    for name in EXPORTS:
        side.ask("siem", "GET", f"/export/{name}")


KNOWN = (
    the_same_values_that_do_not_go,
    another_word_for_the_same_indicators,
    newer_versions_that_nobody_proposed,
    what_others_think_of_them,
    they_go_to_another_client_and_are_read_there,
)
