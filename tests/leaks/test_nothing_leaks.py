"""Whatever people, time, the wire and crashes do: no peer receives what certainly was not for it (security.md 4)."""

import os

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from mithaq.border import local, publish, recall, shelf
from mithaq.policy import decide, lifecycle, permit, views
from mithaq.policy.decision import Hold, Release
from tests.leaks.lives import Leak
from tests.leaks.machine import NothingLeaks
from tests.values import replace

LONG = bool(os.environ.get("MITHAQ_LONG"))
BUDGET = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def test_no_peer_receives_a_canary_that_was_not_for_it():
    """MITHAQ_LONG=1 pytest tests/leaks lives a thousand lives of up to sixty acts."""
    lives = (
        settings(BUDGET, max_examples=1000, stateful_step_count=60)
        if LONG
        else settings(BUDGET, max_examples=12)
    )
    run_state_machine_as_test(NothingLeaks, settings=lives)


# --- the machine can fail ---------------------------------------------------------------------------------
def granular_markings_are_dropped(monkeypatch):
    monkeypatch.setattr(views, "path_labels", lambda _body, _table: {})


def no_level_is_checked(monkeypatch):
    for module in (views, permit):
        monkeypatch.setattr(module, "permits_level", lambda _clause, _label: True)


def a_closed_shelf_is_served(monkeypatch):
    monkeypatch.setattr(lifecycle, "narrowed", lambda _acts: None)


def what_waits_for_a_person_goes(monkeypatch):
    decided = publish.decide

    def hasty(*given):
        made = decided(*given)
        return {
            at: Release(view=d.view, clause=d.clause) if isinstance(d, Hold) else d
            for at, d in made.items()
        }

    monkeypatch.setattr(publish, "decide", hasty)


def what_a_peer_told_is_told_back(monkeypatch):
    """The rule against echoes is passed over, and so is the one about passing on."""
    monkeypatch.setattr(permit, "origin", lambda _candidate, _peer: iter(()))
    monkeypatch.setattr(permit, "onward", lambda *_given: iter(()))


def keep_lists_are_passed_over(monkeypatch):
    monkeypatch.setattr(views, "cut_by_keep_list", lambda _body, _keep: set())


def a_raise_decides_nothing_anew(monkeypatch):
    monkeypatch.setattr(local, "reconsider", lambda *_given: None)
    monkeypatch.setattr(recall, "raised", lambda *_given: [])


def references_stay_whoever_they_name(monkeypatch):
    real = decide.draft
    monkeypatch.setattr(decide, "draft", lambda *given: replace(real(*given), refs=()))


def removals_wait_for_additions(monkeypatch):
    monkeypatch.setattr(shelf, "_remove", lambda _unit, _ops, _now: None)


def errors_quote_what_they_refuse(monkeypatch):
    refuse = local.markings_hold

    def telling(ground, seen):
        structlog.get_logger().info("seen", body=str(seen.body))
        return refuse(ground, seen)

    monkeypatch.setattr(local, "markings_hold", telling)


FAULTS = [
    granular_markings_are_dropped,
    no_level_is_checked,
    a_closed_shelf_is_served,
    what_waits_for_a_person_goes,
    what_a_peer_told_is_told_back,
    keep_lists_are_passed_over,
    a_raise_decides_nothing_anew,
    references_stay_whoever_they_name,
    removals_wait_for_additions,
    errors_quote_what_they_refuse,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_machine_finds_a_seeded_fault(fault, monkeypatch):
    fault(monkeypatch)

    with pytest.raises(Leak):
        run_state_machine_as_test(
            NothingLeaks, settings=settings(BUDGET, derandomize=True, database=None)
        )
