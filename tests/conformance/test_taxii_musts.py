"""TAXII 2.1, rule by rule: that our node keeps each, and that the examiner finds out whoever breaks one."""

import json

import pytest

from mithaq.exchange.conform import RULES, Part, Verdict, Why
from mithaq.exchange.conform.rules import READING, WRITING
from mithaq.exchange.wire import PeerUnreachable, Response
from tests.conformance.servers import basic, examine_medallion, medallion_wire, ours, tool
from tests.values import replace

RULES_OF_TAXII = [rule for rule in RULES.values() if rule.part is Part.TAXII]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    made = ours(tmp_path_factory.mktemp("node") / "homes")
    yield made
    made.federation.close()


@pytest.fixture(scope="module")
def report(node):
    return node.examine(parts=[Part.TAXII], writes=True)


@pytest.mark.parametrize("rule", RULES_OF_TAXII, ids=lambda rule: f"{rule.cites} {rule.code}")
def test_our_node_keeps_every_rule(report, rule):
    [finding] = [each for each in report.findings if each.rule == rule]

    assert finding.verdict is Verdict.PASS, finding.evidence
    assert finding.times
    assert finding.evidence


def test_a_report_counts_what_it_found(report):
    told = report.as_json()

    assert not report.failed
    for level, must in (("MUST", True), ("SHOULD", False)):
        count = sum(r.must is must and r.part in {Part.LINE, Part.TAXII} for r in RULES.values())
        assert told["totals"][level] == {"pass": count, "fail": 0, "not-applicable": 0}
    assert {each["part"] for each in told["findings"]} == {"line", "taxii"}


def test_what_the_examiner_wrote_is_gone_afterwards(node, report):
    node.federation.settle(2)
    with node.federation.nodes["aurelia"].shelf.read() as unit:
        rows = unit.exec_driver_sql("SELECT count(*) FROM inbox_rows").scalar_one()

    assert report.verdict("post-stored") is Verdict.PASS
    assert rows == 0


def test_without_consent_nothing_is_written(node):
    seen = node.federation.wire.seen
    before = len(seen)

    found = node.examine(parts=[Part.TAXII])

    assert {f.why for f in found.findings if f.rule.code in WRITING} == {Why.NO_CONSENT}
    assert not found.failed
    assert all(body == b"" for sender, _, _, body in seen[before:] if sender == "examiner")


# --- peers -----------------------------------------------------------------------------------------
MEDALLION = {
    "no-fault",
    "error-message",
    "accept",
    "filter-malformed",
    "added-after-malformed",
    "next-without-limit",
    "next-again",
    "post-media-type",
    "post-dates-apart",
    "post-again",
    "post-no-envelope",
    "post-bad-objects",
    "post-good-neighbour",
    "post-survived",
}


def test_medallion_is_found_out():
    """Its faults are known: a bare type refused, 500 for `next` without limit and for one bad object for ever."""
    found = examine_medallion(parts=[Part.TAXII])

    broken = {f.rule.code for f in found.findings if f.verdict is Verdict.FAIL}
    assert broken == MEDALLION
    assert found.failed


def test_a_server_that_lets_nobody_in_without_a_credential_breaks_nothing_by_that(node):
    found = node.examine(parts=[Part.TAXII], credential=None)

    assert not found.failed
    for code in ("discovery", "api-roots", "api-root-unknown", "objects"):
        assert found.verdict(code) is Verdict.NOT_APPLICABLE


def test_who_is_not_let_in_learns_what_can_be_seen_from_outside(node):
    found = node.examine(parts=[Part.TAXII], credential=basic("misp", "wrong"))

    assert found.verdict("discovery") is Verdict.FAIL
    assert {f.verdict for f in found.findings if f.rule.code in READING | WRITING} == {
        Verdict.NOT_APPLICABLE
    }
    assert {f.why for f in found.findings if f.rule.code in READING} == {Why.NO_COLLECTION}


# --- liars -----------------------------------------------------------------------------------------
def body_of(answer):
    return json.loads(answer.body or b"{}")


def saying(answer, **changed):
    """Return an answer whose JSON says something else; None takes a member away."""
    value = {k: v for k, v in (body_of(answer) | changed).items() if v is not None}
    return replace(answer, body=json.dumps(value).encode())


def head(answer, **changed):
    headers = dict(answer.headers)
    for name, value in changed.items():
        headers.pop(name.replace("_", "-"), None)
        if value is not None:
            headers[name.replace("_", "-")] = value
    return replace(answer, headers=headers)


def on(method, *ends, query=""):
    """Return whether a request is of that method, at a path of that end, with that in its query."""

    def matches(request):
        path, _, asked = request.url.partition("?")
        return request.method == method and path.endswith(ends) and query in asked

    return matches


def page(request, answer):
    return request.method == "GET" and answer.status == 200 and "objects" in body_of(answer)


def reverse(answer):
    return saying(answer, objects=body_of(answer)["objects"][::-1])


def manifest_at(answer, change):
    return saying(answer, objects=[change(dict(r)) for r in body_of(answer)["objects"]])


def ok(**body):
    return Response(
        status=200,
        headers={
            "content-type": "application/taxii+json;version=2.1",
            "x-taxii-date-added-first": "2026-01-01T00:00:00.000000Z",
            "x-taxii-date-added-last": "2026-01-01T00:00:00.000000Z",
        },
        body=json.dumps(body).encode(),
    )


def refusing(status):
    def refuse(_request, answer):
        return replace(answer, status=status, body=json.dumps({"title": "No"}).encode())

    return refuse


def forget(name):
    """Answer as if one query parameter had not been sent."""
    return name


LIES = {
    "no-fault": (on("GET", "/manifest/", query="limit=x"), refusing(500)),
    "media-type": (
        on("GET", "/collections/"),
        lambda _, a: head(a, content_type="application/json"),
    ),
    "error-message": (
        on("GET", "/objects/", query="limit=0"),
        lambda _, a: head(replace(a, body=b"<h1>No</h1>"), content_type="text/html"),
    ),
    "timestamps": (
        on("GET", "/manifest/"),
        lambda _, a: head(a, x_taxii_date_added_last="2026-03-01T12:00:00Z"),
    ),
    "no-empty-lists": (
        on("GET", "/objects/", query="x-no-such-type"),
        lambda _, a: saying(a, objects=[]),
    ),
    "discovery": (on("GET", "/taxii2/"), lambda _, a: saying(a, title=None)),
    "api-roots": (on("GET", "/taxii2/"), lambda _, a: saying(a, default="/taxii2/other/")),
    "api-root": (
        lambda r: r.url.count("/") == 5 and "taxii2" in r.url,
        lambda _, a: saying(a, max_content_length=0) if a.status == 200 else a,
    ),
    "api-root-unknown": (
        on("GET", "/collections/"),
        lambda r, a: ok() if a.status == 404 else a,
    ),
    "auth-none": (
        lambda r: "authorization" not in r.headers,
        lambda _, a: ok(objects=[tool(1)]) if a.status == 401 else a,
    ),
    "auth-wrong": (
        lambda r: "bm9ib2R5" in r.headers.get("authorization", ""),
        lambda _, a: ok(),
    ),
    "auth-challenge": (
        lambda r: "authorization" not in r.headers,
        lambda _, a: head(a, www_authenticate=None),
    ),
    "accept": (
        lambda r: r.headers.get("accept") == "application/taxii+json",
        refusing(406),
    ),
    "collections": (
        on("GET", "/collections/"),
        lambda _, a: (
            saying(a, collections=[c | {"can_read": "yes"} for c in body_of(a)["collections"]])
            if a.status == 200
            else a
        ),
    ),
    "collection-unknown": (
        on("GET", "/no-such-collection/"),
        lambda _, a: ok(id="x"),
    ),
    "collection": (
        lambda r: r.url.rstrip("/").split("/")[-2] == "collections",
        lambda _, a: saying(a, title="Another") if a.status == 200 else a,
    ),
    "objects": (
        on("GET", "/objects/"),
        lambda r, a: saying(a, objects=[{"name": "no id"}]) if page(r, a) else a,
    ),
    "manifest": (
        on("GET", "/manifest/"),
        lambda r, a: manifest_at(a, lambda e: e | {"date_added": None}) if page(r, a) else a,
    ),
    "manifest-agrees": (
        on("GET", "/objects/"),
        lambda r, a: reverse(a) if page(r, a) else a,
    ),
    "date-headers": (
        on("GET", "/manifest/"),
        lambda r, a: (
            head(a, x_taxii_date_added_last=a.headers["x-taxii-date-added-first"])
            if page(r, a)
            else a
        ),
    ),
    "ascending": (on("GET", "/manifest/"), lambda r, a: reverse(a) if page(r, a) else a),
    "object": (
        lambda r: "/objects/tool--" in r.url and "versions" not in r.url,
        lambda r, a: saying(a, objects=[tool(99)]) if page(r, a) else a,
    ),
    "object-unknown": (on("GET", "/objects/no-id/"), lambda _, a: ok()),
    "versions": (
        on("GET", "/versions/"),
        lambda _, a: saying(a, versions=["2020-01-01T00:00:00.000Z"]) if a.status == 200 else a,
    ),
    "versions-unknown": (on("GET", "/versions/"), lambda _, a: ok() if a.status == 404 else a),
    "filter-malformed": (on("GET", "/objects/", query="version%5D=x"), lambda _, a: ok()),
    "added-after-malformed": (
        on("GET", "/objects/", query="added_after=yesterday"),
        lambda _, a: ok(),
    ),
    "limit-malformed": (on("GET", "/objects/", query="limit=0"), lambda _, a: ok()),
    "next-without-limit": (
        lambda r: "next=" in r.url and "limit=" not in r.url,
        refusing(400),
    ),
    "next-with-added-after": (
        lambda r: "next=" in r.url and "added_after=" in r.url,
        lambda r, a: reverse(a) if page(r, a) and len(body_of(a)["objects"]) > 1 else a,
    ),
    "more": (
        on("GET", "/manifest/", query="limit="),
        lambda r, a: saying(a, more="yes") if page(r, a) and "more" in body_of(a) else a,
    ),
    "post": (on("POST", "/objects/"), refusing(409)),
    "post-media-type": (
        lambda r: r.method == "POST" and r.headers["content-type"] == "application/taxii+json",
        refusing(415),
    ),
    "status": (
        lambda r: "/status/" in r.url,
        lambda _, a: saying(a, success_count=7) if a.status == 200 else a,
    ),
    "status-kept": (
        lambda r: "/status/" in r.url,
        lambda _, a: ok(id="x") if a.status == 404 else a,
    ),
    "post-again": (
        lambda r: "/status/" in r.url,
        lambda _, a: (
            saying(a, failure_count=1, success_count=0)
            if a.status == 200 and body_of(a)["total_count"] == 1
            else a
        ),
    ),
    "post-no-envelope": (
        lambda r: r.method == "POST" and r.body == b'{"objects": {}}',
        lambda _, a: replace(ok(id="x"), status=202),
    ),
    "post-bad-objects": (
        lambda r: "/status/" in r.url,
        lambda _, a: (
            saying(a, failure_count=0, success_count=6, failures=None, successes=None)
            if a.status == 200 and body_of(a)["total_count"] == 6
            else a
        ),
    ),
    "post-too-large": (
        lambda r: r.method == "POST" and len(r.body) > 8 << 20,
        lambda _, a: replace(ok(id="x"), status=202),
    ),
    "delete-unknown": (
        lambda r: r.method == "DELETE" and "00000000-0000" in r.url,
        lambda _, a: ok(),
    ),
    "write-refused": (
        lambda r: r.method == "DELETE",
        lambda _, a: ok() if a.status == 403 else a,
    ),
}


class Liar:
    """A wire to our node on which one sort of answer is changed; to be quick, it shows two collections alone."""

    def __init__(self, inner, matches, lie):
        self.inner, self.matches, self.lie = inner, matches, lie

    def send(self, request, limit):
        answer = self.inner.send(request, limit)
        if request.url.endswith("/collections/") and answer.status == 200:
            listed = [c for c in body_of(answer)["collections"] if c["alias"] != "seals"]
            answer = saying(answer, collections=listed)
        return self.lie(request, answer) if self.matches(request) else answer

    def close(self):
        pass


@pytest.mark.parametrize("code", LIES)
def test_a_server_that_breaks_one_rule_is_found_out(node, code):
    matches, lie = LIES[code]

    found = node.examine(
        parts=[Part.TAXII],
        writes=code in WRITING,
        through=lambda inner: Liar(inner, matches, lie),
    )

    assert found.verdict(code) is Verdict.FAIL
    assert found.failed


@pytest.mark.parametrize(
    ("code", "rewrite"),
    [
        ("limit", lambda url: url.replace("limit=", "l=")),
        ("next", lambda url: url.replace("next=", "n=")),
        ("filter-id", lambda url: url.replace("match%5Bid%5D", "m")),
        ("filter-type", lambda url: url.replace("match%5Btype%5D", "m")),
        ("filter-together", lambda url: url.replace("match%5Btype%5D", "m")),
        ("filter-version", lambda url: url.replace("match%5Bversion%5D=first", "m=first")),
        ("filter-spec-version", lambda url: url.replace("match%5Bspec_version%5D", "m")),
        ("added-after", lambda url: url.replace("added_after=", "a=")),
        ("by-date", lambda url: url.replace("added_after=2", "a=2")),
    ],
)
def test_a_server_that_overlooks_a_parameter_is_found_out(node, code, rewrite):
    class Deaf:
        def __init__(self, inner):
            self.inner = inner

        def send(self, request, limit):
            return self.inner.send(replace(request, url=rewrite(request.url)), limit)

    found = node.examine(parts=[Part.TAXII], through=Deaf)

    assert found.verdict(code) is Verdict.FAIL


def test_a_server_that_mixes_its_collections_is_found_out(node):
    class Shuffled:
        def __init__(self, inner):
            self.inner, self.asked = inner, 0

        def send(self, request, limit):
            answer = self.inner.send(request, limit)
            if request.url.endswith("/collections/") and answer.status == 200:
                self.asked += 1
                listed = body_of(answer)["collections"]
                return saying(answer, collections=listed[:: -1 if self.asked % 2 else 1])
            return answer

    assert node.examine(parts=[Part.TAXII], through=Shuffled).verdict("collections-order") is (
        Verdict.FAIL
    )


def test_a_server_that_forgets_its_pages_once_read_is_found_out(node):
    """A lost answer cannot be had again from a server that keeps where each reader stands."""

    class Once:
        def __init__(self, inner):
            self.inner, self.spent = inner, set()

        def send(self, request, limit):
            answer = self.inner.send(request, limit)
            if "next=" in request.url and request.url in self.spent:
                return refusing(400)(request, answer)
            self.spent.add(request.url)
            return answer

    found = node.examine(parts=[Part.TAXII], through=Once)

    assert found.verdict("next-again") is Verdict.FAIL
    assert not found.failed  # the standard only asks for it


def test_whoever_answers_nothing_is_no_server():
    class Silent:
        def send(self, request, limit):
            raise PeerUnreachable("nothing")

    with pytest.raises(PeerUnreachable):
        examine_medallion(parts=[Part.TAXII], wire=Silent())


def test_a_server_that_stops_answering_leaves_the_rest_unreached(node):
    class Tired:
        def __init__(self, inner):
            self.inner, self.left = inner, 60

        def send(self, request, limit):
            self.left -= 1
            if self.left < 0:
                raise PeerUnreachable("gone")
            return self.inner.send(request, limit)

    found = node.examine(parts=[Part.TAXII], writes=True, through=Tired)

    assert found.verdict("answers") is Verdict.FAIL
    assert Why.NOT_REACHED in {f.why for f in found.findings}


def test_no_other_host_is_ever_asked():
    """Whatever a server names: its roots elsewhere, a redirect, an address in a page."""
    wire = medallion_wire()
    wire.app.medallion_backend.data["/discovery"] |= {
        "default": "http://evil.example/root/",
        "api_roots": [
            "http://evil.example/root/",
            "//evil.example/x/",
            "http://peer.example/root/",
        ],
    }

    examine_medallion(parts=[Part.TAXII], wire=wire)

    assert {request.url.split("/")[2] for request in wire.asked} == {"peer.example"}


@pytest.mark.parametrize("name", [None, "../../x", "\x01\x7f", "a b\n"])
def test_names_that_are_none_are_findings_and_stop_no_examination(name):
    """A root that is no address, a collection without an id or with one that no address can hold."""
    wire = medallion_wire()
    named = {"title": "x", "can_read": True, "can_write": False} | ({"id": name} if name else {})

    class Odd:
        def send(self, request, limit):
            answer = wire.send(request, limit)
            path = request.url.partition("?")[0]
            if path.endswith("/taxii2/"):
                body = json.loads(answer.body)
                body["api_roots"] = ["http://[", "\x01", *body["api_roots"]]
                return replace(answer, body=json.dumps(body).encode())
            if path.endswith("/collections/"):
                return replace(answer, body=json.dumps({"collections": [named]}).encode())
            return answer

    found = examine_medallion(parts=[Part.TAXII], wire=Odd())

    assert {found.verdict(code) for code in ("api-roots", "collections")} == {Verdict.FAIL}
    assert found.verdict("answers") is Verdict.PASS
