"""How long an answer takes tells nothing of what is hidden (security.md 4: push times, lengths, TLS, all of Obs).

``./mithaq test tests/leaks/test_timing.py --pairs 5000 -s`` is the run of a release, and prints its figures.
"""

import json
import math
import sys

import pytest

from tests.leaks.acts import (
    a_recall_to_another,
    a_release_to_another,
    a_release_to_another_client,
    another_nation,
    brings,
    large_objects,
    other_vouchers_copies_of_common_ids,
    releases,
    secret_objects,
    turns,
    what_another_client_posts,
    what_another_sends,
    what_another_sends_into_quarantine,
)
from tests.leaks.chance import repeatable
from tests.leaks.lists import KNOWN, brings_indicators, releases_indicators
from tests.leaks.pair import Pair
from tests.leaks.timing import Caller, served, verdict

HIDDEN = (
    another_nation,
    secret_objects,
    large_objects,
    other_vouchers_copies_of_common_ids,
    a_release_to_another,
    a_release_to_another_client,
    a_recall_to_another,
    what_another_sends,
    what_another_sends_into_quarantine,
    what_another_client_posts,
    *KNOWN,
)
LEAK = 0.001  # seconds that a node with a leak takes longer, at least


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two nodes, the right of which holds and did much that no asker may know."""
    with repeatable():
        made = Pair(tmp_path_factory.mktemp("timing"))
        for act in (brings, releases, brings_indicators, releases_indicators, turns, turns):
            made.both(act)
        for hidden in HIDDEN:
            hidden(made.right)
        for _ in range(2):
            made.right.turn("corvia", "dorado")
            made.both(turns)
    yield made
    made.close()


def run(pair, pairs, seed, leak=0.0):
    with served(pair, leak) as line:
        found = verdict(Caller(pair, line).measure(pairs, seed))
    sys.stdout.write(json.dumps({"leak": leak, **found}) + "\n")
    return found


@pytest.fixture
def pairs(request):
    return request.config.getoption("--pairs", 320)


def test_no_asker_can_tell_by_the_time_whether_a_node_holds_what_is_hidden(pair, pairs):
    assert not (run(pair, pairs, 0)["told"] and run(pair, pairs, 1)["told"])


def test_a_node_that_takes_a_millisecond_longer_is_found_out(pair, pairs):
    """A clock that sees nothing proves nothing. Where others work too, the least that so many pairs show is more."""
    noise = run(pair, pairs // 2, 2)["spread"]
    for seed in (0, 1):
        assert run(pair, pairs, seed, max(LEAK, 12 * noise / math.sqrt(pairs)))["told"]
