"""Intelligence requirements: questions with owners, what is looked for, and what of it people decided."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table

from mithaq.store.tables.base import Serial, column, columns, core, key, serial

requirements = Table(
    "requirements",
    core,
    key("name"),
    column("parent", ""),  # the question it is a part of
    column("owner"),
    column("state"),  # open | answered | retired
    Column("priority", Integer, nullable=False),  # 1 is first
    Column(
        "level", Integer, nullable=False
    ),  # TLP of the question itself: who is cleared for less does not see it
    column("terms"),  # JSON
    *columns("made_at", "changed_at"),
    column("answer", ""),
)
requirement_watches = Table(
    "requirement_watches",
    core,
    column("requirement"),
    Column("watch", Serial, primary_key=True, autoincrement=False),
    column("kind"),  # sought | request
)
requirement_tags = Table(  # what a person said of an object, against which the machine says nothing
    "requirement_tags",
    core,
    *columns("requirement", "id"),
    column("state"),  # tagged | untagged
    *columns("by", "at"),
    PrimaryKeyConstraint("requirement", "id"),
)
requirement_acts = Table(
    "requirement_acts",
    core,
    serial(),
    *columns("requirement", "at", "by", "act", "said"),
    sqlite_autoincrement=True,
)
requests = Table(  # what we asked partners for
    "requests",
    core,
    key("id"),
    column("requirement"),
    column("parties"),  # comma-separated
    column("agreements"),
    *columns("needed_by", "by", "at"),
)
