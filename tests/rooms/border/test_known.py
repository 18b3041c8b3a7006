"""Who has a target already, and that what we made of it shows nowhere (border.md 2.5, 6)."""

import pytest

from mithaq.model.canonical import parse
from mithaq.model.labels import Tlp
from tests.rooms.border.lies import forum, pair, quarantined
from tests.rooms.border.stage import FORUM, PAIR, US, B, C, put, sealed


def comes(stage, body, onward, terms, role):
    """Borea sends an object, and says whether it speaks for it or carries it."""
    raw, _ = sealed(terms, [put(body, role=role, onward=onward)], stage.signer(B))
    stage.admit(raw)


def views(stage, copy, agreement):
    """What each party sees of a copy: the properties shown."""
    with stage.node.core.read() as unit:
        query = (
            "SELECT r.peer, b.body FROM rows r JOIN bodies b ON b.digest = r.view"
            f" WHERE r.copy = {copy.seq} AND r.agreement = '{agreement}'"
        )
        rows = unit.exec_driver_sql(query)
        return {peer: sorted(parse(bytes(body))) for peer, body in rows}


def sighting(stage, of):
    return stage.body("sighting", by=US, name=None, sighting_of_ref=of["id"])


def mention(stage, of):
    return stage.body(by=US, x_see_ref=of["id"])


@pytest.mark.parametrize("role", ["owner", "carrier"])
@pytest.mark.parametrize(
    ("about", "terms", "onward", "sees"),
    [
        (sighting, pair, "none", {B: True}),
        (mention, pair, "none", {B: True}),
        (sighting, forum, "none", {B: True}),
        (mention, forum, "none", {B: False, C: False}),
        (sighting, forum, "scope", {B: True, C: True}),
        (mention, forum, "scope", {B: True, C: True}),
    ],
)
def test_a_target_counts_for_who_sent_it_and_by_scope_for_all_whatever_became_of_it_here(
    stage, role, about, terms, onward, sees
):
    """Had it counted for nothing once set aside, its sender could read our verdict in our releases."""
    under = PAIR if terms is pair else FORUM
    target = stage.body(by=B, level=Tlp.CLEAR)
    comes(stage, target, onward, terms(), role)
    [copy] = stage.give(about(stage, target), own=True)

    stage.publish(copy, agreement=under)

    assert (target["id"] in quarantined(stage)) == (
        role == "carrier"
    )  # no role for what is Borea's own
    named = "sighting_of_ref" if about is sighting else "x_see_ref"
    assert {peer: named in shown for peer, shown in views(stage, copy, under).items()} == sees
