"""Lines set aside before they are read: whoever reads what is left finds what they would find in all of them."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from mithaq.detect.engine import Engine, matches
from mithaq.detect.language import All, Any, Not, Op, Rule, Test
from mithaq.detect.screen import Screen
from mithaq.formats.telemetry import windows
from mithaq.formats.telemetry.lines import JsonLines
from mithaq.model.telemetry import Event, LogSource

RENAMED = {ours: (theirs,) for theirs, ours in windows.LIFTS}
SYSMON = "Microsoft-Windows-Sysmon/Operational"
plain = (
    "",
    "a",
    "lsass",
    "Kelvin K",
    'a"b',
    "C:\\u00e9",
    "C:\\Users",
    "/",
    "a/b",
    "\t",
    "\x1f",
    "ss",
)
foreign = ("\u212a", "\u0130", "é", "É", "\ufb03", "\u2013s", "\u2028", "\U0001f642", "ß", "\u017f")
numbers = ("1", "10", "-0", "1e5", "1.5", "true", "inf", "nan", ".", "-")
words = st.sampled_from(plain + foreign + numbers)
texts = st.lists(words, min_size=1, max_size=3).map("".join)
names = st.sampled_from(
    ["Image", "Channel", "EventID", "Computer", "Hostname", "Data.Name", "Größe"]
)
scalars = (
    texts
    | st.integers(-2, 12)
    | st.booleans()
    | st.none()
    | st.sampled_from([1.0, 1.5, 1e5, 1e22, 10.0])
)
values = scalars | st.lists(scalars, max_size=2)
operations = st.sampled_from([Op.EQUALS, Op.CONTAINS, Op.STARTS, Op.ENDS, Op.GLOB, Op.PRESENT])


@st.composite
def asked(draw):
    field = draw(names | st.just(""))
    op = draw(operations) if field else Op.CONTAINS
    value = None if op is Op.PRESENT else draw(texts | st.integers(-1, 11))
    return Test(field, op, value, cased=draw(st.booleans()) and isinstance(value, str))


predicates = st.recursive(
    asked(),
    lambda inner: (
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Any, st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=6,
)


@st.composite
def lines(draw):
    fields = draw(st.dictionaries(names, values, max_size=5))
    if draw(st.booleans()):
        fields["EventID"] = draw(st.sampled_from([1, "1", "01", 1.0, [1], None, "x"]))
    if draw(st.booleans()):
        fields["Channel"] = SYSMON
    nested = {"Data": {"Name": draw(values)}} if draw(st.booleans()) else {}
    separators = draw(st.sampled_from([(",", ":"), (" , ", " : ")]))
    line = json.dumps({**fields, **nested}, ensure_ascii=draw(st.booleans()), separators=separators)
    if draw(st.booleans()):
        line = line.replace("/", "\\/")
    if draw(st.booleans()):
        line = line.replace("a", "\\u0061")
    if draw(st.booleans()):
        line = line.replace(" 1,", " 1.0,").replace(":1,", ":1e0,")
    return line.encode("utf-8", "surrogatepass")


def rule(predicate, number=0):
    return Rule(
        id=f"r{number}",
        digest=f"sha256:{number}",
        title="r",
        source=LogSource(product="windows"),
        predicate=predicate,
    )


def events(line):
    reader = JsonLines()
    return [each for each in [*reader.feed(line + b"\n"), *reader.end()] if isinstance(each, Event)]


@given(st.lists(predicates, min_size=1, max_size=4), st.lists(lines(), max_size=30))
@example([Test("Image", Op.CONTAINS, "a")], [b'{"EventID": 1, "Image": "\\u0061"}'])
@example([Test("Image", Op.ENDS, "/")], [b'{"EventID": 1, "Image": "\\/"}'])
@example([Test("Image", Op.EQUALS, 3)], [b'{"EventID": 1, "Image": 3.0}'])
@example([Test("Computer", Op.PRESENT)], [b'{"EventID": 1, "Hostname": "a"}'])
@example([Test("EventID", Op.EQUALS, 1)], [b'{"EventID": "01"}'])
def test_in_the_lines_that_are_left_an_engine_finds_what_it_would_find_in_all(some, written):
    rules = [rule(predicate, number) for number, predicate in enumerate(some)]
    engine = Engine(rules)
    screen = Screen(engine, windows.kind, RENAMED)
    # Enough of them that witnesses are chosen by what was counted.
    for _ in range(40):
        left = screen.through(written)
        found = [m.rule for at in left for m in engine.match(events(written[at]))]
        assert found == [
            r.id for line in written for e in events(line) for r in rules if matches(r, e)
        ]


def test_what_no_rule_asks_for_is_set_aside_and_what_one_does_is_read():
    screen = Screen(Engine([rule(Test("Image", Op.ENDS, "\\evil.exe"))]), windows.kind, RENAMED)
    quiet = b'{"EventID": 1, "Image": "C:\\\\Users\\\\good.exe"}\n'
    loud = b'{"EventID": 1, "Image": "C:\\\\Users\\\\EVIL.exe"}\n'
    screen.through([quiet] * 20)  # the first of a kind are read
    assert screen.through([quiet, loud, quiet, b"no object\n", b'{"Image": "x"}\n']) == [1, 3, 4]


def test_lines_of_another_form_are_not_looked_at_for_long():
    screen = Screen(Engine([rule(Test("Image", Op.EQUALS, "x"))]), windows.kind, RENAMED)
    other, quiet = [b'{"_path": "conn"}\n'], [b'{"EventID": 1, "Image": "y"}\n']
    screen.through(quiet * 20)
    assert screen.through(other) == [0]
    paused = 0
    while len(screen.through(quiet)) == 1:
        paused += 1
    assert 0 < paused < 100


def test_what_an_engine_is_told_of_lines_stays_small_however_long_they_are():
    engine = Engine([rule(Test("Image", Op.CONTAINS, "evil"))])
    screen = Screen(engine, windows.kind, RENAMED)
    quiet = b'{"EventID": 1, "Image": "good"}\n'  # with one that is set aside, no chunk is passed unseen
    screen.through([quiet] * 20)
    for number in range(50):
        long = b'{"EventID": 1, "Image": "evil %d", "More": "%s"}\n' % (number, b"x" * (1 << 18))
        assert screen.through([quiet, long]) == [1]
    assert sum(map(len, engine.told)) < 1 << 20

    for number in range(20_000):
        screen.through([quiet, b'{"EventID": 1, "Image": "evil %d"}\n' % number])
    assert 0 < len(engine.told) < 5_000
