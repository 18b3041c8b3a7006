"""One file of settings; whatever it does not know refuses to start, by name."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.config import Config, Exchange, InvalidConfig, Settings, host_and_port, load, write

LEAST = {"nation": "aurelia", "organisation": "CERT", "country": "AU", "url": "https://a.example"}
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def home_with(tmp_path: Path, *lines: str, **changed: str) -> Path:
    given_ = [f'{key} = "{value}"' for key, value in (LEAST | changed).items() if value]
    (tmp_path / "mithaq.toml").write_text("\n".join([*given_, *lines]), "utf-8")
    return tmp_path


def refusal(home: Path) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as refused:
        load(home)
    return refused.value


def test_what_is_left_out_takes_its_default(tmp_path):
    config = load(home_with(tmp_path))

    assert config.settings == Settings(**LEAST)
    assert config.listen == ("127.0.0.1", 8450)
    assert config.core_url == f"sqlite:///{tmp_path}/core/node.db"
    assert config.shelf_url == f"sqlite:///{tmp_path}/shelf/shelf.db"
    assert config.spool_url == f"sqlite:///{tmp_path}/spool/spool.db"
    assert config.exchange_key_path == tmp_path / "core" / "keys" / "exchange.pem"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('natoin = "x"', "natoin"),
        ("[exchange]\npol_seconds = 5", "exchange.pol_seconds"),
        ("[peers]\na = 1", "peers"),
    ],
)
def test_an_unknown_key_refuses_to_start_and_is_named(tmp_path, line, key):
    refused = refusal(home_with(tmp_path, line))

    assert f"unknown key {key}" in str(refused)
    assert refused.facts == {"key": key}


@pytest.mark.parametrize("key", LEAST)
def test_a_missing_key_is_named(tmp_path, key):
    refused = refusal(home_with(tmp_path, **{key: ""}))

    assert f"missing key {key}" in str(refused)
    assert refused.facts == {"key": key}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("realm = 5", "realm"),
        ('[exchange]\npage_limit = "many"', "exchange.page_limit"),
        ("[exchange]\npage_limit = 0", "exchange.page_limit"),
        ("[exchange]\ntick_seconds = 0", "exchange.tick_seconds"),
        ("[exchange]\npoll_seconds = -1", "exchange.poll_seconds"),
        ('listen = "8450"', "listen"),
        ('tls_certificate = "listener/tls.pem"', "tls_key"),
        ('tls_key = "listener/tls.key"', "tls_certificate"),
        ('exchange_key = "pkcs11:token"', "exchange_key"),
        ('exchange_key = "file:"', "exchange_key"),
    ],
)
def test_a_key_that_cannot_be_used_is_named(tmp_path, line, key):
    refused = refusal(home_with(tmp_path, line))

    assert key in str(refused)
    assert refused.facts == {"key": key}


def test_a_home_without_settings_says_how_to_make_them(tmp_path):
    assert f"mithaq init --home {tmp_path}" in str(refusal(tmp_path))


@pytest.mark.parametrize("raw", [b"nation = ", b'nation = "\xff"', b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, raw):
    (tmp_path / "mithaq.toml").write_bytes(raw)

    assert "mithaq.toml" in str(refusal(tmp_path))


def test_the_listener_speaks_tls_with_files_of_the_home(tmp_path):
    lines = ('tls_certificate = "listener/tls.pem"', 'tls_key = "/run/secrets/tls.key"')

    config = load(home_with(tmp_path, *lines))

    assert config.tls == (tmp_path / "listener" / "tls.pem", Path("/run/secrets/tls.key"))


def test_without_tls_files_it_speaks_plain_http(tmp_path):
    assert load(home_with(tmp_path)).tls is None


def test_one_database_holds_all_rooms_where_one_is_named(tmp_path):
    url = "postgresql+psycopg://mithaq@/mithaq"
    config = load(home_with(tmp_path, f'database = "{url}"'))

    assert {config.core_url, config.shelf_url, config.spool_url} == {url}


@given(
    texts,
    texts,
    st.builds(Exchange, page_limit=st.integers(1, 9999), poll_seconds=st.floats(0.001, 1e6)),
)
def test_what_is_written_is_what_is_read(tmp_path_factory, organisation, database, exchange):
    home = tmp_path_factory.mktemp("home")
    settings = Settings(
        **LEAST | {"organisation": organisation},
        database=f"postgresql+psycopg://{database}",
        exchange=exchange,
    )

    write(home, settings)

    assert load(home) == Config(home=home, settings=settings)


def test_a_default_stays_unwritten_so_that_it_can_improve(tmp_path):
    write(tmp_path, Settings(**LEAST))

    written = (tmp_path / "mithaq.toml").read_text("utf-8")
    keys = [line.partition(" ")[0] for line in written.splitlines() if not line.startswith("#")]
    assert keys == list(LEAST)


@pytest.mark.parametrize(
    ("written", "read"),
    [("[::1]:8450", ("::1", 8450)), ("host.example:1", ("host.example", 1))],
)
def test_an_address_is_host_and_port(written, read):
    assert host_and_port(written) == read


@pytest.mark.parametrize(
    "written", ["", "host", "host:", ":1", "host:0", "host:65536", "h:\uff11", "h:-1"]
)
def test_anything_else_is_no_address(written):
    with pytest.raises(InvalidConfig):
        host_and_port(written)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("nation", bad) for bad in ("", "Aurelia", "-a", "a/b", "a b", "a" * 65)),
        *(("country", bad) for bad in ("", "qm", "QMM", "Q1", "ЯЯ")),
        *(
            ("url", bad)
            for bad in (
                "", "ftp://x", "https://", "https://user:secret@x", "https://x?a=b", "https://x#y",
                "https://x/../y", "https://x y", "https://x:99999", "https://é.example", "x.example",
            )
        ),
        *(("database", bad) for bad in ("mysql://u:secret@h/d", "postgresql://h/d", "x")),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_mean_what_it_says_is_named_and_no_password_shown(
    tmp_path, key, value
):
    write(tmp_path, Settings(**LEAST | {key: value}))

    error = refusal(tmp_path)

    assert error.facts["key"] == key
    if key == "database":
        assert "secret" not in str(error)
