"""An attribute of MISP that its author no longer wants detected by: the indicator that it was is revoked.

In MISP ``to_ids`` says whether tools act on a value, and who takes it away means that they stop. Here the value comes
in as an observation from then on, under the same UUID; without a last version tools would act on the indicator until it
decays.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from mithaq.model.canonical import Json
from mithaq.model.extensions import MISP_EXTENSION
from mithaq.model.objects import Body, Object, made, moment
from mithaq.store import objects, provenance

_EXTENSION = MISP_EXTENSION.encode()
_MARKS = "object_marking_refs"


def withdrawn(unit: Connection, voucher: str, given: Sequence[Object]) -> list[Object]:
    """Return the last versions of indicators that a source gave and now gives as something else."""
    others = (each for each in given if each.type != "indicator")
    instead = {f"indicator--{each.id[-36:]}": each for each in others if _is_of_misp(each)}
    for each in given:
        instead.pop(each.id, None)
    if not instead:
        return []
    newest: dict[str, tuple[str, int]] = {}
    for seq, by, id_, version in provenance.versions_of(unit, instead):
        if by == voucher and moment(version) >= moment(newest.get(id_, (version, 0))[0]):
            newest[id_] = (version, seq)
    copies = objects.by_seq(unit, [seq for _, seq in newest.values()])
    return [
        _last(copy.object.body, instead[copy.object.id])
        for copy in copies
        if copy.object.body.get("revoked") is not True
        and moment(instead[copy.object.id].version) > moment(copy.object.version)
    ]


def _is_of_misp(seen: Object) -> bool:
    """Say whether an object is an attribute or an object of MISP."""
    if _EXTENSION not in seen.raw:  # nearly all are not, and need not be read for it
        return False
    extensions = seen.body.get("extensions")
    kept = extensions.get(MISP_EXTENSION) if isinstance(extensions, dict) else None
    return isinstance(kept, dict) and not kept.keys().isdisjoint({"attribute", "object"})


def _last(body: Body, instead: Object) -> Object:
    """Return a body revoked, at the instant of what came instead, under the markings of both."""
    marks: dict[str, None] = {}
    for each in (body, instead.body):
        refs = each.get(_MARKS)
        marks |= dict.fromkeys(map(str, refs)) if isinstance(refs, list) else {}
    some: list[Json] = [*marks]
    last: dict[str, Json] = {**body, "revoked": True, "modified": instead.version}
    return made(last | ({_MARKS: some} if some else {}))
