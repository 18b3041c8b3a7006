"""Reading STIX patterns (STIX 2.1 section 9); the validator of OASIS is the oracle of what is a pattern."""

from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2patterns.v21.pattern import Pattern as OfOasis

from mithaq.detect.stix.language import (
    Between,
    Comparison,
    Either,
    Every,
    Followed,
    Limits,
    Observed,
    Operator,
    Path,
    PatternRefused,
    Repeated,
    Some,
    Together,
    Within,
)
from mithaq.detect.stix.parser import equality, read

A, B, C = "[url:value = 'a']", "[url:value = 'b']", "[url:value = 'c']"


def compared(pattern):
    """Return what one observation is compared with."""
    expression = read(pattern).expression
    assert isinstance(expression, Observed)
    return expression.compared


def refused(pattern, limits=None):
    """Return the code by which a pattern is refused."""
    with pytest.raises(PatternRefused) as error:
        read(pattern, limits or Limits())
    return error.value.code.removeprefix("pattern-")


def one(text):
    return Observed(Comparison(Path("url", ("value",)), Operator.EQUAL, (text,)))


def test_or_binds_closer_than_followedby_and_and_closer_than_or():
    assert read(f"{A} AND {B} OR {C} FOLLOWEDBY {A}").expression == Followed(
        (Either((Together((one("a"), one("b"))), one("c"))), one("a"))
    )
    assert compared("[url:value = 'a' OR url:value = 'b' AND url:value = 'c']") == Some(
        (one("a").compared, Every((one("b").compared, one("c").compared)))
    )


def test_brackets_bind_first():
    assert read(f"{A} AND ({B} OR {C})").expression == Together(
        (one("a"), Either((one("b"), one("c"))))
    )
    assert compared("[(url:value = 'a' OR url:value = 'b') AND url:value = 'c']") == Every(
        (Some((one("a").compared, one("b").compared)), one("c").compared)
    )


def test_a_qualifier_belongs_to_what_stands_before_it():
    assert read(f"{A} AND {B} REPEATS 3 TIMES WITHIN 1.5 SECONDS").expression == Together(
        (one("a"), Within(Repeated(one("b"), 3), 1.5))
    )
    start, stop = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    interval = "START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"
    assert read(f"({A} FOLLOWEDBY {B}) {interval}").expression == Between(
        Followed((one("a"), one("b"))), start, stop
    )


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("file:hashes.'SHA-256'", Path("file", ("hashes", "SHA-256"))),
        ("network-traffic:dst_ref.value", Path("network-traffic", ("dst_ref", "value"))),
        (
            "email-message:body_multipart[*].body_raw_ref.name",
            Path("email-message", ("body_multipart", None, "body_raw_ref", "name")),
        ),
        (
            "file:extensions.'windows-pebinary-ext'.sections[2].entropy",
            Path("file", ("extensions", "windows-pebinary-ext", "sections", 2, "entropy")),
        ),
    ],
)
def test_a_path_leads_through_keys_indices_and_references(written, path):
    assert compared(f"[{written} = 'x']").path == path


@pytest.mark.parametrize(
    ("written", "constant"),
    [
        (r"'it\'s \\ here'", r"it's \ here"),
        ("-5", -5),
        (".5", 0.5),
        ("true", True),
        ("h'00ff'", b"\x00\xff"),
        ("b'AP8='", b"\x00\xff"),
        ("t'2026-11-30T12:00:00.25Z'", datetime(2026, 11, 30, 12, 0, 0, 250000, tzinfo=UTC)),
    ],
)
def test_constants_of_every_type_are_read(written, constant):
    assert compared(f"[x:y = {written}]").constants == (constant,)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("[file:hashes.sha256 = 'x']", "hash-name"),
        ("[file:hashes.MD5 = 'x' AND file:hashes.SHA-256 = 'x']", "unquoted-name"),
        ("[file:path = '/bin/x']", "unknown-property"),
        ("[email:subject = 'x']", "renamed-type"),
        ("[app:id = 'x']", "unknown-type"),
        (r"[directory:path = 'C:\Users']", "lone-backslash"),
        (
            f"{A} START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'",
            "text-for-timestamp",
        ),
        ("[url:value = 'a' and url:value like 'b%']", "small-keyword"),
    ],
)
def test_what_people_write_beside_the_grammar_is_understood_and_told_of(pattern, code):
    assert read(pattern).tolerated == (code,)


def test_hashes_have_one_name_however_they_are_written():
    for name in ("sha256", "SHA256", "'sha-256'", "SHA-256", "'SHA-256'"):
        assert compared(f"[file:hashes.{name} = 'x']").path == Path("file", ("hashes", "SHA-256"))


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("", "syntax"),
        ("[]", "syntax"),
        (f"{A} {B}", "syntax"),
        (f"({A}", "syntax"),
        ("[url:value = 'a] ", "unterminated"),
        ("[url:value = “a”]", "sign"),
        ("[NOT url:value = 'a']", "syntax"),
        ("[url:value MATCHES '(']", "expression"),
        (r"[url:value MATCHES '(a)\\1']", "expression"),
        ("[url:value MATCHES '((a{1,100}){1,100}){1,100}']", "expression"),
        ("[url:value LIKE 5]", "constant"),
        ("[url:value < true]", "constant"),
        ("[artifact:payload_bin = h'0']", "constant"),
        ("[url:value IN ('a', 1)]", "set"),
        ("[ipv4-addr:value ISSUBSET 'here']", "network"),
        (f"{A} REPEATS 0 TIMES", "repeats"),
        (f"{A} REPEATS 1000000000 TIMES", "repeats"),
        (f"({A} REPEATS 1000 TIMES) REPEATS 1000 TIMES", "repeats"),
        (f"{A} WITHIN 0 SECONDS", "window"),
        (f"{A} WITHIN 1{'0' * 60} SECONDS", "window"),
        (f"{A} WITHIN 5 SECONDS WITHIN 6 SECONDS", "qualifier"),
        (f"{A} START t'2026-01-02T00:00:00Z' STOP t'2026-01-01T00:00:00Z'", "interval"),
        (f"{A} START t'2026-13-02T00:00:00Z' STOP t'2027-01-01T00:00:00Z'", "timestamp"),
        (f"[x:y = {'9' * 5000}]", "constant"),
        ("[" + "(" * 30_000, "nesting"),
        ("(" * 30_000, "nesting"),
        (A + " OR " + "[url:value = 'x" + "x" * 70_000 + "']", "length"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_a_reason(pattern, code):
    assert refused(pattern) == code


def test_a_long_pattern_is_no_deep_one():
    long = " FOLLOWEDBY ".join(["[x:y=1]"] * 3000)
    assert len(read(long).expression.parts) == 3000
    assert refused(" OR ".join([A] * 20), Limits(comparisons=19)) == "comparisons"
    assert refused("[url:value IN ('a', 'b', 'c')]", Limits(constants=2)) == "constants"


def test_hostile_patterns_are_answered_in_the_time_of_their_length():
    hostile = [
        "[" + "x:" * 30_000, "'" * 65_000, "[x:y = '" + "\\" * 65_000, "/*" * 32_000, "t'" * 30_000,
        "[x:y IN (" + "1," * 30_000,
        "." * 65_000, "[x:y." + "a." * 30_000, A + " REPEATS 2 TIMES" * 3_000, "9" * 65_000,
    ]  # fmt: skip
    began = process_time()

    for pattern in hostile:
        refused(pattern)

    assert process_time() - began < 2


_PIECES = [
    "[", "]", "(", ")", "AND", "OR", "FOLLOWEDBY", "NOT", "EXISTS", "url:value", "=", "!=", "<", "IN", "LIKE", "'a'",
    "1", "-1.5", "true", "x-a:b[*].c", "x:'y-z'[0]", "REPEATS 2 TIMES", "WITHIN 3 SECONDS", ",", ":", ".", "h'00'",
    "t'2026-01-01T00:00:00Z'",
]  # fmt: skip
_comparisons = st.sampled_from([
    "url:value = 'a'", "url:value NOT != 1", "x:y IN ('a', 'b')", "NOT EXISTS x:y[1]", "EXISTS x:y", "x:y[*] > 2.5",
    "x:y NOT LIKE '%a_'", "x:y MATCHES '^a+$'", "x:y ISSUBSET '10.0.0.0/8'", "x:y.'z z' >= t'2026-01-01T00:00:00Z'",
    "x:y IN ()", "x:y == b'YQ=='",
])  # fmt: skip


def _joined(operators, opened="({})"):
    return lambda parts: st.one_of(
        st.builds(opened.format, parts),
        st.builds("{} {} {}".format, parts, st.sampled_from(operators), parts),
    )


_observations = st.recursive(
    st.builds("[{}]".format, st.recursive(_comparisons, _joined(["AND", "OR"]), max_leaves=4)),
    lambda parts: (
        _joined(["AND", "OR", "FOLLOWEDBY"])(parts)
        | st.builds("({}) {}".format, parts, st.sampled_from(_PIECES[21:23]))
    ),
    max_leaves=4,
)


@settings(max_examples=120, deadline=None)
@given(
    st.one_of(
        _observations,
        st.lists(st.sampled_from(_PIECES), max_size=7).map(" ".join),
        st.lists(st.sampled_from(_PIECES), max_size=5).map(lambda some: f"[{' '.join(some)}]"),
        st.tuples(_observations, st.integers(0, 80)).map(lambda both: both[0][: both[1]]),
    )
)
def test_what_the_validator_of_oasis_takes_is_read_and_nothing_else(pattern):
    try:
        OfOasis(pattern)
        valid = True
    except Exception:  # noqa: BLE001 whatever it raises on what is none
        valid = False

    try:
        told, code = set(read(pattern).tolerated), ""
    except PatternRefused as error:
        told, code = set(), error.code
    if code:  # what is read as a pattern there and means nothing is refused here
        assert not valid or code in {"pattern-qualifier", "pattern-constant", "pattern-set"}
    else:
        assert valid or told - {"unknown-type"}


def test_one_equality_needs_no_parser():
    path, text, tolerated = equality(r"[file:hashes.sha256 = 'ab\'c']")
    assert (path, text) == (Path("file", ("hashes", "SHA-256")), "ab'c")
    assert tolerated == {"hash-name"}
    assert equality("[url:value = 'a' OR url:value = 'b']") is None
    assert equality("[network-traffic:dst_ref.value = '1.2.3.4']")[0] == Path(
        "network-traffic", ("dst_ref", "value")
    )
    assert equality("[x:a-b.'c d'[*].e = 'f']")[0] == Path("x", ("a-b", "c d", None, "e"))


def test_many_equalities_are_read_at_once():
    patterns = [f"[domain-name:value = 'host-{n}.example']" for n in range(20_000)]
    began = process_time()

    assert all(equality(pattern) for pattern in patterns)

    assert (
        process_time() - began < 1
    )  # a million in fifty times this, at most; measured in docs/detection.md
