"""What is kept of a requirement comes back the same on both databases."""

from mithaq.store import requirements
from mithaq.store.requirements import ANSWERED, TAGGED, UNTAGGED, Act, Asked, Row

AT = "2026-03-01T12:00:00.000Z"


def row(name, **more):
    values = {
        "owner": "ana",
        "priority": 3,
        "level": 1,
        "terms": "{}",
        "made_at": AT,
        "changed_at": AT,
    }
    return Row(name=name, **(values | more))


def test_what_is_kept_comes_back_by_priority_and_past_its_level(core):
    act = Act(requirement="كهرباء", at=AT, by="ana", act="made", said={"fields": ["why"]})
    asked = Asked(
        id="note--1", requirement="b", parties="borea,corvia", agreements="ab", needed_by=AT, by="ana", at=AT
    )  # fmt: skip
    with core.begin() as unit:
        for each in (row("b"), row("كهرباء", priority=1), row("a"), row("high", level=3)):
            requirements.keep(unit, each)
        requirements.keep(unit, row("a", state=ANSWERED, answer="نعم"))
        requirements.add_watch(unit, "a", 7, "sought")
        requirements.tag(unit, "a", "tool--1", TAGGED, "ana", AT)
        requirements.tag(unit, "a", "tool--1", UNTAGGED, "badr", AT)
        requirements.note(unit, act)
        requirements.ask(unit, asked)

    with core.read() as unit:
        assert [each.name for each in requirements.every(unit, 1)] == ["كهرباء", "a", "b"]
        assert requirements.named(unit, "a") == row("a", state=ANSWERED, answer="نعم")
        assert requirements.named(unit, "none") is None
        assert requirements.watches(unit, "a") == {7: "sought"}
        assert requirements.tags(unit, "a") == {"tool--1": (UNTAGGED, AT)}
        assert requirements.acts(unit, "كهرباء") == [act]
        assert requirements.asked_for(unit, ["a", "b"]) == [asked]
        assert requirements.request_ids(unit) == ["note--1"]
