"""Which commands there are, where each is found, and what for: each is loaded when it is called for."""

from collections.abc import Callable, Mapping

import typer


def _node() -> typer.Typer:
    from mithaq.cli import node  # noqa: PLC0415 a topic is loaded when it is called for

    return node.app


def _actor() -> typer.Typer:
    from mithaq.cli import actor  # noqa: PLC0415 as above

    return actor.app


def _console() -> typer.Typer:
    from mithaq.cli import console  # noqa: PLC0415 as above

    return console.app


def _intel() -> typer.Typer:
    from mithaq.cli import intel  # noqa: PLC0415 as above

    return intel.app


def _importing() -> typer.Typer:
    from mithaq.cli import importing  # noqa: PLC0415 as above

    return importing.app


def _sharing() -> typer.Typer:
    from mithaq.cli import sharing  # noqa: PLC0415 as above

    return sharing.app


def _shown() -> typer.Typer:
    from mithaq.cli import shown  # noqa: PLC0415 as above

    return shown.app


def _translate() -> typer.Typer:
    from mithaq.cli import translation  # noqa: PLC0415 as above

    return translation.app


def _object() -> typer.Typer:
    from mithaq.cli import versions  # noqa: PLC0415 as above

    return versions.app


def _texts() -> typer.Typer:
    from mithaq.cli import versions  # noqa: PLC0415 as above

    return versions.texts


def _timeline() -> typer.Typer:
    from mithaq.cli import timeline  # noqa: PLC0415 as above

    return timeline.app


def _saved() -> typer.Typer:
    from mithaq.cli import saved  # noqa: PLC0415 as above

    return saved.app


def _requirement() -> typer.Typer:
    from mithaq.cli import asking  # noqa: PLC0415 as above

    return asking.app


def _request() -> typer.Typer:
    from mithaq.cli import asking  # noqa: PLC0415 as above

    return asking.request


def _notices() -> typer.Typer:
    from mithaq.cli import saved  # noqa: PLC0415 as above

    return saved.notice


def _mark() -> typer.Typer:
    from mithaq.cli import marking  # noqa: PLC0415 as above

    return marking.app


def _balance() -> typer.Typer:
    from mithaq.cli import balance  # noqa: PLC0415 as above

    return balance.app


def _proposal() -> typer.Typer:
    from mithaq.cli import proposal  # noqa: PLC0415 as above

    return proposal.app


def _propose() -> typer.Typer:
    from mithaq.cli import proposal  # noqa: PLC0415 as above

    return proposal.writes


def _feed() -> typer.Typer:
    from mithaq.cli import feed  # noqa: PLC0415 as above

    return feed.app


def _release() -> typer.Typer:
    from mithaq.cli import release  # noqa: PLC0415 as above

    return release.app


def _brief() -> typer.Typer:
    from mithaq.cli import brief  # noqa: PLC0415 as above

    return brief.app


def _emerging() -> typer.Typer:
    from mithaq.cli import emerging  # noqa: PLC0415 as above

    return emerging.app


def _hunt() -> typer.Typer:
    from mithaq.cli import hunt  # noqa: PLC0415 as above

    return hunt.app


def _worker() -> typer.Typer:
    from mithaq.cli import worker  # noqa: PLC0415 as above

    return worker.app


def _watch() -> typer.Typer:
    from mithaq.cli import watch  # noqa: PLC0415 as above

    return watch.app


def _export() -> typer.Typer:
    from mithaq.cli import export  # noqa: PLC0415 as above

    return export.app


def _benign() -> typer.Typer:
    from mithaq.cli import benign  # noqa: PLC0415 as above

    return benign.app


def _telemetry() -> typer.Typer:
    from mithaq.cli import telemetry  # noqa: PLC0415 as above

    return telemetry.app


def _hits() -> typer.Typer:
    from mithaq.cli import judging  # noqa: PLC0415 as above

    return judging.app


def _defence() -> typer.Typer:
    from mithaq.cli import defence  # noqa: PLC0415 as above

    return defence.app


def _boundary() -> typer.Typer:
    from mithaq.cli import boundary  # noqa: PLC0415 as above

    return boundary.app


def _kit() -> typer.Typer:
    from mithaq.cli import kit  # noqa: PLC0415 as above

    return kit.app


def _same() -> typer.Typer:
    from mithaq.cli import same  # noqa: PLC0415 as above

    return same.app


def _correlate() -> typer.Typer:
    from mithaq.cli import correlate  # noqa: PLC0415 as above

    return correlate.app


def _merge() -> typer.Typer:
    from mithaq.cli import same  # noqa: PLC0415 as above

    return same.judgements


def _reference() -> typer.Typer:
    from mithaq.cli import sets  # noqa: PLC0415 as above

    return sets.app


def _quarantine() -> typer.Typer:
    from mithaq.cli import quarantine  # noqa: PLC0415 as above

    return quarantine.app


def _agreement() -> typer.Typer:
    from mithaq.cli import agreement  # noqa: PLC0415 as above

    return agreement.app


def _peer() -> typer.Typer:
    from mithaq.cli import peer  # noqa: PLC0415 as above

    return peer.app


def _token() -> typer.Typer:
    from mithaq.cli import peer  # noqa: PLC0415 as above

    return peer.tokens


def _recall() -> typer.Typer:
    from mithaq.cli import recall  # noqa: PLC0415 as above

    return recall.app


def _key() -> typer.Typer:
    from mithaq.cli import roots  # noqa: PLC0415 as above

    return roots.app


def _consent() -> typer.Typer:
    from mithaq.cli import consent  # noqa: PLC0415 as above

    return consent.app


def _rupture() -> typer.Typer:
    from mithaq.cli import rupture  # noqa: PLC0415 as above

    return rupture.app


def _restriction() -> typer.Typer:
    from mithaq.cli import restriction  # noqa: PLC0415 as above

    return restriction.app


def _standing() -> typer.Typer:
    from mithaq.cli import standing  # noqa: PLC0415 as above

    return standing.app


def _alarm() -> typer.Typer:
    from mithaq.cli import alarm  # noqa: PLC0415 as above

    return alarm.app


def _conform() -> typer.Typer:
    from mithaq.cli import conform  # noqa: PLC0415 as above

    return conform.app


def _reports() -> typer.Typer:
    from mithaq.cli import report as reports  # noqa: PLC0415 as above

    return reports.app


def _log() -> typer.Typer:
    from mithaq.cli import log  # noqa: PLC0415 as above

    return log.app


TOPICS: Mapping[str, Callable[[], typer.Typer]] = {  # groups of commands
    "actor": _actor,
    "console": _console,
    "key": _key,
    "peer": _peer,
    "token": _token,
    "agreement": _agreement,
    "object": _object,
    "proposal": _proposal,
    "feed": _feed,
    "saved": _saved,
    "requirement": _requirement,
    "request": _request,
    "consent": _consent,
    "standing": _standing,
    "rupture": _rupture,
    "restriction": _restriction,
    "benign": _benign,
    "watch": _watch,
    "hits": _hits,
    "telemetry": _telemetry,
    "defence": _defence,
    "kit": _kit,
    "boundary": _boundary,
    "reference": _reference,
    "merge": _merge,
    "quarantine": _quarantine,
    "alarm": _alarm,
    "log": _log,
    "report": _reports,
}
COMMANDS: Mapping[
    str, Callable[[], typer.Typer]
] = {  # commands of their own, and where each is found
    **dict.fromkeys(("demo", "init", "serve", "status", "clock", "verify", "formats"), _node),
    "conform": _conform,
    "same": _same,
    "correlate": _correlate,
    "brief": _brief,
    "emerging": _emerging,
    "hunt": _hunt,
    **dict.fromkeys(("forward", "worker"), _worker),
    "export": _export,
    "notices": _notices,
    "import": _importing,
    "search": _intel,
    "show": _shown,
    "translate": _translate,
    **dict.fromkeys(("who-has", "came"), _sharing),
    "mark": _mark,
    "timeline": _timeline,
    "balance": _balance,
    **dict.fromkeys(("note", "opinion", "history"), _texts),
    "propose": _propose,
    **dict.fromkeys(("release", "explain", "queue", "approve", "decline"), _release),
    **dict.fromkeys(("recall", "correct", "receipts", "receipt"), _recall),
}
SECTIONS: Mapping[str, tuple[str, ...]] = {  # in the order a newcomer needs them
    "section.node": (
        "demo",
        "init",
        "serve",
        "status",
        "clock",
        "verify",
        "actor",
        "console",
        "key",
    ),
    "section.partners": (
        "peer",
        "token",
        "agreement",
        "consent",
        "conform",
        "rupture",
        "restriction",
    ),
    "section.in": ("import", "feed", "report", "formats", "quarantine", "benign"),
    "section.find": (
        *("search", "saved", "notices", "show", "same", "correlate", "merge", "reference"),
    ),
    "section.defend": (
        *("hunt", "watch", "forward", "worker", "hits", "telemetry"),
        *("defence", "boundary", "kit"),
    ),
    "section.follow": (
        *("requirement", "request", "emerging", "brief"),
        *("timeline", "history", "who-has", "came", "balance"),
    ),
    "section.write": ("object", "note", "opinion", "propose", "proposal", "translate", "mark"),
    "section.out": (
        *("release", "explain", "queue", "approve", "decline", "standing", "export"),
        *("recall", "correct", "receipts", "receipt"),
    ),
    "section.proof": ("alarm", "log"),
}
ORDER = tuple(name for names in SECTIONS.values() for name in names)
