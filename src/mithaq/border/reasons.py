"""Reasons of decisions as they are kept: JSON that people and their tools can read (border.md 2.7)."""

from collections.abc import Sequence

import msgspec

from mithaq.policy.decision import Reason, Rule


def encode_reasons(reasons: Sequence[Reason]) -> str:
    """Write reasons as JSON."""
    return msgspec.json.encode(
        [{"rule": str(r.rule), "clause": r.clause, "facts": dict(r.facts)} for r in reasons]
    ).decode()


def decode_reasons(written: str) -> tuple[Reason, ...]:
    """Read reasons written by ``encode_reasons``."""
    return tuple(
        Reason(rule=Rule(item["rule"]), clause=item["clause"], facts=item["facts"])
        for item in msgspec.json.decode(written)
    )
