"""Definitions of markings besides the fixed ones: a voucher's word on an id binds its own objects alone."""

from sqlalchemy import Connection, select

from mithaq.store.sql import insert_new
from mithaq.store.tables import markings


def define(unit: Connection, voucher: str, id_: str, body: bytes) -> None:
    """Keep what ``voucher`` says a marking means; its first body of an id stays."""
    insert_new(unit, markings, [{"voucher": voucher, "id": id_, "body": body}])


def every(unit: Connection) -> dict[str, dict[str, bytes]]:
    """Return, by voucher, the bodies of the marking definitions besides the fixed ones, by id."""
    found: dict[str, dict[str, bytes]] = {}
    for row in unit.execute(select(markings)):
        found.setdefault(row.voucher, {})[row.id] = bytes(row.body)
    return found
