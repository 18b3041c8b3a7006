"""The three rooms of state, and the columns that tables are made of."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Text

_NAMES = {kind: f"{kind}_%(table_name)s_%(column_0_N_name)s" for kind in ("ix", "uq")}
core = MetaData(schema="core", naming_convention=_NAMES)
shelf = MetaData(schema="shelf", naming_convention=_NAMES)
spool = MetaData(schema="spool", naming_convention=_NAMES)

Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself


def serial() -> "Column[int]":
    """Number rows; ``sqlite_autoincrement`` on the table keeps SQLite from giving a deleted row's number again.

    Readers follow numbers with a cursor, so a number given twice would be a row nobody ever reads.
    """
    return Column("seq", Serial, primary_key=True, autoincrement=True)


def key(name: str, length: int | None = None) -> "Column[str]":
    """Return a text that names the row."""
    return Column(name, String(length) if length else Text, primary_key=True)


def blob(name: str) -> "Column[bytes]":
    """Return bytes that are always there."""
    return Column(name, LargeBinary, nullable=False)


def column(name: str, default: str | None = None) -> "Column[str]":
    """Return a text that is always there."""
    return Column(name, Text, nullable=False, server_default=default)


def columns(*names: str) -> "list[Column[str]]":
    """Return several texts that are always there."""
    return [column(name) for name in names]
