"""Linux's audit log: events whose records lie between those of others are read once and whole, in however many goes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.formats import telemetry
from mithaq.formats.telemetry import PLAIN
from mithaq.model.telemetry import Event

KINDS = ("SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE", "EOE")
LINES = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 5), st.sampled_from(KINDS)).map(
            lambda one: f"type={one[1]} msg=audit(1604996384.965:{one[0]}): a{one[0]}={one[1]}"
        ),
        st.sampled_from(["", "----", "no record"]),
    ),
    max_size=30,
)


def reader():
    return telemetry.kind("auditd").open("audit.log", PLAIN)


def in_two_goes(raw, cut):
    """Return what one reader yields up to a cut, and then another from what the first one held."""
    first = reader()
    before = list(first.feed(raw[:cut]))
    begin = cut - first.held
    second = reader()
    second.number = first.number
    return [*before, *second.feed(raw[begin:]), *second.end()]


def raws(found):
    return [one.raw for one in found if isinstance(one, Event)]


@settings(max_examples=200, deadline=None)
@given(LINES, st.data())
def test_reading_on_at_what_was_held_gives_each_event_once_and_whole(lines, data):
    raw = "".join(f"{line}\n" for line in lines).encode()
    cut = data.draw(st.integers(0, len(raw)))
    one = reader()

    assert raws(in_two_goes(raw, cut)) == raws([*one.feed(raw), *one.end()])


def test_an_event_that_never_ends_holds_back_no_more_than_a_few_others():
    lines = ["type=USER_CMD msg=audit(1604996384.965:1): a=b\n"]
    lines += [f"type=EOE msg=audit(1604996384.965:{n}): a=b\n" for n in range(2, 1000)]
    one = reader()

    found = list(one.feed("".join(lines).encode()))

    assert len(found) > 900
    assert one.held < 64 * len(lines[-1])
