"""What certainly may not cross, by a reading of border.md of its own: no word of the policy is imported.

The reading errs one way: what it calls forbidden is forbidden beyond doubt; what it lets pass may be forbidden
for reasons it does not look at (references, ownership, validity, one story for all).
"""

import re
from base64 import b64decode
from binascii import Error
from copy import deepcopy
from dataclasses import dataclass, field

CLEAR, GREEN, AMBER, STRICT, RED, UNMARKED = range(6)
ID = "ca9a0000-0000-4000-8000-"  # every planted id goes on with the number of its object
_CANARY = re.compile(rb"mqc[0-9]{6}[a-z]|ca9a0000-0000-4000-8000-[0-9]{12}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
PLACES = {
    "i": "id",
    "n": "name",
    "d": "description",
    "x": "x_private",
    "y": "x_nested",
    "l": "labels",
    "e": "external_references",
    "v": "value",
}


def canaries_in(raw):
    """Return every canary in bytes, also in what is base64 in them: envelopes, however deep."""
    found = {one.decode() for one in _CANARY.findall(raw)}
    for run in _BASE64.findall(raw):
        try:
            found |= canaries_in(b64decode(run, validate=True))
        except Error:
            continue
    return found


def canary(number, place):
    return f"{ID}{number:012d}" if place == "i" else f"mqc{number:06d}{place}"


def read(token):
    """Return (number, place) of a canary."""
    return (int(token[len(ID) :]), "i") if token.startswith(ID) else (int(token[3:9]), token[9])


@dataclass
class Planted:
    """An object as it was brought: by whom, as their own or carried, and how it is marked."""

    number: int  # of this version
    of: int  # of the object: what its id bears
    party: str
    own: bool
    kind: str
    level: int
    granular: dict = field(default_factory=dict)  # place -> level


@dataclass
class Text:
    """One version of an agreement."""

    parties: tuple
    level: int = AMBER
    named: frozenset = frozenset()
    keep: dict = field(default_factory=dict)  # kind -> places
    forum: bool = False
    shadow: bool = False

    def permits(self, level):
        return level <= self.level or level in self.named


@dataclass
class Model:
    """All that was brought, agreed, asked for and approved."""

    planted: dict = field(default_factory=dict)  # number -> Planted
    levels: dict = field(default_factory=dict)  # (nation, number) -> levels put beside it there
    texts: dict = field(default_factory=dict)  # agreement -> {version: Text}
    holding: dict = field(
        default_factory=dict
    )  # (nation, agreement) -> versions that may hold there
    shut: set = field(
        default_factory=set
    )  # (nation, agreement): that nation sends nothing under it
    ended: set = field(default_factory=set)
    asked: set = field(default_factory=set)  # (nation, number, agreement)
    approved: set = field(default_factory=set)
    seen: dict = field(default_factory=dict)  # peer -> canaries

    def copy(self):
        return deepcopy(self)

    def may(self, nation, token, peer):
        """Say whether ``nation`` may send ``peer`` a canary now, for all this reading knows."""
        number, place = read(token)
        versions = [
            p for p in self.planted.values() if (p.of if place == "i" else p.number) == number
        ]
        return any(self._may(nation, each, place, peer) for each in versions)

    def _may(self, nation, what, place, peer):
        if what.party == "misp":
            return False  # a client's words go on only when somebody adopts them (8.4)
        # A seal goes on naming the id of what was taken back before it was fetched; its bytes are zeros.
        once = place == "i"
        raised = self.levels.get((nation, what.number), [CLEAR])
        own = raised[0] if what.level == UNMARKED and raised != [CLEAR] else what.level
        whole = own if once else max(own, *raised)
        at = max(whole, what.granular.get(place, CLEAR))
        return any(
            self._under(text, (nation, agreement, peer), what, place, (whole, at))
            for asker, number, agreement in self.asked
            if (asker, number) == (nation, what.number)
            and (once or (nation, agreement) not in self.shut)
            for version, text in self.texts[agreement].items()
            if peer in text.parties and (once or version in self.holding[nation, agreement])
        )

    def _under(self, text, where, what, place, levels):
        nation, agreement, peer = where
        whole, at = levels
        if text.shadow or at >= RED or not text.permits(at):
            return False
        if at == STRICT and (nation, what.number, agreement) not in self.approved:
            return False
        if what.kind in text.keep and place != "i" and place not in text.keep[what.kind]:
            return False
        if what.party == nation and what.own:
            return True
        if what.party == nation:  # from a feed without a community
            return whole == CLEAR
        return at == CLEAR or (at <= AMBER and (text.forum or self._scoped(what, nation, peer)))

    def _scoped(self, what, nation, peer):
        """Say whether its owner may have given it under a text of many that both are parties of (2.3, 5.5)."""
        return any(
            text.forum and {nation, peer} <= set(text.parties)
            for owner, number, agreement in self.asked
            if (owner, number) == (what.party, what.number)
            for text in self.texts[agreement].values()
        )

    def echoes(self, nation, token, peer):
        """Say whether ``nation`` would tell ``peer`` the words of its own object (2.2)."""
        number, place = read(token)
        return place in "ndxyl" and self.planted[number].party == peer != nation
