"""The defence cycle: what telemetry there was, what rules are about, and what people say of gaps."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table

from mithaq.store.tables.base import Serial, blob, column, columns, core, key, serial

collected = Table(  # events that were read, by log source and by the day on which they happened
    "collected",
    core,
    *columns("source", "day"),
    Column("events", Serial, nullable=False),
    PrimaryKeyConstraint("source", "day"),
    sqlite_with_rowid=False,
)
rule_facts = Table(  # read out of copies that are rules: worked out once for the same text
    "rule_facts",
    core,
    Column("copy", Serial, primary_key=True, autoincrement=False),
    column("digest"),  # of the text
    *columns("techniques", "needs"),  # JSON
    column("kind"),  # sigma, yara or stix
    column("until"),  # when it is over; empty: not said
    Index("ix_rule_facts_digest", "digest"),
)
used_rules = Table(  # what hunts and watches looked for
    "used_rules",
    core,
    key("rule"),
    *columns("title", "techniques", "needs"),  # JSON; of what is an object here its bytes tell
    column("kind"),
    *columns("first", "last"),
)
lores = Table(  # what the reference sets that count say of techniques, read once
    "lores",
    core,
    key("digest"),
    blob("content"),
)
cycle_priorities = Table(  # what a person says of a threat
    "cycle_priorities",
    core,
    key("threat"),
    Column("priority", Integer, nullable=False),
    *columns("why", "by", "at"),
)
cycle_mitigations = Table(
    "cycle_mitigations",
    core,
    *columns("mitigation", "technique"),  # technique empty: whatever it mitigates
    column("state"),
    *columns("why", "by", "at"),
    PrimaryKeyConstraint("mitigation", "technique"),
)
cycle_gaps = Table(
    "cycle_gaps",
    core,
    key("technique"),
    *columns("owner", "due", "note"),
    *columns("accepted_until", "accepted_why", "accepted_by"),
    column("at"),
)
cycle_proofs = Table(
    "cycle_proofs",
    core,
    serial(),
    *columns("technique", "kind", "what", "day"),
    Column("found", Boolean, nullable=False),  # whether what should be seen was
    *columns("by", "at"),
    Index("ix_cycle_proofs_technique", "technique"),
    sqlite_autoincrement=True,
)
cycle_days = Table(  # how it stood, as who is cleared for a level could see
    "cycle_days",
    core,
    column("day"),
    Column("level", Integer, nullable=False),
    column("content"),  # JSON
    PrimaryKeyConstraint("day", "level"),
)
