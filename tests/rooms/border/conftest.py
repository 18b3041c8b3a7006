"""One template of three nations for all tests here; each test works on a copy of it in memory."""

import pytest

from mithaq.border.admit import Outcome
from tests.rooms.border.lies import BOOKS
from tests.rooms.border.stage import US, B, C, Stage, build


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    made = build(tmp_path_factory.mktemp("nations"))
    yield made
    made.close()


@pytest.fixture
def stage(template):
    made = Stage.copy(template)
    yield made
    made.ends.close()


@pytest.fixture
def nations(template):
    """All three nations in memory, for what goes between them."""
    made = Stage.copy(template, only=(US, B, C))
    yield made
    made.ends.close()


@pytest.fixture
def refused(stage):
    """Admit a frame that must be refused for a cause, and see that nothing else changed."""

    def check(raw, cause, peer=B, now=None):
        before = stage.dump(*BOOKS)
        done = stage.admit(raw, peer, now)
        assert done.outcome is Outcome.REFUSED
        assert done.code.partition(": ")[2] == cause
        assert (done.stored, done.quarantined) == (0, 0)
        assert stage.dump(*BOOKS) == before
        assert [(r["peer"], r["cause"]) for r in stage.rows("refusals")][-1] == (peer, cause)

    return check
