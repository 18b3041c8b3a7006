"""A node that is served, a browser, and people at its console."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mithaq.clock import now

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "seven winds over aurelia"
LANGUAGES = ["en", "fr", "ar"]


def totp(secret, steps=0):
    """Return the code of RFC 6238, with the settings that apps take."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(
        key, struct.pack(">Q", int(now().timestamp() // 30) + steps), hashlib.sha1
    ).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def free(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class House:
    """A node that is served, with people."""

    def __init__(self, folder):
        self.home = folder / "aurelia"
        self.folder = folder
        peers, people = free(2)
        self.url = f"http://127.0.0.1:{people}"
        at = ("--listen", f"127.0.0.1:{peers}", "--console", f"127.0.0.1:{people}")
        about = ("--nation", "aurelia", "--url", f"http://127.0.0.1:{peers}", "--country", "QM")
        self.say("init", *about, *at)
        for name, roles in {
            "omar": "operator",
            "lina": "duty-officer",
            "amal": "analyst",
            "nadir": "auditor",
        }.items():
            by = () if name == "omar" else ("--as", "omar")
            self.say("actor", "add", name, "--role", roles, "--key", folder / f"{name}.pem", *by)

    def say(self, *args):
        command = [sys.executable, "-m", "mithaq.cli", "--home", str(self.home), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def invitation(self, name):
        return json.loads(self.say("console", "invite", name, "--as", "omar", "--json"))["link"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    found = House(folder)
    command = [sys.executable, "-m", "mithaq.cli", "--home", str(found.home), "serve"]
    with (folder / "log").open("wb") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while b"console is at" not in (folder / "log").read_bytes():
            assert served.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        yield found
    finally:
        served.terminate()
        served.wait(30)


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
        made = driver.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield made
        made.close()


@pytest.fixture
def page(browser, house):
    context = browser.new_context(base_url=house.url, locale="en-GB")
    found = context.new_page()
    found.complaints = []
    found.on("console", lambda said: found.complaints.append(said.text))
    yield found
    context.close()
    refused = [each for each in found.complaints if "Content Security Policy" in each]
    assert refused == []


def enter(page, link):
    """Come in by an invitation; return the secret of the second factor."""
    page.goto(link)
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("button.mq-primary")
    secret = page.inner_text(".mq-secret")
    page.fill("[name=code]", totp(secret))
    page.click("button.mq-primary")
    page.wait_for_url("**/account/codes/")
    return secret


def accessible(page):
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def guest(browser, house):
    """Return what lets somebody in, and gives their page."""
    contexts = []

    def let_in(name):
        contexts.append(browser.new_context(base_url=house.url, locale="en-GB"))
        page = contexts[-1].new_page()
        enter(page, house.invitation(name))
        return page

    yield let_in
    for each in contexts:
        each.close()


@pytest.fixture(scope="module")
def lina(browser, house):
    """Return lina's session, and her second factor's secret."""
    context = browser.new_context(base_url=house.url, locale="en-GB")
    secret = enter(context.new_page(), house.invitation("lina"))
    yield context, secret
    context.close()
