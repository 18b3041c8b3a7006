"""What rules and indicators found in our own telemetry, and what people made of it. None of it crosses a border."""

from sqlalchemy import Column, Index, Table

from mithaq.store.tables.base import Serial, column, columns, core, key, serial

match_groups = Table(  # what people judge as one: what a rule, or one giver's indicator, found on a day in a log source
    "match_groups",
    core,
    serial(),
    *columns("rule", "giver"),  # whose word: empty if it is no indicator that is held
    *columns("day", "source"),  # day: empty if nobody knows when
    *columns("title", "severity"),
    Column("level", Serial, nullable=False),  # of TLP: the highest of whatever the rule came in
    Column("count", Serial, nullable=False),
    *columns("first", "last"),
    column("state", "open"),  # open | true | false | unsure
    column("assignee", ""),
    Index("ix_match_groups_rule", "rule", "giver", "day", "source", unique=True),
    Index("ix_match_groups_state", "state", "last"),
    sqlite_autoincrement=True,
)
matches = Table(
    "matches",
    core,
    key("id", 64),
    Column("grouped", Serial, nullable=False),
    *columns("digest", "event", "at", "asset"),  # of the rule; of the event; when; whose
    column("found"),  # the fields it rests on, as JSON
    Column("suppressed", Serial, nullable=False, server_default="0"),  # by which suppression
    # Of what the index of the past says: how often from ``at`` to ``last``. 0: it is one event.
    Column("times", Serial, nullable=False, server_default="0"),
    column("last", ""),
    Index("ix_matches_grouped", "grouped"),
)
match_acts = Table(  # what people did with a group
    "match_acts",
    core,
    serial(),
    Column("grouped", Serial, nullable=False),
    *columns("kind", "said", "by", "at"),
    Index("ix_match_acts_grouped", "grouped"),
    sqlite_autoincrement=True,
)
suppressions = Table(  # what nobody wants to see again, as long as they stand
    "suppressions",
    core,
    serial(),
    *columns("rule", "givers"),  # empty: any; of an indicator as JSON whose word it is about
    *columns("field", "value", "until"),  # empty: any; without an end
    *columns("why", "by", "at"),
    column("undone_by", ""),
    column("undone_at", ""),
    column("undone_why", ""),
    sqlite_autoincrement=True,
)
watched = (
    Table(  # what there was telemetry of, so that it can be said what share of it something is
        "watched",
        core,
        key("kind"),  # asset | day
        key("name"),
        sqlite_with_rowid=False,
    )
)
