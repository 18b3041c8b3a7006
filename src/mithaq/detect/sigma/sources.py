"""Log sources of Sigma rules: which events each is about, and what these call the fields that rules name.

The table is ``ROUTES``, in ``routes``. A route is one way in which telemetry serves a log source: Sysmon and the
Security log both tell of new processes, for one. What a route does not name it has as the rule does if it is ``open``,
as records of Windows' event log have, and not at all if it is not: a test of such a field can never hold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mithaq.detect.language import All, Any, Not, Op, Predicate, Test
from mithaq.model.telemetry import UNSAID, LogSource

NEVER, ALWAYS = False, True

# What can be collected; each serves some log sources.
TELEMETRY: Final = (
    *(
        "sysmon",
        "security",
        "powershell",
        "windows",
        "sysmon-linux",
        "auditd",
        "journald",
        "syslog",
    ),
    *("ecs", "ocsf", "zeek", "eve", "w3c", "cloudtrail", "azure", "gcp", "m365", "okta"),
    *("github", "bitbucket", "onelogin", "kubernetes", "opencanary", "antivirus"),
    *("netflow", "netfilter", "passive-dns", "resolver"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way in which telemetry serves a log source."""

    telemetry: str  # what must be collected: one of ``TELEMETRY``
    source: LogSource = UNSAID  # what readers say of such events
    where: Predicate | None = None  # what tells such an event from others of that source
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # rule's name -> theirs
    open: bool = False  # what ``fields`` has not, it has as rules name it
    values: Mapping[tuple[str, str], str] = field(
        default_factory=dict
    )  # field, text -> as written there

    def names(self, name: str) -> tuple[str, ...]:
        """Return what the events call a field; nothing if they have it not."""
        return self.fields.get(name, (name,) if self.open or not name else ())


def called(route: Route, about: LogSource) -> str:
    """Name what is collected where a route serves a log source: ``sysmon/dns_query``, ``ecs/linux/file_event``.

    A schema of everybody is one for each system; a sensor's log has its own name, whatever it is asked for.
    """
    system = about.product if route.telemetry in _OF_SYSTEMS else ""
    if route.telemetry in _WHOLE:
        what = ""
    elif route.telemetry in _SENSORS:
        what = route.source.service
    elif route.telemetry == "syslog" and about.product != "linux":
        what = about.product or about.service or about.category
    else:
        what = about.category or about.service or about.product
    return "/".join(dict.fromkeys(filter(None, (route.telemetry, system, what))))


_OF_SYSTEMS: Final = frozenset({"ecs", "ocsf"})
_SENSORS: Final = frozenset({"zeek", "eve"})
_WHOLE: Final = frozenset(  # one log each
    {"cloudtrail", "azure", "gcp", "m365", "okta", "github", "bitbucket", "onelogin", "kubernetes", "opencanary",
     "antivirus", "netflow", "passive-dns", "auditd"}
)  # fmt: skip


def mapped(predicate: Predicate, route: Route, missing: set[str]) -> Predicate | bool:
    """Return a predicate as the events of a route have its fields; ``missing`` takes up those that they have not.

    What can only be so or not so, for the want of a field, is left out of what stands around it.
    """
    match predicate:
        case All(parts):
            return _every([mapped(part, route, missing) for part in parts])
        case Any(parts):
            return _some([mapped(part, route, missing) for part in parts])
        case Not(part):
            inner = mapped(part, route, missing)
            return not inner if isinstance(inner, bool) else Not(inner)
    return _test(predicate, route, missing)


def _every(parts: list[Predicate | bool]) -> Predicate | bool:
    left = tuple(part for part in parts if not isinstance(part, bool))
    if NEVER in [part for part in parts if isinstance(part, bool)]:
        return NEVER
    return (All(left) if len(left) > 1 else left[0]) if left else ALWAYS


def _some(parts: list[Predicate | bool]) -> Predicate | bool:
    left = tuple(part for part in parts if not isinstance(part, bool))
    if ALWAYS in [part for part in parts if isinstance(part, bool)]:
        return ALWAYS
    return (Any(left) if len(left) > 1 else left[0]) if left else NEVER


def _test(test: Test, route: Route, missing: set[str]) -> Predicate | bool:
    names = route.names(test.field)
    if not names:
        missing.add(test.field)
        return test.op is Op.ABSENT
    if test.op is Op.ABSENT:
        absent: list[Predicate | bool] = [Test(name, Op.ABSENT) for name in names]
        return _every(absent)
    if test.op in _REFERS:
        others = route.names(str(test.value))
        if not others:
            missing.add(str(test.value))
        return _some([replace(test, field=n, value=o) for n in names for o in others])
    if isinstance(test.value, str) and route.values:
        written = route.values.get((test.field, test.value.lower()), test.value)
        test = replace(test, value=written)
    return _some([test if name == test.field else replace(test, field=name) for name in names])


_REFERS = frozenset({Op.SAME_AS, Op.CONTAINS_OF, Op.STARTS_AS, Op.ENDS_AS})


def is_(name: str, *values: str | int) -> Predicate:
    """Ask for one of some values."""
    tests: tuple[Predicate, ...] = tuple(Test(name, Op.EQUALS, value) for value in values)
    return tests[0] if len(tests) == 1 else Any(tests)


def has(*names: str) -> Predicate:
    """Ask for one of some fields."""
    tests: tuple[Predicate, ...] = tuple(Test(name, Op.PRESENT) for name in names)
    return tests[0] if len(tests) == 1 else Any(tests)


def both(*parts: Predicate) -> Predicate:
    """Ask for every part."""
    return parts[0] if len(parts) == 1 else All(parts)


def named(written: str) -> dict[str, tuple[str, ...]]:
    """Read names as the table has them: ``Image=process.executable|exe``, or ``Image`` for itself."""
    pairs = (each.partition("=") for each in written.split())
    return {name: tuple((theirs or name).split("|")) for name, _, theirs in pairs}


def same(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Have fields that bear the names of rules."""
    return {name: (name,) for name in names}
