"""Workers share a log: however many there are, and whoever is killed, they keep what one process finds alone."""

import random
import time
from contextlib import closing

import pytest

from mithaq.ingest import forwarding
from mithaq.ingest.telemetry import chunks, jetstream
from mithaq.ingest.telemetry.consuming import Whole
from mithaq.ingest.telemetry.jetstream import Line
from tests import migrated, streams


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("migrated_postgres")
    migrated.in_file(tmp_path / "core.db").close()
    return f"sqlite:///{tmp_path / 'core.db'}"


@pytest.fixture
def server(tmp_path):
    with streams.nats_server(tmp_path / "nats") as one:
        yield one


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text(streams.RULES, "utf-8")
    return path


@pytest.fixture
def crew(server, url, rules):
    crew = streams.Crew(server.address(), url, rules)
    yield crew
    for one in crew.hired:
        one.kill()


def expected(rules):
    found, counted = streams.alone(streams.recordings(), streams.content(rules))
    assert len(found) > 300
    assert {title for title, _, _ in counted} > streams.SEVERAL
    return found, counted


@pytest.mark.parametrize("number", [1, 2, 4])
def test_any_number_of_workers_keeps_what_one_process_finds(server, crew, rules, number):
    streams.publish(server.address(), streams.recordings())

    for _ in range(number):
        crew.hire()
    crew.wait()

    assert crew.hits() == expected(rules)


@pytest.mark.parametrize("kept", [False, True], ids=["before-keeping", "before-saying-so"])
def test_a_worker_that_is_killed_in_the_middle_of_a_chunk_leaves_nothing_out(
    server, crew, rules, kept
):
    streams.publish(server.address(), streams.recordings())

    victim, stopped = crew.hire(stop=(5, kept))
    assert stopped.wait(60)
    crew.hire()
    time.sleep(0.5)  # the other is at work
    victim.kill()
    victim.join()
    crew.hired.remove(victim)
    crew.hire()
    crew.wait()

    assert crew.hits() == expected(rules)


def forward(address, path, size, until):
    """Forward a file in chunks that are small, and slowly, until killed."""
    chunks.SIZE = size
    one = forwarding.opened(address, 1)
    put = one.publisher.put
    one.publisher.put = lambda chunk, **more: (time.sleep(0.02), put(chunk, **more))[1]
    until.set()
    one.file(path)
    one.close()


def test_who_forwards_and_is_killed_goes_on_and_each_chunk_is_on_the_log_once_in_its_order(
    server, tmp_path
):
    log = tmp_path / "dns.jsonl"
    log.write_bytes(b"".join(b'{"a": %d}\n' % number for number in range(4_000)))
    address = server.address("killed")
    chance = random.Random(5)
    for _ in range(4):
        begun = streams.PROCESSES.Event()
        one = streams.PROCESSES.Process(target=forward, args=(address, log, 1000, begun))
        one.start()
        assert begun.wait(60)
        time.sleep(chance.uniform(0.05, 0.8))
        one.kill()
        one.join()
    last = streams.publish(address, [log], 1000)

    with closing(Line(jetstream.address(address), "test")) as line:
        whole = Whole(line)
        raws = [one.raw for each in all_of(whole) for one in each.found]
    assert raws == [b'{"a": %d}' % number for number in range(4_000)]
    assert 0 < last.known < last.sent


def all_of(source):
    """Return all that a log holds."""
    found = []
    while some := list(source.batches(0.2)):
        found += some
    return found


def test_a_server_that_is_killed_and_comes_back_loses_nothing(server, crew, rules):
    paths = streams.recordings()
    streams.publish(server.address(), paths[:1])

    one, stopped = crew.hire(stop=(3, True))
    assert stopped.wait(60)
    crew.hire()
    server.kill()
    time.sleep(0.5)
    one.kill()
    server.start()
    crew.hired.remove(one)
    streams.publish(server.address(), paths)
    crew.hire()
    crew.wait()

    assert crew.hits() == expected(rules)
