"""A log on a JetStream: what is sent twice stands there once, what nobody keeps is set aside, one has the turn."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import zstandard

from mithaq.clock import text
from mithaq.formats.telemetry import Refusal
from mithaq.ingest.telemetry.source import NoSource, Ways
from tests import streams

jetstream = pytest.importorskip("mithaq.ingest.telemetry.jetstream")
from mithaq.ingest.forwarding import Forwarder  # noqa: E402 as below
from mithaq.ingest.telemetry import chunks, publishing  # noqa: E402 as below
from mithaq.ingest.telemetry.chunks import Chunk  # noqa: E402 after what may be absent
from mithaq.ingest.telemetry.consuming import DELIVERIES, Shared, Whole, opened  # noqa: E402
from mithaq.ingest.telemetry.jetstream import Line, address  # noqa: E402
from mithaq.ingest.telemetry.publishing import Publisher  # noqa: E402
from mithaq.ingest.telemetry.turns import Turn  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with streams.nats_server(tmp_path_factory.mktemp("nats")) as one:
        yield one


@pytest.fixture
def line(server, request):
    """Speak to a log of the test's own."""
    name = request.node.name[-40:].strip("_")
    with closing(Line(address(server.address(name, wait=1)), "test")) as one:
        yield one


def chunk(number, **more):
    return Chunk(raw=b'{"a": %d}\n' % number, kind="json", name="n é\n", **more)


def taken(source, number, seconds=20):
    found, until = [], time.monotonic() + seconds
    while len(found) < number and time.monotonic() < until:
        found += source.batches(0.2)
    return found


def raws(some):
    return [one.raw for each in some for one in each.found]


def test_what_is_sent_twice_stands_there_once_and_comes_with_its_name(line):
    publisher = Publisher(line)
    for number in (1, 2, 1):
        publisher.put(chunk(number))
    source = Shared(line)

    some = taken(source, 2)

    assert (publisher.sent, publisher.known) == (3, 1)
    assert raws(some) == [b'{"a": 1}', b'{"a": 2}']
    assert {each.name for each in some} == {"n é\n"}
    assert source.left() == 2
    for each in some:
        source.keep(each)
    assert source.left() == 0


@pytest.fixture
def forgetful(line, monkeypatch):
    """Let the server know what was sent for a moment only; return what forwards, each time as if for the first."""
    monkeypatch.setattr(publishing, "KNOWN_SECONDS", 0.2)
    monkeypatch.setattr(chunks, "SIZE", 1000)

    def forward(path):
        one = Forwarder(line, Publisher(line))
        one.file(path)
        time.sleep(0.6)  # of which the server looks at the last message twice
        return one.sent, one.known

    return forward


def test_a_file_that_is_forwarded_again_long_after_is_known_while_the_log_holds_it(
    line, forgetful, tmp_path
):
    log, stream = tmp_path / "n.jsonl", line.where.stream
    log.write_bytes(b"".join(b'{"a": %d}\n' % number for number in range(300)))
    (sent, known), again = forgetful(log), forgetful(log)
    log.write_bytes(log.read_bytes() + b'{"a": 300}\n')
    grown = forgetful(log)
    line.do(line.js.purge_stream(stream, seq=3))
    dropped = forgetful(log)
    held = raws(taken(Whole(line), sent + 1))
    line.do(line.js.delete_stream(stream))
    anew = forgetful(log)

    assert sent > 3
    assert known == 0
    assert again == (sent, sent)
    assert grown == (sent, sent - 1)
    assert dropped == (sent, sent - 2)
    assert set(held) == {b'{"a": %d}' % number for number in range(301)}
    assert anew == (sent, 0)


def test_who_may_not_ask_what_was_sent_forwards_as_before(tmp_path, monkeypatch):
    monkeypatch.setattr(jetstream, "REQUEST_SECONDS", 0.3)
    denied = '{publish: {deny: ["$JS.API.STREAM.*.KV_denied-sent", "$KV.>"]}}'
    user = f"{{user: one, password: secret, permissions: {denied}}}"
    login, log = tmp_path / "login.txt", tmp_path / "n.jsonl"
    login.write_text("one:secret")
    log.write_bytes(b"".join(b'{"a": %d}\n' % number for number in range(300)))
    monkeypatch.setattr(chunks, "SIZE", 1000)
    with (
        streams.nats_server(tmp_path / "nats", f"authorization {{users: [{user}]}}") as server,
        closing(Line(address(server.address("denied", login=login)), "test")) as line,
    ):
        one = Forwarder(line, Publisher(line))
        one.file(log)
        one.file(log)

    assert one.sent == 2 * one.known > 0


def test_what_is_pushed_again_long_after_is_new(line, forgetful, tmp_path):
    publisher = Publisher(line)
    for _ in range(2):
        publisher.put(chunk(1))
        time.sleep(0.6)

    assert (publisher.sent, publisher.known) == (2, 0)


def test_lines_that_others_put_there_are_read_without_any_headers(line):
    Publisher(line)
    line.do(line.js.publish(f"{line.where.stream}.dmz", b'{"a": 1}\n{"a": 2}\n'))

    (one,) = taken(Shared(line), 1)

    assert raws([one]) == [b'{"a": 1}', b'{"a": 2}']
    assert one.name == f"{line.where.stream}.dmz"


def test_a_message_that_unpacks_to_much_comes_in_parts_and_no_further_than_one_may(
    line, monkeypatch
):
    monkeypatch.setattr(chunks, "MOST_BYTES", 1 << 20)
    Publisher(line)
    many = b"".join(b'{"a": %d}\n' % number for number in range(5_000))
    for raw in (many, b'{"a": 1}\n' * (1 << 20)):
        line.do(line.js.publish(f"{line.where.stream}.dmz", zstandard.compress(raw)))
    shared, whole = Shared(line), Whole(line)
    first = next(shared.batches(5))  # and no more: others have their turn
    shared.keep(first)
    assert shared.left() == 2
    parts = [first, *taken(shared, 3)]
    in_order = taken(whole, len(parts))
    for one in parts:
        shared.keep(one)

    assert raws(parts[:3]) == many.splitlines()
    assert [each.found for each in in_order] == [each.found for each in parts]
    *cut, refused = [one for each in parts for one in each.found if isinstance(one, Refusal)]
    assert refused.code == "telemetry-large"
    assert [each.code for each in cut] in ([], ["telemetry-line"])  # the line that it ends within
    assert len(raws(parts[3:-1])) < 1 << 17
    assert shared.left() == 0


def test_a_chunk_that_nobody_lives_to_keep_is_set_aside_and_its_neighbour_is_not(line):
    publisher = Publisher(line)
    for number in (1, 2):
        publisher.put(chunk(number))
    source = Shared(line)
    bad = 0
    refused = []
    until = time.monotonic() + 40
    while not refused and time.monotonic() < until:
        for each in source.batches(1.5):
            refused += [one for one in each.found if isinstance(one, Refusal)]
            if not refused and raws([each]) == [b'{"a": 1}']:
                bad += 1
                each.mark.telling.cancel()  # as if its process had died
            else:
                source.keep(each)

    assert bad == DELIVERIES
    assert [(one.code, one.number) for one in refused] == [("telemetry-set-aside", 1)]
    assert source.left() == 0


def test_what_was_not_kept_goes_to_another_at_once_when_its_worker_ends(line):
    Publisher(line).put(chunk(1))
    first, second = Shared(line), Shared(line)
    assert raws(taken(first, 1)) == [b'{"a": 1}']
    assert taken(second, 1, 0.3) == []

    first.close()

    assert raws(taken(second, 1, 5)) == [b'{"a": 1}']


def test_a_group_begins_at_a_time_and_another_at_the_beginning(line, server):
    publisher = Publisher(line)
    publisher.put(chunk(1))
    time.sleep(0.3)
    since = datetime.now(UTC)  # noqa: DTZ005, TID251, RUF100 the server's clock is the machine's
    publisher.put(chunk(2))
    stream, when = line.where.stream, text(since)
    where = server.address(stream, consumer="later", since=when)

    with closing(Line(address(where), "test")) as later:
        assert raws(taken(Shared(later), 1)) == [b'{"a": 2}']
        assert raws(taken(Whole(later), 1)) == [b'{"a": 2}']
        other = address(where.replace(when, text(since - timedelta(days=1))))
        with (
            closing(Line(other, "test")) as earlier,
            pytest.raises(NoSource, match="something else"),
        ):
            Shared(earlier)
    with closing(opened(server.address(stream), Ways())) as watched:
        assert raws(taken(watched, 2)) == [b'{"a": 1}', b'{"a": 2}']
    assert raws(taken(Whole(line), 2)) == [b'{"a": 1}', b'{"a": 2}']


def test_what_the_log_dropped_before_it_was_read_in_order_is_said(line):
    publisher = Publisher(line)
    for number in (1, 2, 3):
        publisher.put(chunk(number))
    source = Whole(line)
    assert raws([next(source.batches(0))]) == [b'{"a": 1}']
    line.do(line.js.purge_stream(line.where.stream, seq=3))

    gone, last = [one for each in taken(source, 2) for one in each.found]

    assert gone.code == "telemetry-gone"
    assert last.raw == b'{"a": 3}'


def test_one_of_a_group_has_the_turn_until_it_leaves_or_says_nothing_any_more(line, server):
    Publisher(line)
    where = address(server.address(line.where.stream, wait=1))
    others = [Line(where, "test") for _ in range(2)]
    first, second, third = Turn(line), *map(Turn, others)
    assert [first.mine(), second.mine(), first.mine()] == [True, False, True]
    time.sleep(1.5)
    assert [first.mine(), second.mine()] == [True, False]

    first.close()
    assert second.mine()
    others[0].do(_silence(second))
    time.sleep(1.5)

    assert third.mine()
    for each in others:
        each.close()


async def _silence(turn):
    turn._saying.cancel()


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("nats://127.0.0.1/", "not of the form"),
        ("nats://127.0.0.1:x/a", "not of the form"),
        ("nats:///a", "not of the form"),
        ("nats://h/a.b", "not of the form"),
        ("nats://u:p@h/a", "password"),
        ("nats://h/a?nonsense=1", "has no nonsense"),
        ("nats://h/a?consumer=a.b", "letters"),
        ("nats://h/a?subject=a%20b", "letters"),
        ("nats://h/a?since=yesterday", "since"),
        ("nats://h/a?wait=0", "wait"),
    ],
)
def test_an_address_that_means_nothing_is_refused(where, why):
    with pytest.raises(NoSource, match=why):
        address(where)


def test_where_nobody_answers_or_the_log_is_not_there_it_is_said(server, monkeypatch):
    monkeypatch.setattr(jetstream, "CONNECT_SECONDS", 1.0)
    with pytest.raises(NoSource, match="no JetStream"):
        Line(address(f"nats://127.0.0.1:{streams.free_port()}/a"), "test")
    one = Line(address(server.address("nothing")), "test")
    with closing(one), pytest.raises(NoSource, match="no stream"):
        Shared(one)
