"""Who may touch what on PostgreSQL (border.md 10.3).

Three login roles, made by whoever runs the server, in one database that holds the three schemas:

=====  ==========================================================================================
owner  runs ``migrate.upgrade`` for each room, then ``grant_roles``; owns schemas and tables
core   the worker and the people's listener: reads and writes all three rooms, changes no schema
peer   the peers' listener: reads shelf, adds to spool, sees nothing of core
=====  ==========================================================================================

On SQLite the files' permissions do this.
"""

from sqlalchemy import Connection, text

from mithaq.store.engine import ROOMS, StoreFault

# Of arrivals: what a quota is counted from, and what a caller may ask of its own posts; never bytes.
_PEER_READS = "seq, peer, size, kind, facts"


def grant_roles(unit: Connection, core: str, peer: str) -> None:
    """Give the roles ``core`` and ``peer`` exactly their rights; to be run by the owner after each upgrade.

    Rights on the three schemas that either role held beyond these are taken away. Running it again changes nothing.

    Raises:
        StoreFault: ``peer`` could get around its rights: it is a superuser or member of another role, or
            there is a function that runs with its definer's rights.
    """
    _no_way_round(unit, peer)
    schemas = ", ".join(ROOMS)
    quote = unit.dialect.identifier_preparer.quote
    core_, peer_ = quote(core), quote(peer)
    for who in (core_, peer_, "PUBLIC"):
        for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            unit.execute(text(f"REVOKE ALL ON ALL {what} IN SCHEMA {schemas} FROM {who}"))
        unit.execute(text(f"REVOKE ALL ON SCHEMA {schemas} FROM {who}"))
    for statement in (
        f"GRANT USAGE ON SCHEMA {schemas} TO {core_}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schemas} TO {core_}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schemas} TO {core_}",
        *(f"REVOKE INSERT, UPDATE, DELETE ON {r}.alembic_version FROM {core_}" for r in ROOMS),
        f"GRANT USAGE ON SCHEMA shelf, spool TO {peer_}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA shelf TO {peer_}",
        f"GRANT INSERT, SELECT ({_PEER_READS}) ON spool.arrivals TO {peer_}",
        f"GRANT USAGE ON SEQUENCE spool.arrivals_seq_seq TO {peer_}",
    ):
        unit.execute(text(statement))


def _no_way_round(unit: Connection, peer: str) -> None:
    role = text(
        "SELECT rolsuper OR rolcreaterole OR rolbypassrls AS strong,"
        " EXISTS (SELECT 1 FROM pg_auth_members WHERE member = pg_roles.oid) AS member"
        " FROM pg_roles WHERE rolname = :peer"
    )
    found = unit.execute(role, {"peer": peer}).one_or_none()
    if found is None:
        raise StoreFault("there is no such role", role=peer)
    if found.strong or found.member:
        raise StoreFault("the peer role must be weak and member of no other", role=peer)
    definer = text(
        "SELECT count(*) FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE prosecdef AND nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    if unit.execute(definer).scalar_one():
        raise StoreFault("a function of this database runs with its definer's rights", role=peer)
