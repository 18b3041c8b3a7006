"""The throwaway PostgreSQL that other tests stand on."""

from sqlalchemy import create_engine, text


def tables(url: str) -> list[str]:
    engine = create_engine(url)
    try:
        with engine.begin() as unit:
            unit.execute(text("CREATE TABLE mine (n integer)"))
            return list(
                unit.scalars(
                    text("SELECT relname FROM pg_class WHERE relname IN ('mine', 'theirs')")
                )
            )
    finally:
        engine.dispose()


def test_each_test_has_a_database_of_its_own(fresh_postgres):
    assert tables(fresh_postgres) == ["mine"]


def test_nothing_of_an_earlier_test_is_left(fresh_postgres):
    assert tables(fresh_postgres) == ["mine"]
