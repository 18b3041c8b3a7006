"""The engine: it finds what trying every rule on every event finds."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.detect.closures import Seen
from mithaq.detect.engine import Engine, matches
from mithaq.detect.language import All, Any, Not, Op, Rule
from mithaq.detect.language import Test as Ask
from mithaq.model.telemetry import Event, LogSource

SYSMON = "Microsoft-Windows-Sysmon/Operational"
GLOBS = ("*a?b", "c*exe", "*\u03c3", r"a\?b", "?")
WINDOWS = LogSource("windows")
FIELDS = ("Channel", "EventID", "Image", "CommandLine")
TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "Ab", "cmd.exe", r"C:\cmd.exe", "K", "ΑΣ", "\u03c3", "İ", "a?b", "ss", "ß"]
    ),
    st.text(alphabet="aAb\u03c3Σς?*\\\ud800é", max_size=5),
)
SCALARS = st.one_of(TEXTS, st.integers(-1, 3), st.booleans(), st.sampled_from([1.0, 1.5, None]))
SOURCES = st.builds(
    LogSource, st.sampled_from(["", "windows", "zeek"]), st.sampled_from(["", "dns_query"])
)


def asking(field):
    texts = st.sampled_from([Op.EQUALS, Op.CONTAINS, Op.STARTS, Op.ENDS])
    return st.one_of(
        st.builds(Ask, field, texts, SCALARS, st.booleans()),
        st.builds(Ask, field, st.just(Op.GLOB), st.sampled_from(GLOBS), st.booleans()),
        st.builds(Ask, field, st.just(Op.REGEX), st.sampled_from(["^a", "b+$", "(?i)CMD"]), st.booleans()),
        st.builds(Ask, field, st.sampled_from([Op.PRESENT, Op.ABSENT])),
        st.builds(Ask, field, st.sampled_from([Op.LESS, Op.AT_LEAST]), st.integers(0, 2)),
        st.builds(Ask, field, st.just(Op.SAME_AS), st.sampled_from(FIELDS)),
    )  # fmt: skip


def several(part):
    return st.lists(part, max_size=3).map(tuple)


PREDICATES = st.recursive(
    asking(st.sampled_from([*FIELDS, ""])),
    lambda part: st.one_of(several(part).map(All), several(part).map(Any), part.map(Not)),
    max_leaves=6,
)
EVENTS = st.builds(
    lambda fields, source, number: Event(
        fields=fields, source=source, raw=ascii((fields, number)).encode()
    ),
    st.dictionaries(
        st.sampled_from(FIELDS), st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), max_size=4
    ),
    SOURCES,
    st.integers(0, 1000),
)  # fmt: skip


def rule(number, predicate, source=WINDOWS):
    return Rule(id=f"r{number}", digest=f"d{number}", title="", source=source, predicate=predicate)


def of(engine, events):
    return [(match.rule, match.event) for match in engine.match(events)]


def candidates(engine, event):
    return engine.candidates(Seen(event))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(PREDICATES, SOURCES), max_size=5),
    st.lists(EVENTS, max_size=6),
    st.integers(0, 6),
    st.integers(1, 4),
)
def test_it_finds_what_every_rule_says_of_every_event_however_they_are_batched(
    monkeypatch_module, made, events, cut, learn
):
    monkeypatch_module.setattr("mithaq.detect.index.FIRST", learn)
    rules = [rule(number, predicate, source) for number, (predicate, source) in enumerate(made)]
    expected = [
        (each.id, event.digest) for event in events for each in rules if matches(each, event)
    ]

    engine = Engine(rules)
    parted = of(engine, events[:cut]) + of(engine, events[cut:])
    again = of(engine, events)

    assert parted == expected
    assert again == expected


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_of_thousands_of_rules_it_tries_those_whose_witness_an_event_has():
    rules = [
        rule(number, All((Ask("EventID", Op.EQUALS, 1), Ask("Image", Op.ENDS, rf"\tool{number}.exe"))))
        for number in range(2000)
    ]  # fmt: skip
    event = Event(fields={"EventID": 1, "Image": r"C:\TOOL17.exe"}, raw=b"1")

    engine = Engine(rules)

    assert candidates(engine, event) == [17]
    assert engine.unwitnessed(event) == 0


def test_rules_for_other_channels_and_event_numbers_are_not_even_candidates():
    theirs = All((Ask("Channel", Op.EQUALS, SYSMON), Any((Ask("EventID", Op.EQUALS, 1),))))
    asked = All((theirs, Not(Ask("User", Op.EQUALS, "me"))))
    engine = Engine([rule(1, asked)])

    assert engine.unwitnessed(Event(fields={"Channel": SYSMON, "EventID": "1"}, raw=b"")) == 0
    assert candidates(engine, Event(fields={"Channel": SYSMON, "EventID": "1"}, raw=b"")) == [0]
    assert candidates(engine, Event(fields={"Channel": SYSMON, "EventID": 2}, raw=b"")) == []
    assert candidates(engine, Event(fields={"Channel": "Security", "EventID": 1}, raw=b"")) == []


def test_a_rule_that_requires_nothing_is_tried_on_every_event_and_counted():
    engine = Engine(
        [rule(1, Not(Ask("Image", Op.EQUALS, "a"))), rule(2, Ask("Image", Op.EQUALS, "a"))]
    )
    event = Event(fields={"Image": "b"}, raw=b"")

    assert engine.unwitnessed(event) == 1
    assert of(engine, [event]) == [("r1", event.digest)]


def test_one_rule_for_several_sources_is_found_once_in_an_event():
    once = rule(1, Ask("Image", Op.EQUALS, "a"))
    also = rule(1, Ask("Image", Op.CONTAINS, "a"), LogSource())

    assert len(of(Engine([once, also]), [Event(fields={"Image": "A"}, raw=b"")])) == 1


def test_a_match_says_the_fields_it_rests_on_and_not_what_it_excludes():
    asked = All(
        (
            Ask("Image", Op.ENDS, "x"),
            Ask("", Op.CONTAINS, "key"),
            Not(Ask("User", Op.EQUALS, "me")),
        )
    )
    fields = {"Image": "X", "User": "you", "Message": "a KEY", "Other": "b"}

    (match,) = Engine([rule(1, asked)]).match([Event(fields=fields, raw=b"")])

    assert match.found == {"Image": "X", "Message": "a KEY"}


@pytest.mark.parametrize("of", ["Channel", "EventID", "service"])
def test_a_stream_of_long_names_leaves_nothing_in_memory(of):
    engine = Engine(
        [
            Rule(
                id="r",
                digest="d",
                title="",
                source=WINDOWS,
                predicate=Ask("Image", Op.EQUALS, "a"),
            )
        ]
    )
    long, found = "x" * 100_000, 0

    tracemalloc.start()
    for number in range(200):
        name = f"{number}{long}"
        source = LogSource("windows", service=name if of == "service" else "")
        fields = {"Image": "a"} | ({} if of == "service" else {of: name})
        found += len([*engine.match([Event(fields=fields, source=source, raw=b"%d" % number)])])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found == 200
    assert held < 2_000_000  # of the 20 million that went by
