"""The figures of the defence cycle: what is better never counts less, and what cannot be evaluated counts nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mithaq.detect.coverage import (
    Evidence,
    Gap,
    HeldRule,
    Proof,
    Seen,
    State,
    Stopped,
    Threat,
    gains,
    mean,
    standing,
    weight,
    with_parents,
)

SOURCES = ["sysmon/dns_query", "zeek/dns", "windows/security", "auditd"]
TECHNIQUES = ["T1059", "T1059.001", "T1071.004", "T1003"]
needs = st.lists(st.frozensets(st.sampled_from(SOURCES), min_size=1), max_size=3).map(tuple)
rules = st.builds(
    HeldRule,
    key=st.text("abc", min_size=1, max_size=3),
    techniques=st.lists(st.sampled_from(TECHNIQUES), max_size=2).map(tuple),
    needs=needs,
    used=st.sampled_from(["", "2026-11-30"]),
)
states = st.dictionaries(st.sampled_from(["M1", "M2", "M3"]), st.sampled_from(State))
proofs = st.lists(
    st.builds(Proof, kind=st.just("test"), what=st.just("x"), day=st.just("2026-11-30")), max_size=2
)
evidence = st.builds(
    Evidence,
    rules=st.lists(rules, max_size=4),
    mitigations=states,
    proofs=proofs,
    accepted=st.booleans(),
)
telemetry = st.frozensets(st.sampled_from(SOURCES))


def figures(one):
    return one.see, one.stop if one.stop is not None else 0, one.score


def no_less(after, before):
    return all(a >= b for a, b in zip(figures(after), figures(before), strict=True))


@given(evidence, telemetry, rules)
def test_one_more_rule_never_lowers_a_figure(some, collected, more):
    after = standing(replace(some, rules=[*some.rules, more]), collected)

    assert no_less(after, standing(some, collected))


@given(evidence, telemetry, rules)
def test_a_rule_without_telemetry_counts_as_none(some, collected, more):
    blind = replace(more, needs=(*more.needs, frozenset({"nobody/collects"})))

    after = standing(replace(some, rules=[*some.rules, blind]), collected)

    assert figures(after) == figures(standing(some, collected))
    assert after.gap is standing(some, collected).gap


@given(evidence, telemetry, telemetry)
def test_more_telemetry_never_lowers_a_figure(some, collected, more):
    assert no_less(standing(some, collected | more), standing(some, collected))


@given(evidence, telemetry, st.sampled_from(["M1", "M2", "M3"]))
def test_what_is_put_in_place_never_lowers_a_figure(some, collected, mitigation):
    said = {**some.mitigations, mitigation: some.mitigations.get(mitigation, State.ABSENT)}
    before = standing(replace(some, mitigations=said), collected)
    if said[mitigation] is not State.NOT_APPLICABLE:
        after = standing(replace(some, mitigations=said | {mitigation: State.IN_PLACE}), collected)
        assert no_less(after, before)


@given(evidence, telemetry)
def test_a_proof_closes_a_gap_and_never_lowers_a_figure(some, collected):
    proof = Proof(kind="test", what="red team", day="2026-11-30")
    after = standing(replace(some, proofs=[*some.proofs, proof]), collected)

    assert (after.seen, after.gap) == (Seen.PROVED, Gap.CLOSED)
    assert no_less(after, standing(some, collected))


@given(evidence, telemetry)
def test_what_nothing_sees_and_nothing_stops_is_a_gap_however_many_rules_there_are(some, collected):
    found = standing(some, collected)
    looked_for = any(r.used and r.needs and all(n & collected for n in r.needs) for r in some.rules)
    stops = {s for s in some.mitigations.values() if s is not State.NOT_APPLICABLE}
    closed = bool(some.proofs) or looked_for or stops == {State.IN_PLACE}

    assert (found.gap in {Gap.OPEN, Gap.ACCEPTED}) is not closed


def test_each_state_of_seeing_is_told_from_the_others():
    idle = HeldRule(key="a", techniques=("T1003",), needs=(frozenset({"auditd"}),))
    used = replace(idle, used="2026-11-30")
    proof = Proof(kind="hit", what="7", day="2026-11-30")
    found = [
        standing(Evidence(rules=rules, proofs=proved), collected).seen
        for rules, proved, collected in (
            ([], [], {"auditd"}),
            ([used], [], set()),
            ([idle], [], {"auditd"}),
            ([idle, used], [], {"auditd"}),
            ([], [proof], set()),
        )
    ]

    assert found == [Seen.NONE, Seen.BLIND, Seen.IDLE, Seen.WATCHED, Seen.PROVED]


def test_a_mitigation_that_is_partly_in_place_counts_half_and_one_that_does_not_apply_nowhere():
    said = {
        "M1": State.IN_PLACE,
        "M2": State.PARTLY,
        "M3": State.NOT_APPLICABLE,
        "M4": State.UNASSESSED,
    }

    found = standing(Evidence(mitigations=said), ())

    assert (found.stop, found.stopped, found.score) == (50, Stopped.PARTLY, 25)
    assert standing(Evidence(), ()).stop is None


def test_a_correlation_needs_telemetry_of_each_of_its_parts():
    both = HeldRule(key="c", techniques=(), needs=(frozenset({"zeek/dns"}), frozenset({"auditd"})))
    seen = [
        standing(Evidence(rules=[both]), c).seen for c in ({"zeek/dns"}, {"zeek/dns", "auditd"})
    ]

    assert seen == [Seen.BLIND, Seen.IDLE]


# --- threats and gains ---------------------------------------------------------------------------------
def threat(*reasons, **more):
    return Threat(
        key="G1", name="g", type="intrusion-set", techniques=frozenset(), reasons=reasons, **more
    )


def test_each_reason_lifts_a_threat_by_one_and_a_person_stands_above_them():
    found = [threat(*"abcdef"[:n]).priority for n in range(7)]

    assert found == [5, 4, 3, 2, 1, 1, 1]
    assert threat("a", set_priority=5).priority == 5
    assert weight([threat(set_priority=1), threat()]) == 6


def test_a_mean_is_of_what_weighs_something():
    assert mean([(100, 3), (0, 1), (50, 0)]) == 75
    assert mean([(50, 0)]) is None


@given(st.lists(rules, max_size=6), telemetry)
def test_what_a_log_source_would_give_is_what_it_gives_once_it_is_collected(some, collected):
    open_ = dict.fromkeys(TECHNIQUES, 2)

    for gain in gains(some, collected, open_):
        before = {id(r) for r in some if standing(Evidence(rules=[r]), collected).evaluable}
        after = [
            r for r in some if standing(Evidence(rules=[r]), collected | {gain.source}).evaluable
        ]
        new = [r for r in after if id(r) not in before]
        assert gain.source not in collected
        assert len(new) == gain.rules > 0
        assert gain.techniques == {t for r in new for t in r.techniques}
        assert gain.weight == 2 * len(gain.techniques)


def test_what_sees_a_part_sees_some_of_the_whole_and_not_the_other_way_round():
    assert with_parents(["T1059.001"]) == ("T1059.001", "T1059")
    assert with_parents(["T1059"]) == ("T1059",)
