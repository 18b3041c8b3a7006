"""Examining another node or TAXII server before it is trusted, and the report of it."""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from mithaq import clock
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Yes, each_of
from mithaq.exchange.conform import Finding, Part, Report, Scope, Verdict, examine
from mithaq.exchange.conform.pair import Pair
from mithaq.exchange.transport import HttpWire
from mithaq.exchange.wire import Wire
from mithaq.languages import Catalogue, catalogue

app = topic()
PARTS = tuple(part for part in Part if part is not Part.LINE)


@app.command("conform", cls=Command)
def conform(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL")],
    *,
    part: Annotated[
        list[str] | None, typer.Option("--part", metavar="PART", callback=each_of(PARTS))
    ] = None,
    client: Annotated[str, typer.Option(metavar="NAME")] = "",
    token_file: Annotated[Path | None, typer.Option("--token-file", metavar="FILE")] = None,
    write: Annotated[bool, typer.Option("--write")] = False,
    seconds: Annotated[int, typer.Option(metavar="COUNT", min=1, max=86_400)] = 300,
    yes: Yes = False,
) -> None:
    """Examine a node or a TAXII server; exit with 1 if it breaks a MUST."""
    desk = desk_of(ctx)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.username:
        raise BadUsage("bad-value", name="URL")
    asked = tuple(Part(each) for value in part or () for each in value.split(",")) or PARTS
    if write:
        desk.confirm("ask.conform-write", yes=yes, url=url)
    credential = _credential(desk, client, token_file)
    with _ways(desk, url, asked) as (wire, pair):
        scope = Scope(
            url=url,
            parts=asked,
            credential=credential,
            pair=pair,
            writes=write,
            seconds=float(seconds),
        )
        report = examine(wire, scope, monotonic=clock.monotonic, pause=time.sleep)
    _show(desk, report)


def _credential(desk: Desk, client: str, file: Path | None) -> str | None:
    """Return the Authorization header of a client: Basic with a name, else Bearer."""
    if file is None:
        return None
    token = desk.read(file).decode("utf-8", "surrogateescape").partition("\n")[0].strip()
    if not client:
        return f"Bearer {token}"
    pair = f"{client}:{token}".encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(pair).decode()


@contextmanager
def _ways(desk: Desk, url: str, parts: tuple[Part, ...]) -> Iterator[tuple[Wire, Pair | None]]:
    """Yield the wire, and what our own home knows of the node at ``url``, if there is a home and it does."""
    if not desk.common.home or set(parts) <= {Part.TAXII}:
        wire = HttpWire()
        try:
            yield wire, None
        finally:
            wire.close()
        return
    from mithaq.node import pairs  # noqa: PLC0415 what needs no home needs no node

    with desk.node() as node:
        with node.core.read() as unit:
            name = pairs.node_at(unit, url)
            if name:
                desk.actor(unit, Permission.PEER_ADD)
            pair = pairs.of_peer(unit, node.us, name, node.clock) if name else None
        yield node.wire, pair


def _show(desk: Desk, report: Report) -> None:
    words = catalogue("mithaq.exchange.conform", desk.screen.words.language)
    if desk.screen.as_json:
        told = report.as_json()
        told["findings"] = [
            {**finding.as_json(), "rule": words.say(f"rule.{finding.rule.code}")}
            for finding in report.findings
        ]
        desk.screen.json(told)
    else:
        rows = [_row(finding, words) for finding in report.findings]
        desk.screen.rows(("holds", "level", "cites", "rule", "evidence"), rows, wide=("code",))
    broken = report.count(Verdict.FAIL, must=True)
    counts = {
        "held": sum(report.count(Verdict.PASS, must=must) for must in (True, False)),
        "should": report.count(Verdict.FAIL, must=False),
        "open": sum(report.count(Verdict.NOT_APPLICABLE, must=must) for must in (True, False)),
    }
    if broken:
        desk.stop("say.conform-broken", broken=broken, **counts)
    desk.screen.say("say.conform-held", **counts)


def _row(finding: Finding, words: Catalogue) -> dict[str, Any]:
    rule = finding.rule
    if finding.why is not None:
        evidence = words.say(f"why.{finding.why}")
    else:
        shown = finding.evidence[0]
        evidence = f"{shown.request} → {shown.status} {shown.fact}".strip()
    return {
        "holds": str(finding.verdict),
        "level": "MUST" if rule.must else "SHOULD",
        "cites": rule.cites,
        "rule": words.say(f"rule.{rule.code}"),
        "evidence": evidence,
        "code": rule.code,
    }
