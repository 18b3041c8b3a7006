"""Every lie that a partner with valid keys can tell is detected and on record, and nothing of it is applied.

Each lie is told once here, by turns pushed and fetched, or both ways where something else becomes of it, and a fourth
of them to a second victim too, which has secrets. ``./mithaq test tests/federation/test_liars.py --every-way`` tells
all of them both ways and to both victims.
"""

from datetime import timedelta

import pytest

from mithaq.model.labels import Tlp
from tests.federation.judge import (
    Picture,
    nothing_applied,
    rows_of,
    seen_by_people,
    truth_goes_on,
)
from tests.federation.liar import PAIR, Liar, generate, on_files
from tests.federation.lies import LIES
from tests.rooms.border.stage import US, C, build, put

FEW = 4  # of so many lies one is told to a second victim
HONEST = {f"tool--00000000-0000-4000-9000-{number:012d}" for number in (50, 901)}


def pytest_generate_tests(metafunc):
    every = metafunc.config.getoption("--every-way", default=False)
    if "way" in metafunc.fixturenames:
        told_ = [
            (lie, way)
            for number, lie in enumerate(LIES)
            for way in (lie.ways if every or lie.polled else [lie.ways[number % len(lie.ways)]])
        ]
        metafunc.parametrize(("lie", "way"), told_, ids=[f"{lie.name}-{way}" for lie, way in told_])
    elif "lie" in metafunc.fixturenames:
        some = LIES if every else LIES[::FEW]
        metafunc.parametrize("lie", some, ids=[lie.name for lie in some])


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    made = build(tmp_path_factory.mktemp("nations"))
    yield made
    made.close()


@pytest.fixture
def stage_of(template, tmp_path):
    made = []

    def copy():
        made.append(on_files(template, tmp_path / str(len(made))))
        return made[-1]

    yield copy
    for each in made:
        each.ends.close()


def told(lie, way, stage, *secretly):
    """Let a liar tell its lie to Aurelia; return it with Aurelia before and after."""
    liar = Liar(stage, way)
    for act in secretly:
        act(liar)
    if lie.before is not None:
        lie.before(liar)
        liar.tell()
        liar.recants()
    before = Picture(liar)
    liar.heard.clear()
    lie.tells(liar)
    liar.tell()
    return liar, before, Picture(liar)


def hide(liar):
    """Give Aurelia secrets: objects of its own under the very ids that the liar speaks of."""
    bodies = [
        liar.body(number, by=US, level=Tlp.AMBER_STRICT, name="a secret")
        for number in (3, 4, 5, 50)
    ]
    liar.stage.give(*bodies)


def test_it_is_detected_and_nothing_of_it_is_applied(stage_of, lie, way):
    verdict = lie.verdict(way)
    liar, before, after = told(lie, way, stage_of())

    nothing_applied(verdict, before, after)
    truth_goes_on(before, after, HONEST)
    seen_by_people(verdict, before, after)
    if way == "push":
        heard = {(status, body) for _, status, body in liar.heard}
        if verdict.kind == "turned away":
            assert {status for status, _ in heard} == {401}
        else:
            assert heard == {(202, b"{}")}
    if lie.goes_on and verdict.kind not in {"frozen", "kept", "own"}:
        liar.recants()
        liar.says(put(liar.body(60)))
        liar.tell()
        assert put(liar.body(60))[0].id in {row.id for row in Picture(liar).core["copies"]}


def test_its_teller_learns_nothing_but_what_its_own_bytes_determine(stage_of, lie):
    way = lie.ways[0]

    plain, secret = (told(lie, way, stage_of(), *more)[0] for more in ((), (hide,)))

    assert plain.learns() == secret.learns()


def test_a_story_that_waits_and_another_under_its_number_are_two_stories(stage_of):
    [lie] = [each for each in LIES if each.name == "issued-tomorrow"]
    liar, before, _ = told(lie, "push", stage_of())
    liar.recants()
    liar.says(put(liar.body(60)))
    liar.tell()

    after = Picture(liar)
    assert after.peer["frozen"] == before.peer["frozen"] + 1
    assert len(after.new(before, "alarms")) == 1
    assert liar.stage.admitted() == []


def test_a_partner_that_shows_the_same_heartbeat_for_ever_is_silent_to_our_people(stage_of):
    liar = Liar(stage_of(), "poll")
    liar.says(put(liar.body(1)))
    liar.tell()
    old = liar.heartbeat()
    liar.beat_as["mangle"] = lambda _raw: old
    for _ in range(3):
        liar.stage.clock.step(1800)
        liar.tell()

    assert Picture(liar).peer["state"] == "silent"
    assert len(liar.stage.admitted()) == 1


DOORS = {
    "the same request again": {},
    "made long ago": {"at": timedelta(hours=-1)},
    "made for tomorrow": {"at": timedelta(days=1)},
    "with another body": {"body": b"another"},
    "to another path": {"url": "http://aurelia.example/mithaq/nudge/"},
    "by another method": {"method": "PUT"},
    "by nobody's key": {"signer": True},
}


@pytest.mark.parametrize("door", DOORS)
def test_a_request_replayed_or_changed_on_its_way_reaches_nothing(stage_of, door):
    liar = Liar(stage_of(), "push")
    how = dict(DOORS[door])
    how["at"] = liar.now + how.pop("at", timedelta())
    if how.pop("signer", None):
        how["signer"] = generate()
    raw = liar.says(put(liar.body(1)))
    path = f"/taxii2/{liar.streams[PAIR].id}/frames/"
    signed = liar.request(path, raw, **how)
    if door == "the same request again":
        assert liar.listener.answer(signed).status == 202
    before = rows_of(liar.victim.spool)

    answer = liar.listener.answer(signed)

    assert answer.status in {401, 405}
    assert rows_of(liar.victim.spool) == before


def test_frames_and_heartbeats_of_one_node_are_nothing_at_the_address_of_another(stage_of):
    liar = Liar(stage_of(), "poll")  # Borea's node answers where Corvia's should
    liar.says(put(liar.body(1)))
    before = Picture(liar)
    liar.worker.visitor.visit(C, ask=True)

    assert Picture(liar).changed(before) == set()
    assert {row.key: row.value for row in Picture(liar).core["settings"]}[f"visit:{C}"]
