"""Exactly once, and the same for all, whatever the wire does: seeded schedules of five nations (security.md R8).

``./mithaq test tests/federation/test_schedules.py --schedules 1000 -n auto`` is the run of a release, or ten of them
with ``--first 0 --schedules 100``, ``--first 100 --schedules 100`` and so on; ``--schedule 17`` runs one again, to
the byte.
"""

import pytest

from tests.federation.schedule import Schedule

FEW = 2


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--schedule", None)
        many = metafunc.config.getoption("--schedules", FEW)
        first = metafunc.config.getoption("--first", 0)
        metafunc.parametrize("seed", range(first, first + many) if one is None else [one])


def test_whatever_the_wire_does_each_nation_holds_what_the_oracle_says_once_and_the_same(seed):
    schedule = Schedule(seed)
    try:
        schedule.run()
    except BaseException:
        told = "\n".join([*schedule.lines, str(schedule.storm.did)])
        pytest.fail(f"schedule {seed}; again: --schedule {seed}\n{told}", pytrace=True)
        raise


def test_a_schedule_runs_again_to_the_byte():
    assert Schedule(7).run() == Schedule(7).run()
