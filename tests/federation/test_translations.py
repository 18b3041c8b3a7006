"""A translation travels with its object, as far as that goes, and a partner's people read it as one."""

from mithaq.intel import store, versions
from mithaq.intel.authoring import translations
from mithaq.model.labels import Tlp
from tests.federation.test_delivery import tool
from tests.federation.test_proposals import Desk, owner, shared

__all__ = ["shared"]
ARABIC = "مطرقة الوزارة"


def translate(desk, name, *pairs):
    draft = desk.ask(translations.translate, name, ("ar", pairs), desk.federation.clock())
    with desk.node.core.begin() as unit:
        return store(unit, desk.node.us, desk.actor, draft, desk.federation.clock())


def test_a_translation_goes_where_its_object_goes_and_no_further(shared):
    a, b, c = (Desk(shared, name) for name in ("aurelia", "borea", "corvia"))
    body = tool(2) | {"created_by_ref": owner(shared)}
    [stays] = shared.give("aurelia", body, tlp=Tlp.AMBER_STRICT)
    here = [
        translate(a, str(stays), f"name={ARABIC}"),
        translate(a, tool(1)["id"], f"name={ARABIC}"),
    ]
    [theirs] = b.ask(versions, tool(1)["id"])
    note = translate(b, str(theirs.seq), "name=اسم آخر")

    for copy in here:
        shared.release("aurelia", "forum", [copy.seq])
    shared.release("borea", "forum", [note.seq])
    shared.settle(3)

    for desk in (b, c):
        [copy] = desk.ask(versions, tool(1)["id"])
        read = translations.in_language(copy, desk.ask(translations.translations, copy), "ar")
        assert (read.fields["name"], read.by, read.stale) == (ARABIC, "aurelia", False)
    assert here[0].object.id not in {id_ for id_, _ in shared.held_by("borea")}
    [back] = a.ask(versions, note.object.id)
    assert back.owner == "borea"
    assert note.object.id in {id_ for id_, _ in shared.held_by("corvia")}  # the owner set scope

    newer = a.set(name="x")
    shared.release("aurelia", "forum", [newer.seq])
    shared.settle(3)
    copy = b.ask(versions, tool(1)["id"])[0]
    assert {each.stale for each in b.ask(translations.translations, copy)} == {True}
