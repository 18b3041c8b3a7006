"""Finding copies by words, which are read out of them some time after they came, and until then when it is asked."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, select

from mithaq.model.objects import Object
from mithaq.store import objects
from mithaq.store.journal import keep
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import insert_many
from mithaq.store.tables import copies, provenance, texts

_PAGE = 500  # copies looked through at once


def behind(unit: Connection) -> bool:
    """Say whether there are copies whose words were not read out yet."""
    newest = unit.execute(select(func.max(copies.c.seq))).scalar_one()
    return (newest or 0) > objects.read_until(unit)


def read_out(unit: Connection, most: int) -> None:
    """Keep the words of the next ``most`` copies, and what they refer to."""
    rows = objects.everything().where(copies.c.seq > objects.read_until(unit))
    found = objects.load(unit, rows.order_by(copies.c.seq).limit(most))
    said = [(copy.seq, words_of(copy.object)) for copy in found]
    insert_many(unit, texts, ("copy", "words"), said, or_else="keep")
    objects.relate(unit, found)
    if found:
        keep(unit, objects.READ, str(found[-1].seq))


def search(
    unit: Connection,
    visible: Rows,
    words: str = "",
    type_: str = "",
    page: tuple[int, int] = (100, 0),
) -> list[Copy]:
    """Return the newest version, per voucher, of what is ``visible`` and holds every one of ``words``.

    Newest stored first. A newer version that is not visible hides the older ones: it may bear the stricter label.

    Args:
        page: how many at most, and the number of the last copy of the page before (0: from the top).
    """
    limit, before = page
    rows = _newest(visible)
    if type_:
        rows = rows.where(copies.c.type == type_)
    if before:
        rows = rows.where(copies.c.seq < before)
    typed = words.encode("utf-8", "replace").decode().replace("\0", " ")  # no database takes these
    wanted = typed.lower().split()
    if not wanted:
        return objects.load(unit, rows.order_by(copies.c.seq.desc()).limit(limit))
    found: list[Copy] = []
    for copy in _unread(unit, rows, objects.read_until(unit)):
        if _says(copy, wanted):
            found.append(copy)
            if len(found) == limit:
                return found
    said = rows.join(texts, texts.c.copy == copies.c.seq)
    for word in wanted:
        said = said.where(texts.c.words.contains(word, autoescape=True))
    rest = said.order_by(copies.c.seq.desc()).limit(limit - len(found))
    return found + objects.load(unit, rest)


def _newest(visible: Rows) -> Rows:
    later, given = copies.alias(), provenance.alias()
    # without the Z a longer fraction of one millisecond sorts after a shorter one
    newer, older = (func.rtrim(side.c.version, "Z") for side in (later, copies))
    superseded = select(later.c.seq).join_from(later, given, given.c.seq == later.c.provenance)
    superseded = superseded.where(
        later.c.tail == copies.c.tail,
        later.c.id == copies.c.id,
        newer > older,
        given.c.voucher == provenance.c.voucher,
    )
    return visible.where(~superseded.exists())


def _unread(unit: Connection, rows: Rows, position: int) -> Iterator[Copy]:
    """Yield those of ``rows`` whose words were not read out yet, newest first."""
    rest = rows.where(copies.c.seq > position).order_by(copies.c.seq.desc()).limit(_PAGE)
    some = objects.load(unit, rest)
    while some:
        yield from some
        some = objects.load(unit, rest.where(copies.c.seq < some[-1].seq))


def _says(copy: Copy, wanted: Sequence[str]) -> bool:
    said = words_of(copy.object)
    return all(word in said for word in wanted)


_SAID = {"name", "value", "pattern", "description", "aliases", "x_mitre_aliases"}


def words_of(object_: Object) -> str:
    """Return in lower case what an object can be found by."""
    body = object_.body
    parts = [object_.id]
    for name in _SAID & body.keys():
        value = body[name]
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, list):
            parts += [each for each in value if isinstance(each, str)]
    sources = body.get("external_references")
    for each in sources if isinstance(sources, list) else ():
        if isinstance(each, dict) and "external_id" in each:
            parts.append(str(each["external_id"]))
    return " ".join(filter(None, parts)).lower()
