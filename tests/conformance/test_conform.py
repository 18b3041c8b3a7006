"""`mithaq conform` between nodes: that ours keeps every rule, and that a node which breaks one is found out."""

import json
import re
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from mithaq import clock
from mithaq.border import recall
from mithaq.border.orders import Asked
from mithaq.cli.app import app
from mithaq.exchange.conform import RULES, Part, Scope, Verdict, Why, examine
from mithaq.exchange.transport import HttpWire
from mithaq.exchange.wire import PeerUnreachable, Response
from mithaq.languages import LANGUAGES, catalogue
from mithaq.node import pairs
from mithaq.seal.envelope import read, sign
from mithaq.seal.frames import frame, several, split
from mithaq.seal.keys import generate
from mithaq.seal.messages import (
    HEARTBEAT,
    ORDER,
    SEAL,
    Head,
    Heartbeat,
    Order,
    Seal,
    decode,
    encode,
)
from tests.conformance.servers import examine_medallion, ours, text, tool
from tests.values import replace

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
BETWEEN = [Part.SEALS, Part.ADMISSION, Part.RECALL]
RULES_BETWEEN = [rule for rule in RULES.values() if rule.part in BETWEEN]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Aurelia, which has released to Borea and taken something back, and Borea, which has done so too."""
    made = ours(tmp_path_factory.mktemp("pair") / "homes")
    federation = made.federation
    federation.sign(text("pact", "bilateral", "aurelia", "borea"), "aurelia", "borea")
    federation.settle()
    made.release(*(tool(number) for number in range(20, 26)), agreement="pact")
    seqs = federation.give("borea", tool(40), tool(41))
    federation.release("borea", "pact", seqs)
    federation.settle(4)
    made.pages = {  # what could be read before anything was taken back
        path: made.federation.wire.deliver("aurelia.example", request).body
        for path, request in _before(made)
    }
    for name, number in (("aurelia", 21), ("borea", 40)):
        order_back(federation, name, number)
    federation.settle(4)
    yield made
    federation.close()


def _before(made):
    from mithaq.exchange.conform.pair import Line  # noqa: PLC0415 only here
    from mithaq.exchange.conform.probe import Probe  # noqa: PLC0415 only here

    probe = Probe(wire=None, base=made.url, book=None, pause=None, seconds_left=None)
    line = Line(probe=probe, pair=made.pair())
    channel = channel_of(made)
    for path in (f"/taxii2/{channel}/frames/?after=0", intel(channel)):
        yield path, line.dress(line.request("GET", path))


def intel(channel):
    return f"/taxii2/{channel}/collections/intel/objects/?match%5Bversion%5D=all"


def channel_of(made):
    with made.federation.nodes["aurelia"].shelf.read() as unit:
        return unit.exec_driver_sql(
            "SELECT shelf FROM shelves WHERE peer = 'borea' AND state = 'open'"
        ).scalar_one()


def order_back(federation, name, number):
    home = federation.nodes[name]
    asked = Asked(id=tool(number)["id"], cause="wrong")
    with home.core.begin() as unit:
        assert recall.recall(unit, home.us, "lena", asked, federation.clock())


@pytest.fixture(scope="module")
def report(node):
    return node.examine(parts=BETWEEN, pair=node.pair(), writes=True, credential=None)


@pytest.mark.parametrize("rule", RULES_BETWEEN, ids=lambda rule: f"{rule.cites} {rule.code}")
def test_our_node_keeps_every_rule(report, rule):
    [finding] = [each for each in report.findings if each.rule == rule]

    assert finding.verdict is Verdict.PASS, finding.evidence
    assert not report.failed


def test_without_a_home_only_what_anybody_sees_is_examined(node):
    found = node.examine(parts=BETWEEN, credential=None)

    judged = {f.rule.code for f in found.findings if f.verdict is not Verdict.NOT_APPLICABLE}
    assert judged == {"answers", "key-document"}
    assert {f.why for f in found.findings if f.rule.code == "heads"} == {Why.NO_NODE}


def test_without_consent_nothing_is_pushed(node):
    before = len(node.federation.wire.seen)

    found = node.examine(parts=BETWEEN, pair=node.pair(), credential=None)

    sent = node.federation.wire.seen[before:]
    assert all(body == b"" for sender, _, _, body in sent if sender == "examiner")
    assert {f.why for f in found.findings if f.rule.part is Part.ADMISSION} == {Why.NO_CONSENT}


def test_a_pair_is_made_of_a_confirmed_node_alone(node):
    home = node.federation.nodes["borea"]
    with home.core.read() as unit:
        assert pairs.node_at(unit, "http://aurelia.example/") == "aurelia"
        assert pairs.node_at(unit, "http://corvia.example") == ""
        assert pairs.of_peer(unit, home.us, "aurelia", home.clock).orders


# --- liars -----------------------------------------------------------------------------------------
class Liar:
    """A wire to Aurelia that answers as a faulty node would; ``lie`` is given the request and the true answer."""

    def __init__(self, node, lie):
        self.node, self.lie = node, lie
        self.signer = node.federation.nodes["aurelia"].us.signer

    def __call__(self, inner):
        self.inner = inner
        return self

    def send(self, request, limit):
        return self.lie(self, request, self.inner.send(request, limit))

    def heartbeat(self, answer, **changed):
        """Return Aurelia's heartbeat, saying something else and signed again."""
        said = msgspec.structs.replace(decode(read(answer.body).payload, Heartbeat), **changed)
        return replace(answer, body=sign(HEARTBEAT, encode(said), self.signer).to_bytes())

    def frames(self, answer, change):
        """Return the frames of an answer, each changed and signed again."""
        raws = [split(raw) for raw in several(answer.body)]
        said = [(decode(envelope.payload, Seal), body) for envelope, body in raws]
        told = [
            frame(sign(SEAL, encode(seal), self.signer).to_bytes(), body)
            for seal, body in map(change, said)
        ]
        return replace(answer, body=b"".join(told))


def at(path, change):
    def lie(liar, request, answer):
        if path in request.url and answer.status in {200, 202}:
            return change(liar, request, answer)
        return answer

    return lie


def _another_frame_key(_liar, _request, answer):
    return replace(
        answer,
        body=b"".join(
            frame(sign(SEAL, split(raw)[0].payload, generate()).to_bytes(), split(raw)[1])
            for raw in several(answer.body)
        ),
    )


def _without_first(_liar, _request, answer):
    return replace(answer, body=b"".join([*several(answer.body)][1:]))


def _other_body(_liar, _request, answer):
    raws = [*several(answer.body)]
    touched = [raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:] if split(raw)[1] else raw for raw in raws]
    return replace(answer, body=b"".join(touched))


def _no_batch(liar, _request, answer):
    def change(said):
        seal, body = said
        empty = sign("x", b"{}", generate()).to_bytes().decode()
        return msgspec.structs.replace(seal, batch=empty if seal.batch else ""), body

    return liar.frames(answer, change)


def _forged_order(liar, _request, answer):
    def change(said):
        seal, body = said
        entries = []
        for entry in seal.entries:
            if type(entry).__name__ == "Recall":
                order = decode(read(entry.order.encode()).payload, Order)
                forged = sign(ORDER, encode(order), generate()).to_bytes().decode()
                entry = msgspec.structs.replace(entry, order=forged)  # noqa: PLW2901 the changed one
            entries.append(entry)
        return msgspec.structs.replace(seal, entries=entries), body

    return liar.frames(answer, change)


def _one_more_object(_liar, _request, answer):
    body = json.loads(answer.body)
    body["objects"].append(tool(77))
    return replace(answer, body=json.dumps(body).encode())


def _further(liar, _request, answer):
    said = decode(read(answer.body).payload, Heartbeat)
    heads = [Head(channel=h.channel, seq=h.seq + 3, seal=h.seal) for h in said.heads]
    return liar.heartbeat(answer, heads=heads)


def _holds_everything(liar, request, answer):
    if request.method != "GET":
        return answer
    pushed = {
        found[1]
        for _, _, path, body in liar.node.federation.wire.seen
        if body and (found := re.fullmatch(r"/taxii2/([0-9a-f]{32})/frames/", path))
    }
    have = [Head(channel=name, seq=1, seal="sha256:" + "0" * 64) for name in pushed]
    return liar.heartbeat(answer, have=have)


def _as_before(liar, request, answer):
    path = request.url.removeprefix(liar.node.url)
    return replace(answer, body=liar.node.pages.get(path, answer.body))


def _elsewhere(status):
    return Response(status=status, headers={}, body=b"{}")


def _unknown_are_told(_liar, request, answer):
    stranger = answer.status == 401 and "signature" in request.headers
    return replace(answer, status=403) if stranger else answer


def _lets_replays_in(liar, request, answer):
    if answer.status == 401 and request.headers.get("signature") in getattr(liar, "seen", []):
        return replace(answer, status=200)
    liar.seen = [*getattr(liar, "seen", []), request.headers.get("signature")]
    return answer


def _everything_is_there(_liar, request, answer):
    return _elsewhere(200) if answer.status == 404 and "/frames/" in request.url else answer


def _says_what_was_wrong(_liar, request, answer):
    return replace(answer, status=400) if request.body == b"mithaq conformance test" else answer


def _takes_from_anybody(_liar, request, answer):
    unsigned = request.method == "POST" and "signature" not in request.headers
    return _elsewhere(202) if unsigned else answer


def _reads_heartbeats(_liar, request, answer):
    return replace(answer, status=422) if request.body == b"\xff" else answer


def _takes_any_hint(_liar, request, answer):
    return _elsewhere(202) if "/nudge/" in request.url else answer


def _of_another(liar, _request, answer):
    with liar.node.federation.nodes["borea"].shelf.read() as unit:
        raw = unit.exec_driver_sql("SELECT raw FROM documents WHERE name = 'keys'").scalar_one()
    return replace(answer, body=bytes(raw))


LIES = {
    "key-document": at("/mithaq/keys/", _of_another),
    "strangers-alike": _unknown_are_told,
    "replay-refused": _lets_replays_in,
    "heartbeat-signed": at(
        "/mithaq/heartbeat/", lambda _l, _r, a: replace(a, body=a.body.replace(b"A", b"B"))
    ),
    "heartbeat-fresh": at(
        "/mithaq/heartbeat/",
        lambda liar, _r, a: liar.heartbeat(a, expires="2026-03-01T12:00:01.000Z"),
    ),
    "frames-signed": at("/frames/", _another_frame_key),
    "frames-order": at("/frames/?after=0", _without_first),
    "frames-body": at("/frames/", _other_body),
    "batches": at("/frames/", _no_batch),
    "heads": at("/mithaq/heartbeat/", _further),
    "channel-unknown": _everything_is_there,
    "intel-sealed": at("/collections/intel/objects/", _one_more_object),
    "push-alike": _says_what_was_wrong,
    "push-stranger": _takes_from_anybody,
    "push-nothing-held": at("/mithaq/heartbeat/", _holds_everything),
    "heartbeat-alike": _reads_heartbeats,
    "nudge-malformed": _takes_any_hint,
    "order-signed": at("/frames/", _forged_order),
    "recalled-gone": at("/collections/intel/objects/", _as_before),
    "recalled-blank": at("/frames/?after=0", _as_before),
}


@pytest.mark.parametrize("code", LIES)
def test_a_node_that_breaks_one_rule_is_found_out(node, code):
    found = node.examine(
        parts=BETWEEN,
        pair=node.pair(),
        writes=RULES[code].part is Part.ADMISSION,
        credential=None,
        through=Liar(node, LIES[code]),
    )

    assert found.verdict(code) is Verdict.FAIL
    assert found.failed


def test_a_node_that_owes_an_answer_for_too_long_is_found_out(node):
    pair = node.pair()
    past = {"f" * 32: "2026-01-01T00:00:00.000Z"}
    future = {"f" * 32: "2199-01-01T00:00:00.000Z"}

    late = node.examine(parts=[Part.RECALL], pair=replace(pair, orders=past), credential=None)
    early = node.examine(parts=[Part.RECALL], pair=replace(pair, orders=future), credential=None)

    assert late.verdict("receipts") is Verdict.FAIL
    assert early.verdict("receipts") is Verdict.NOT_APPLICABLE


def test_a_node_whose_worker_stands_still_is_found_out(node):
    node.federation.clock.step(timedelta(minutes=20).total_seconds())

    found = node.examine(parts=[Part.SEALS], pair=node.pair(), credential=None)

    assert found.verdict("heartbeat-fresh") is Verdict.FAIL
    node.federation.settle(2)


def test_what_is_no_node_has_no_key_document():
    found = examine_medallion(parts=[Part.SEALS], writes=False)

    assert found.verdict("key-document") is Verdict.FAIL


# --- real lines ------------------------------------------------------------------------------------
class Hostile(BaseHTTPRequestHandler):
    """Sends everybody elsewhere, or never ends."""

    asked = []  # noqa: RUF012 one server, one list

    def do_GET(self):
        type(self).asked.append(self.path)
        if self.path.startswith("/endless"):
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return
        if self.path.startswith("/slow"):
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                return
        self.send_response(302)
        self.send_header("location", f"http://127.0.0.2:{self.server.server_port}/taken/")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hostile():
    Hostile.asked = []
    server = ThreadingHTTPServer(("0.0.0.0", 0), Hostile)  # noqa: S104 127.0.0.2 must reach it too
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def look(url, whole_seconds=60.0, **scope):
    wire = HttpWire(whole_seconds=whole_seconds)
    try:
        return examine(
            wire, Scope(url=url, **scope), monotonic=clock.monotonic, pause=lambda _: None
        )
    finally:
        wire.close()


def test_a_redirect_is_not_followed(hostile):
    found = look(hostile)

    assert found.verdict("discovery") is Verdict.FAIL
    assert Hostile.asked
    assert not [path for path in Hostile.asked if path.startswith("/taken")]


def test_an_endless_answer_is_cut_off(hostile):
    with pytest.raises(PeerUnreachable):
        look(hostile + "/endless")


def test_an_answer_that_trickles_in_is_cut_off(hostile):
    before = clock.monotonic()

    with pytest.raises(PeerUnreachable, match="slow"):
        look(hostile + "/slow", whole_seconds=0.5)

    assert clock.monotonic() - before < 10


def test_time_that_is_up_ends_the_examination(node):
    found = node.examine(parts=[Part.TAXII], seconds=0.0)

    assert {f.why for f in found.findings} == {Why.NOT_REACHED}


# --- the command -----------------------------------------------------------------------------------
def command(*args, typed=None, language="en"):
    env = {"MITHAQ_LANG": language, "MITHAQ_HOME": ""}
    return CliRunner().invoke(app, list(map(str, args)), env=env, input=typed)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_prints_a_report_in_the_readers_language(hostile, language):
    done = command("conform", hostile, language=language)

    words = catalogue("mithaq.exchange.conform", language)
    assert done.exit_code == 1
    assert words.say("rule.discovery") in done.stdout
    assert words.say("why.no-node") in done.stdout


def test_programs_get_the_same_with_all_evidence(hostile):
    done = command("conform", hostile, "--json", "--part", "taxii")

    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["failed"]
    [discovery] = [each for each in told["findings"] if each["code"] == "discovery"]
    assert discovery["verdict"] == "fail"
    assert discovery["cites"] == "TAXII 2.1, 4.1"
    assert discovery["evidence"][0] == {
        "request": "GET /taxii2/",
        "status": 302,
        "fact": "title: None",
    }


def test_nothing_is_written_without_a_yes(hostile):
    done = command("conform", hostile, "--write", typed="n\n")

    assert done.exit_code == 1
    assert Hostile.asked == []


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("ftp://x.example",), 2),
        (("x.example",), 2),
        (("http://u:p@x.example",), 2),
        (("http://x.example", "--part", "everything"), 2),
        (("http://127.0.0.1:1",), 6),
        (("http://x.example", "--token-file", "/nowhere"), 2),
    ],
)
def test_what_cannot_be_examined_is_told_in_a_sentence(args, code):
    done = command("conform", *args)

    assert done.exit_code == code
    assert "Traceback" not in done.output


def test_a_token_comes_from_a_file_and_is_never_shown(hostile, tmp_path):
    file = tmp_path / "token"
    file.write_text("mq_secret\n")

    done = command("conform", hostile, "--client", "misp", "--token-file", file, "--json")

    assert "mq_secret" not in done.output
    assert done.exit_code == 1


# --- the page --------------------------------------------------------------------------------------
def test_the_page_lists_every_rule_with_its_section_and_its_sentence():
    words = catalogue("mithaq.exchange.conform", "en")
    lines = PAGE.read_text("utf-8").splitlines()

    for rule in RULES.values():
        level = "MUST" if rule.must else "SHOULD"
        said = words.say(f"rule.{rule.code}")
        assert f"| `{rule.code}` | {rule.cites} | {level} | {said} |" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_and_every_reason_has_its_sentence(language):
    sentences = catalogue("mithaq.exchange.conform", language).sentences

    assert set(sentences) == {f"rule.{code}" for code in RULES} | {f"why.{why}" for why in Why}
