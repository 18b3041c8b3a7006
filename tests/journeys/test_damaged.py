"""A home that lost something says so in one sentence, with its exit code, and is not opened as if it were another."""

import shutil
import socket
import sqlite3

import pytest
from typer.testing import CliRunner

from mithaq.cli.app import app
from tests.journeys.test_processes import certificate


def typed(home, *line):
    return CliRunner().invoke(app, [*line, "--home", str(home)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    home = tmp_path_factory.mktemp("whole") / "home"
    about = ("--nation", "aurelia", "--url", "http://aurelia.example", "--country", "QM")
    assert typed(home, "init", *about, "--console", "").exit_code == 0
    return home


@pytest.fixture
def home(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "home")


def sql(home, statement):
    line = sqlite3.connect(home / "core" / "node.db")
    with line:
        line.execute(statement)
    line.close()


def empty(home, file):
    for each in home.glob(f"{file}*"):
        each.unlink()
    (home / file).touch()


def lose(home, file):
    for each in home.glob(f"{file}*"):
        each.unlink()


DAMAGE = {
    "an empty database": (lambda h: empty(h, "core/node.db"), "status", "damaged-home", 7),
    "no database": (lambda h: lose(h, "core/node.db"), "status", "damaged-home", 7),
    "another file": (
        lambda h: (h / "core/node.db").write_bytes(b"\xff" * 5000),
        "status",
        "store-fault",
        7,
    ),
    "a newer version's": (
        lambda h: sql(h, "UPDATE alembic_version SET version_num = 'core_9999'"),
        "status",
        "other-schema",
        7,
    ),
    "another program's": (
        lambda h: sql(h, "DROP TABLE alembic_version"),
        "status",
        "other-schema",
        7,
    ),
    "an empty secret": (lambda h: empty(h, "core/secret"), "status", "damaged-home", 7),
    "no secret": (lambda h: lose(h, "core/secret"), "status", "no-node", 2),
    "no cursor key": (lambda h: lose(h, "listener/cursor.key"), "serve", "damaged-home", 7),
    "an empty cursor key": (lambda h: empty(h, "listener/cursor.key"), "serve", "damaged-home", 7),
    "settings that are no TOML": (
        lambda h: (h / "mithaq.toml").write_text("nation = ["),
        "status",
        "invalid-config",
        2,
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_lost_is_told_in_one_sentence(home, what):
    damage, command, code, exit_code = DAMAGE[what]
    damage(home)

    done = typed(home, command)

    assert done.exit_code == exit_code, done.output
    assert f"[{code}]" in done.stderr
    assert "Traceback" not in done.output
    assert "Error" not in done.stderr


@pytest.mark.parametrize("lost", ["certificate", "key", "fit"])
def test_files_of_tls_that_cannot_be_used_are_told_before_anything_listens(home, tmp_path, lost):
    cert, key = certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    files = {
        "certificate": (tmp_path / "none.pem", key),
        "key": (cert, tmp_path / "none.key"),
        "fit": (cert, certificate(other)[1]),
    }[lost]
    with (home / "mithaq.toml").open("a") as settings:
        settings.write(f'tls_certificate = "{files[0]}"\ntls_key = "{files[1]}"\n')
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    done = typed(home, "serve", "--peers", f"127.0.0.1:{port}")

    assert done.exit_code == 2, done.stderr
    assert "[bad-tls-file]" in done.stderr
    assert "Traceback" not in done.output
