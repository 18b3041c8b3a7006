"""What analysts say of elements of MISP (its analyst data): notes and opinions, to and from STIX.

MISP counts opinions from 0 to 100; STIX 2.1 (section 4.13) has five words. The number stays beside the word, and is
written again as long as the word is the same.
"""

from collections.abc import Mapping

from mithaq.clock import parse
from mithaq.formats.misp.elements import Element
from mithaq.model.canonical import Json

Body = Mapping[str, Json]

KINDS = ("Note", "Opinion")
_WORDS = ("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")
_TEN = 10  # digits of an instant in MISP: seconds, behind a day


def said_by(kind: str, element: Element) -> dict[str, Json]:
    """Return the properties of an object of STIX that say what a note or an opinion does."""
    authors: list[Json] = [element.text("authors")] if element.text("authors") else []
    told: dict[str, Json] = {"authors": authors} if authors else {}
    if kind == "Note":
        return {**told, "content": element.text("note") or "-"}
    comment = element.text("comment")
    return {
        **told,
        "opinion": _word(element.text("opinion")),
        **({"explanation": comment} if comment else {}),
    }


def written(body: Body, kept: dict[str, Json]) -> dict[str, Json]:
    """Return an object of STIX as the note or the opinion that it was made of."""
    authors = body.get("authors")
    names = ", ".join(map(str, authors)) if isinstance(authors, list) else ""
    element: dict[str, Json] = {
        **kept,
        "uuid": str(body["id"]).partition("--")[2],
        "created": _day(str(body["created"])),
        "modified": _day(str(body["modified"])),
        "authors": names,
    }
    if body["type"] == "note":
        return element | {"note": str(body.get("content", ""))}
    number, word = str(kept.get("opinion", "")), str(body.get("opinion"))
    if _word(number) != word:
        number = str(25 * _WORDS.index(word))
    return element | {"opinion": number, "comment": str(body.get("explanation", ""))}


def _word(number: str) -> str:
    counted = int(number) if number.isdecimal() and len(number) < _TEN else 50
    return _WORDS[min(max(counted - 1, 0) // 20, 4)]


def _day(instant: str) -> str:
    return f"{parse(instant):%Y-%m-%d %H:%M:%S}"
