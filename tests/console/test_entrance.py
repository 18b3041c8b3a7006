"""Who gets in at the console, in a real browser at a node that is served."""

import http.client
import re
import sqlite3

import pytest

from tests.console.conftest import LANGUAGES, PASSWORD, accessible, enter, totp


def test_whoever_is_invited_sets_a_password_and_a_second_factor_and_is_in(page, house):
    link = house.invitation("amal")
    page.goto("/watch/")
    assert "/account/login/" in page.url

    page.goto(link)
    for password, again, said in (
        ("short", "short", "fewer than 12"),
        ("password1234", "password1234", "Everybody uses"),
        (PASSWORD, PASSWORD + "!", "not the same"),
    ):
        page.evaluate(
            "for (const each of document.forms[0].elements) each.removeAttribute('minlength')"
        )
        page.fill("[name=password]", password)
        page.fill("[name=again]", again)
        page.click("button.mq-primary")
        assert said in page.inner_text("[role=alert]")
    accessible(page)

    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("button.mq-primary")
    page.goto("/watch/")
    assert page.url.endswith("/account/second/begin/")  # nobody is in with a password alone
    accessible(page)
    page.fill("[name=code]", "000000")
    page.click("button.mq-primary")
    assert "does not fit" in page.inner_text("[role=alert]")

    secret = page.inner_text(".mq-secret")
    page.fill("[name=code]", totp(secret))
    page.click("button.mq-primary")
    assert len(page.inner_text(".mq-codes").split()) == 10
    accessible(page)
    page.click("a.mq-primary")
    assert page.inner_text("h1") == "Watch floor"

    assert page.goto(link).status == 404  # it was good once
    assert "The invitation is over" in page.inner_text("h1")


def test_both_factors_are_asked_at_every_sign_in(lina, page):
    _, secret = lina
    page.goto("/watch/")
    page.fill("[name=login]", "lina")
    page.fill("[name=password]", "not hers at all")
    page.click("button.mq-primary")
    assert "Nobody has this name with this password" in page.inner_text("[role=alert]")
    page.fill("[name=password]", PASSWORD)
    page.click("button.mq-primary")
    page.goto("/watch/")
    assert page.url.endswith("/account/login/second/")  # the password alone opens nothing
    page.fill("[name=code]", totp(secret, steps=1))  # the code that let her in is used up
    page.click("button.mq-primary")
    assert page.inner_text("h1") == "Watch floor"
    page.click("text=Sign out")
    page.goto("/watch/")
    assert "/account/login/" in page.url


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_in_is_there_for_everybody(page, house, language):
    for path in ("/account/login/", "/account/closed/", "/nothing/here/"):
        page.goto(f"{path}?lang={language}")
        accessible(page)
    assert page.get_attribute("html", "lang") == language


def test_whose_roles_open_a_page_not_is_told_so(page, house):
    enter(page, house.invitation("omar"))
    assert page.goto("/watch/").status == 403
    assert "None of your roles opens this page" in page.inner_text("main")
    accessible(page)


def test_whoever_does_not_act_here_any_more_sees_nothing(page, house):
    enter(page, house.invitation("nadir"))
    core = house.home / "core" / "node.db"
    with sqlite3.connect(core) as unit:
        unit.execute("delete from actors where name = 'nadir'")
    assert page.goto("/watch/").status == 403
    assert "Nobody of this name acts here" in page.inner_text("h1")


def test_a_form_from_elsewhere_does_nothing(lina):
    context, _ = lina
    answer = context.request.post("/account/logout/", data={})
    assert answer.status == 403
    assert "form-old" in answer.text()
    assert context.request.get("/watch/").url.endswith("/watch/")


def test_answers_say_what_may_be_loaded_and_are_not_kept(lina):
    context, _ = lina
    headers = context.request.get("/watch/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    cookies = {each["name"]: each for each in context.cookies()}
    assert cookies["mithaq"]["httpOnly"]
    assert cookies["mithaq"]["sameSite"] == "Strict"


def test_no_other_name_of_a_host_is_answered(house):
    port = int(house.url.rpartition(":")[2])
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    asked.request("GET", "/account/login/", headers={"Host": "evil.example"})
    assert asked.getresponse().status == 400


def test_what_a_page_says_is_in_the_language_of_the_browser(browser, house):
    for locale, said in {"fr-FR": "Connexion", "ar-EG": "تسجيل الدخول", "de-DE": "Sign in"}.items():
        context = browser.new_context(base_url=house.url, locale=locale)
        page = context.new_page()
        page.goto("/")
        assert page.inner_text("h1") == said
        context.close()


def test_the_log_says_nothing_of_passwords(house, lina):
    said = (house.folder / "log").read_text()
    assert not re.search(f"{PASSWORD}|invitation/", said)
