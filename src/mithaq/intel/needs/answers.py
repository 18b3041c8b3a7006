"""What answers intelligence requirements: tagged when it comes or by hand, counted by source, and where it is wanting.

A tag is ours: it is kept beside, by the number of a copy or by an id, and never in an object that leaves. What each
person is told is counted from what they may read.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.intel import finding
from mithaq.intel.finding.noticed import Followed, reader, watched
from mithaq.intel.keeping.service import versions
from mithaq.intel.needs import questions, requests
from mithaq.intel.needs.questions import Sought, Standing
from mithaq.intel.needs.requirements import Requirement, act, every
from mithaq.model.values import Value
from mithaq.store import noticing, objects, requirements, texts
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy
from mithaq.store.requirements import OPEN, RETIRED, TAGGED, UNTAGGED, Act
from mithaq.store.texts import Wanted

MOST_COUNTED = 5_000  # objects of one requirement that were tagged by themselves: the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """An object that answers a requirement: when it came, when it was tagged, and by whom (empty: by itself)."""

    copy: Copy
    at: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What one source gave."""

    source: str
    count: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a requirement stands, as far as one person may read."""

    requirement: Requirement
    count: int
    last: str  # when the last of it came
    sources: Sequence[Covered]
    seconds: tuple[float, float] | None  # from coming in to being tagged: median, and most
    tagged: Sequence[Tagged]
    parts: Sequence[Requirement]
    reasons: Sequence[str]  # why it is a gap
    more: bool  # there is more than was counted


def tag(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, one: Requirement, name: str, now: datetime, *, off: bool
) -> str:
    """Tag an object by hand, in all its versions, or take it out so that it is not tagged by itself again.

    Raises:
        Forbidden: the actor may not speak for us. NotFound: it is none that they may read.
    """
    require(actor, Permission.OBJECT_ADD)
    id_ = versions(unit, us, actor, name)[0].object.id
    state = UNTAGGED if off else TAGGED
    requirements.tag(unit, one.name, id_, state, actor.name, text(now))
    act(unit, actor, one, state, now, object=id_)
    return id_


def report(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, one: Requirement, now: datetime, most: int = 20
) -> Report:
    """Say how a requirement stands, as far as the actor may read; with ``most`` of what was tagged, newest first.

    Raises:
        TookTooLong: there is too much of what they may not read.
    """
    tags = requirements.tags(unit, one.name)
    watches = requirements.watches(unit, one.name)
    who = reader(us, actor)
    with within_seconds(unit, finding.SECONDS):
        what = watched(unit, us, actor, watches, {*tags, *requests.no_answers(unit, us, actor)})
        came = noticing.came(unit, who, what, max(MOST_COUNTED, most))
        by_hand = _by_hand(unit, us, actor, tags)
        held = {c.seq: c for c in objects.by_seq(unit, [each.seq for each, _ in came[:most]])}
    tagged = [Tagged(copy=held[each.seq], at=at, by="") for each, at in came[:most]]
    tagged = sorted([*tagged, *by_hand], key=lambda each: each.at, reverse=True)[:most]
    given = [(each.voucher, each.received_at) for each, _ in came]
    given += [(each.copy.voucher, each.copy.received_at) for each in by_hand]
    took = [(parse(at) - parse(each.received_at)).total_seconds() for each, at in came]
    parts = [each for each in every(unit, actor) if each.row.parent == one.name]
    stands = Standing(
        count=len(given),
        last=max((at for _, at in given), default=""),
        sources=len({source for source, _ in given}),
        parts=len(parts),
        waiting=[until for until, _ in requests.waiting(unit, us, actor, [one.name])],
    )
    open_ = one.row.state == OPEN
    return Report(
        requirement=one,
        count=stands.count,
        last=stands.last,
        sources=_by_source(given),
        seconds=(median(took), max(took)) if took else None,
        tagged=tagged,
        parts=parts,
        reasons=questions.reasons(one.terms, stands, now, text(now)) if open_ else [],
        more=len(came) >= MOST_COUNTED,
    )


def _by_hand(
    unit: Connection, us: Us, actor: Actor, tags: dict[str, tuple[str, str]]
) -> list[Tagged]:
    wanted = {id_: at for id_, (state, at) in tags.items() if state == TAGGED}
    rows = texts.newest(finding.visible(us, actor))
    found = finding.newest_by_id(unit, rows, wanted)
    return [Tagged(copy=copy, at=wanted[id_], by="hand") for id_, copy in found.items()]


def _by_source(given: Iterable[tuple[str, str]]) -> list[Covered]:
    counts: Counter[str] = Counter()
    last: dict[str, str] = {}
    for source, at in given:
        counts[source] += 1
        last[source] = max(last.get(source, ""), at)
    return [Covered(source=s, count=n, last=last[s]) for s, n in counts.most_common()]


def gaps(unit: Connection, us: Us, actor: Actor, now: datetime) -> list[Report]:
    """Return the open requirements that are not answered as they should be, the first of priority first."""
    found = [
        report(unit, us, actor, each, now, 0)
        for each in every(unit, actor)
        if each.row.state == OPEN
    ]
    return [each for each in found if each.reasons]


def acts(unit: Connection, us: Us, actor: Actor, one: Requirement) -> list[Act]:
    """Return what people did to a requirement, oldest first; what they tagged, as far as the actor may read it."""
    found = requirements.acts(unit, one.name)
    tagged = [str(each.said["object"]) for each in found if "object" in each.said]
    read = finding.newest_by_id(unit, texts.newest(finding.visible(us, actor)), tagged)
    return [each for each in found if each.said.get("object", "") in {"", *read}]


# --- what is there already, and who is told ------------------------------------------------------------
def held(unit: Connection, us: Us, actor: Actor, sought: Sought, most: int) -> list[Copy]:
    """Return what is held already and would answer, newest first; it is not tagged by itself."""
    rows = finding.visible(us, actor)
    found: dict[int, Copy] = {}
    with within_seconds(unit, finding.SECONDS):
        for query in questions.queries(sought):
            if query.value is not None:
                known = finding.look_up(unit, us, actor, Value(*query.value), most)
                found |= {one.copy.seq: one.copy for one in known}
                continue
            for type_ in query.types or ("",):
                wanted = Wanted(
                    words=query.words,
                    type=type_,
                    sources=query.sources,
                    labels=query.labels,
                    among=finding.among(unit, rows, query.topics),
                )
                found |= {c.seq: c for c in texts.search(unit, rows, wanted, (most, 0))}
    kept = [c for c in found.values() if c.object.type in (sought.types or {c.object.type})]
    return sorted(kept, key=lambda copy: -copy.seq)[:most]


def followed(unit: Connection, us: Us, actor: Actor) -> list[Followed]:
    """Return the requirements that the actor owns and that are not retired, as what they have notice of."""
    mine = [each for each in every(unit, actor) if each.row.owner == actor.name]
    never = requests.no_answers(unit, us, actor) if mine else set()
    return [
        Followed(
            name=each.name,
            kind="requirement",
            watches=list(requirements.watches(unit, each.name)),
            without=never | _untagged(unit, each),
        )
        for each in mine
        if each.row.state != RETIRED
    ]


def _untagged(unit: Connection, one: Requirement) -> set[str]:
    said = requirements.tags(unit, one.name)
    return {id_ for id_, (state, _) in said.items() if state == UNTAGGED}
