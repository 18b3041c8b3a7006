"""What people translate: language-content beside an object, which stays as its owner wrote it (STIX 2.1 section 7.1).

One object of ours for an object and a language. It says of which version it is, so that a later version shows at once
that its translation is behind. It bears at least what the object bears.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.errors import InputError
from mithaq.intel.authoring.drafts import GIVEN, NoSuchField
from mithaq.intel.authoring.writing import Draft, Terms, new, revised
from mithaq.intel.finding import newest_by_id, visible
from mithaq.intel.keeping.service import versions
from mithaq.model.canonical import Json
from mithaq.model.objects import Body, moment
from mithaq.store import neighbours, objects
from mithaq.store.objects import Copy

KIND = "language-content"
MOST = 200  # texts about an object that are looked at
_BARE = Terms()
# texts for machines; the rest are for people, who read them in a language
_NO_WORDS = GIVEN | {"pattern", "pattern_type", "pattern_version", "lang", "opinion", "context"}
_NO_WORDS |= {"relationship_type", "hashes", "object_marking_refs"}
# RFC 5646 section 2.1, but for what was registered before there was a rule
_TAG = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)
DEFAULT = "en"  # of an object that does not say its language (section 3.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What an object says in another language, and by whom."""

    copy: Copy
    language: str
    fields: Mapping[str, Json]
    stale: bool  # it is of another version than the one it is shown with

    @property
    def by(self) -> str:
        """Whose word it is."""
        return self.copy.owner or self.copy.voucher


# --- what a person writes ------------------------------------------------------------------------
def translate(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    name: str,
    said: tuple[str, Sequence[str]],
    now: datetime,
    *,
    terms: Terms = _BARE,
) -> Draft:
    """Return a translation of the newest version of an object, as it would be stored; nothing is written.

    One that is here for the language is followed by a version: what of it translates texts that have not changed is
    kept.

    Args:
        said: the language, and ``NAME=TEXT`` pairs; of a list as many as it has items.

    Raises:
        Forbidden, NotFound: the actor may not write, or may not read the object.
        InputError: no such language, or the object says nothing there that a person would translate.
        Unspeakable, Lowering: as for any text about an object.
    """
    language, pairs = said
    if _TAG.fullmatch(language) is None:
        raise InputError(
            f"{language!r} is no language of RFC 5646, such as ar, fr or pt-BR", cause="language"
        )
    target = versions(unit, us, actor, name)[0]
    texts = texts_of(target.object.body, pairs)
    before = _ours(unit, us, actor, target, language)
    kept = _unchanged(unit, us, actor, target, before, language) if before else {}
    fields: dict[str, Json] = {"contents": {language: {**kept, **texts}}}
    if target.object.version:
        fields["object_modified"] = target.object.version
    if before is not None:
        return revised(unit, us, actor, str(before.seq), fields, now, terms=terms)
    return new(unit, us, actor, KIND, {"object_ref": target.object.id, **fields}, now, terms=terms)


def texts_of(body: Body, pairs: Sequence[str]) -> dict[str, Json]:
    """Read ``NAME=TEXT`` pairs against what an object says: a text for a text, as many for a list of them.

    Raises:
        InputError: a pair is none, or a list lacks items. NoSuchField: there is no text of that name to translate.
    """
    found: dict[str, Json] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"a field is written NAME=VALUE, not {pair!r}", cause="pair")
        original = body.get(name)
        if name in _NO_WORDS or not (isinstance(original, str) or _is_texts(original)):
            raise NoSuchField(
                f"/{name}: it says nothing there that people translate", where=f"/{name}"
            )
        before = found.get(name)
        if isinstance(original, list):
            found[name] = [*(before if isinstance(before, list) else []), value]
        else:
            found[name] = value
    for name, text in found.items():
        original, where = body[name], f"/{name}"
        if isinstance(original, list) and isinstance(text, list) and len(text) != len(original):
            wanted = f"{where}: it has {len(original)} items; give as many, nothing after the sign where one stays"
            raise InputError(wanted, where=where)
        if text == "":
            raise InputError(f"{where}: the translation is empty", where=where)
    return found


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _ours(unit: Connection, us: Us, actor: Actor, target: Copy, language: str) -> Copy | None:
    """Return our translation of an object into a language that is not revoked."""
    for each in _about(unit, us, actor, target.object.id):
        if each.standing == "own" and language in _contents(each):
            return each
    return None


def _unchanged(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, target: Copy, before: Copy, language: str
) -> dict[str, Json]:
    """Return what of a translation is of texts that the object still says."""
    read = before.object.body.get("object_modified")
    kin = versions(unit, us, actor, target.object.id)
    base = next((c.object.body for c in kin if c.object.version == (read or "")), {})
    body = target.object.body
    texts = _contents(before)[language]
    return {n: text for n, text in texts.items() if n in body and body[n] == base.get(n)}


# --- what there is -------------------------------------------------------------------------------
def translations(unit: Connection, us: Us, actor: Actor, copy: Copy) -> list[Translation]:
    """Return the translations of an object that the actor may read: of this version first, the newest first."""
    found = [
        Translation(copy=each, language=language, fields=fields, stale=_is_stale(each, copy))
        for each in _about(unit, us, actor, copy.object.id)
        for language, fields in _contents(each).items()
    ]
    return sorted(found, key=lambda each: each.stale)


def _about(unit: Connection, us: Us, actor: Actor, id_: str) -> list[Copy]:
    rows = visible(us, actor)
    named = neighbours.naming(unit, rows, id_, (MOST, 0))
    return [
        copy
        for copy in named
        if copy.object.type == KIND
        and copy.object.body.get("object_ref") == id_
        and copy.object.body.get("revoked") is not True
    ]


def _contents(copy: Copy) -> dict[str, dict[str, Json]]:
    contents = copy.object.body.get("contents")
    said = contents.items() if isinstance(contents, dict) else ()
    return {language: fields for language, fields in said if isinstance(fields, dict)}


def _is_stale(translation: Copy, copy: Copy) -> bool:
    of = translation.object.body.get("object_modified")
    return isinstance(of, str) and moment(of) != moment(copy.object.version)


def in_language(copy: Copy, found: Iterable[Translation], language: str) -> Translation | None:
    """Return the translation in which somebody reads an object: its owner's before ours before others'.

    None where the object is in that language itself.
    """
    if _primary(str(copy.object.body.get("lang", DEFAULT))) == _primary(language):
        return None
    fit = [each for each in found if _primary(each.language) == _primary(language)]
    return min(fit, key=lambda each: _rank(copy, each, language), default=None)


def _rank(copy: Copy, each: Translation, language: str) -> tuple[bool, bool, bool, bool]:
    owners = each.copy.voucher == copy.voucher
    return each.stale, not owners, each.copy.standing != "own", each.language != language


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


def translated(body: Body, translation: Translation) -> dict[str, Json]:
    """Return what an object says, with its texts in another language where there is one."""
    made = dict(body)
    for name, text in translation.fields.items():
        original = body.get(name)
        if isinstance(original, str) and isinstance(text, str) and text:
            made[name] = text
        elif isinstance(original, list) and isinstance(text, list) and len(text) == len(original):
            pairs = zip(original, text, strict=True)
            made[name] = [new_ if isinstance(new_, str) and new_ else old for old, new_ in pairs]
    return made


# --- how it travels, and is found ----------------------------------------------------------------
def travelling(unit: Connection, us: Us, actor: Actor, seqs: Sequence[int]) -> list[int]:
    """Return the numbers of our translations of the very versions of some copies, which go along with these."""
    asked = set(seqs)
    rows = visible(us, actor)
    copies = [copy for some in objects.numbered(rows, seqs) for copy in objects.load(unit, some)]
    ids = {copy.object.id for copy in copies if copy.object.type != KIND}
    said = newest_by_id(unit, rows, _translating(unit, ids))
    of = {(copy.object.id, copy.object.version) for copy in copies}
    return [
        copy.seq
        for copy in sorted(said.values(), key=lambda each: each.seq)
        if copy.seq not in asked
        and copy.standing == "own"
        and copy.object.body.get("revoked") is not True
        and (copy.object.body.get("object_ref"), copy.object.body.get("object_modified", "")) in of
    ]


def _translating(unit: Connection, ids: Iterable[str]) -> set[str]:
    """Return the ids of what translates some objects, whoever may read it."""
    seqs = objects.referring_to(unit, ids)
    rows = objects.numbered(objects.everything(), seqs)
    keys = [key for some in rows for key in objects.keys(unit, some)]
    return {id_ for _, _, id_, _ in keys if id_.startswith(f"{KIND}--")}


def resolved(
    unit: Connection, us: Us, actor: Actor, found: Sequence[Copy]
) -> list[tuple[Copy, Copy | None]]:
    """Return, for what a search found, what it is about: a translation leads to its object.

    Each comes with the translation by which it was found; an object that was found by itself comes once.
    """
    named = {str(copy.object.body.get("object_ref")) for copy in found if copy.object.type == KIND}
    objects_ = newest_by_id(unit, visible(us, actor), named) if named else {}
    shown: set[str] = {copy.object.id for copy in found if copy.object.type != KIND}
    result: list[tuple[Copy, Copy | None]] = []
    for copy in found:
        target = (
            objects_.get(str(copy.object.body.get("object_ref")))
            if copy.object.type == KIND
            else None
        )
        if target is None:
            result.append((copy, None))
        elif target.object.id not in shown:
            shown.add(target.object.id)
            result.append((target, copy))
    return result
