"""Predicates: what each question means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.detect.language import All, Any, Not, Op, Wild, escaped, holds, pieces, text
from mithaq.detect.language import Test as Ask
from mithaq.detect.regexes import BadRegex
from mithaq.model.telemetry import Event

EVENT = Event(
    fields={
        "Image": r"C:\Windows\System32\cmd.exe",
        "ParentImage": r"C:\Windows\System32\CMD.exe",
        "Short": "cmd.EXE",
        "EventID": 4624,
        "Port": "443",
        "Status": "0xC000006D",
        "Elevated": True,
        "Load": 2.0,
        "Empty": "",
        "Gone": None,
        "Hosts": ["a.example", None, "B.example"],
        "Ip": "::ffff:10.1.2.3",
        "Ip6": "fe80::1%12",
        "Lines": "one\ntwo",
    },
    raw=b"",
)


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("Image", Op.EQUALS, r"c:\windows\SYSTEM32\cmd.exe", True),
        ("Image", Op.EQUALS, "cmd.exe", False),
        ("EventID", Op.EQUALS, "4624", True),
        ("Port", Op.EQUALS, 443, True),
        ("Elevated", Op.EQUALS, "true", True),
        ("Load", Op.EQUALS, 2, True),
        ("Empty", Op.EQUALS, "", True),
        ("Gone", Op.EQUALS, "", False),
        ("Hosts", Op.EQUALS, "b.EXAMPLE", True),
        ("Image", Op.CONTAINS, "system32", True),
        ("Image", Op.STARTS, "c:", True),
        ("Image", Op.ENDS, r"\CMD.EXE", True),
        ("Image", Op.GLOB, r"*\\system32\\*.e?e", True),
        ("Image", Op.GLOB, r"*\\system32\\*.e??e", False),
        ("Lines", Op.GLOB, "one*two", True),
        ("Image", Op.REGEX, r"cmd\.EXE$", True),
        ("Lines", Op.REGEX, "one.two", False),
        ("Ip", Op.CIDR, "10.0.0.0/8", True),
        ("Ip6", Op.CIDR, "fe80::/10", True),
        ("Ip6", Op.CIDR, "10.0.0.0/8", False),
        ("Image", Op.CIDR, "10.0.0.0/8", False),
        ("Port", Op.LESS, 444, True),
        ("Port", Op.LESS, 443, False),
        ("Port", Op.AT_MOST, 443, True),
        ("Status", Op.MORE, 0xC000006C, True),
        ("EventID", Op.AT_LEAST, 4624.5, False),
        ("Image", Op.AT_LEAST, 0, False),
        ("Elevated", Op.AT_LEAST, 0, False),
        ("Short", Op.LESS, "CMD.F", True),
        ("Image", Op.SAME_AS, "ParentImage", True),
        ("Image", Op.ENDS_AS, "Short", True),
        ("Image", Op.CONTAINS_OF, "Short", True),
        ("Image", Op.STARTS_AS, "Short", False),
        ("Image", Op.STARTS_AS, "Missing", False),
        ("Image", Op.PRESENT, None, True),
        ("Gone", Op.PRESENT, None, False),
        ("Gone", Op.ABSENT, None, True),
        ("Missing", Op.ABSENT, None, True),
        ("Empty", Op.ABSENT, None, False),
        ("", Op.CONTAINS, "B.EX", True),
        ("", Op.EQUALS, 4624, True),
        ("", Op.EQUALS, 4625, False),
    ],
)
def test_a_question_is_answered(field, op, value, expected):
    assert holds(Ask(field, op, value), EVENT) is expected


@pytest.mark.parametrize("op", [op for op in Op if op is not Op.ABSENT])
def test_a_field_that_is_not_there_makes_every_test_but_absence_false(op):
    value = {Op.CIDR: "0.0.0.0/0", Op.REGEX: ".*", Op.GLOB: "*"}.get(op, "")
    assert not holds(Ask("Missing", op, value), EVENT)
    assert holds(Not(Ask("Missing", op, value)), EVENT)


def test_letters_are_told_apart_only_where_a_test_is_cased():
    for op, value in ((Op.CONTAINS, "CMD"), (Op.GLOB, "*CMD*"), (Op.REGEX, "CMD")):
        assert holds(Ask("Image", op, value), EVENT)
        assert not holds(Ask("Image", op, value, cased=True), EVENT)


def test_parts_are_joined():
    yes, no = Ask("Port", Op.EQUALS, 443), Ask("Port", Op.EQUALS, 80)
    assert holds(All((yes, Not(no))), EVENT)
    assert not holds(All((yes, no)), EVENT)
    assert holds(Any((no, yes)), EVENT)
    assert not holds(Any(()), EVENT)
    assert not holds(All(()), EVENT)


@given(st.text(alphabet="ab*?\\", max_size=8), st.text(alphabet="AB*?\\", max_size=8))
def test_an_escaped_text_is_the_glob_of_itself_alone(one, other):
    assert pieces(escaped(one)) in ([], [one])
    event = Event(fields={"f": other}, raw=b"")
    assert holds(Ask("f", Op.GLOB, escaped(one)), event) == (one.lower() == other.lower())


def test_a_backslash_is_itself_unless_it_stands_before_a_wildcard_or_a_backslash():
    assert pieces(r"a\b\*\\*c?") == [r"a\b*" + "\\", Wild.MANY, "c", Wild.ONE]


def test_a_text_that_is_none_in_utf_8_breaks_no_expression():
    event = Event(fields={"f": "\ud800x"}, raw=b"")
    assert holds(Ask("f", Op.REGEX, "x$"), event)
    assert holds(Ask("f", Op.GLOB, "?x"), event)


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "(" * 1001, "a" * 5000, "(a{1000}){1000}"])
def test_what_re2_has_not_is_refused_by_name(pattern):
    with pytest.raises(BadRegex):
        holds(Ask("Image", Op.REGEX, pattern), EVENT)


def test_a_value_has_one_text():
    assert [text(v) for v in (True, 1, 1.0, 1.5, "x")] == ["true", "1", "1", "1.5", "x"]
