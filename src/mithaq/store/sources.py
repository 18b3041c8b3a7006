"""Sources: where copies come from that no nation vouches for, and their terms (border.md 1.1)."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from mithaq.model.labels import Tlp, tlp
from mithaq.store.sql import put
from mithaq.store.tables import sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where copies come from that no nation vouches for, and its terms."""

    name: str
    kind: str
    default_tlp: Tlp | None = None
    community: frozenset[str] | None = None
    onward: str = "none"
    reference: bool = False
    reliability: str = ""  # A to F, by the Admiralty scale


def put_source(unit: Connection, source: Source) -> None:
    """Keep or replace a source's terms."""
    put(
        unit,
        sources,
        {
            "name": source.name,
            "kind": source.kind,
            "default_tlp": "" if source.default_tlp is None else str(source.default_tlp),
            "community": ",".join(sorted(source.community or ())),
            "onward": source.onward,
            "reference": source.reference,
            "reliability": source.reliability,
        },
    )


def all_sources(unit: Connection) -> dict[str, Source]:
    """Return every source by name."""
    return {
        row.name: Source(
            name=row.name,
            kind=row.kind,
            default_tlp=tlp(row.default_tlp) if row.default_tlp else None,
            community=frozenset(row.community.split(",")) if row.community else None,
            onward=row.onward,
            reference=bool(row.reference),
            reliability=row.reliability,
        )
        for row in unit.execute(select(sources))
    }
