"""Whose rights: signing in, what a reader and a stranger may do, and what other pages can't."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

import pytest
from desk_pages import ask, open_photo, sign_in
from desk_stock import ANN, fingerprint
from elasticsearch import AuthenticationException
from playwright.sync_api import expect
from secured import PASSWORD, password_hash
from secured_stack import KEY
from tools import wait_until

PAGES = (
    "/",
    "/review",
    "/groups",
    "/people",
    "/person?name=Ann",
    "/person/forget?name=Ann",
    "/decisions",
    "/photo?index=faces-000001&id=team",
    "/nothing-is-here",
)
STRICT = {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"}
FORMS = {
    "/decide": {"action": "label", "name": "Mallory", "face": "faces-000001/{face} team"},
    "/person/rename": {"old": "Ann", "new": "Mallory"},
    "/person/merge": {"old": "Ann", "new": "Ben"},
    "/person/forget": {"name": "Ann", "confirm": "Ann"},
    "/photo/add-face": {
        "index": "faces-000001",
        "id": "ann-0",
        "x": "1",
        "y": "1",
        "width": "60",
        "height": "60",
    },
    "/undo": {},
    "/groups/any/name": {"name": "Mallory"},
}


def form_of(stock, path: str, **more: str) -> dict[str, str]:
    face = stock.documents["faces"]["team"]["faces"][0]["id"]
    return {name: value.format(face=face) for name, value in FORMS[path].items()} | {"once": "first"} | more


def token(page) -> str:
    return page.locator("input[name=csrf]").first.input_value()


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_text(visit):
    page = visit(user=None)
    page.goto("/sign-in")
    assert page.context.cookies() == []
    sign_in(page, "faces_analyst")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", True)
    assert page.evaluate("document.cookie") == ""
    assert PASSWORD not in cookie["value"]


def test_a_wrong_password_is_told_and_opens_nothing(visit):
    page = visit(user=None)
    page.goto("/people")
    page.get_by_label("User").fill("faces_admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_count(1)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    # On with what was wanted before.
    expect(page.get_by_role("heading", level=1)).to_have_text("People")


def test_signing_in_leads_to_no_other_site(visit):
    page = visit(user=None)
    page.goto("/sign-in?next=//elsewhere.example/")
    page.get_by_label("User").fill("faces_admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is this?")


def test_who_signs_out_is_out(visit):
    page = visit()
    (before,) = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.context.add_cookies([before])
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_form_without_this_sessions_token_or_of_another_page_is_refused(visit, stock, root):
    page, before = visit(), fingerprint(root)
    own = token(page)
    for path in FORMS:
        for csrf, headers in (
            ("", {}),
            ("another", {}),
            (own, {"Origin": "https://elsewhere.example"}),
            (own, {"Sec-Fetch-Site": "same-site"}),
        ):
            form = form_of(stock, path, csrf=csrf)
            answer = page.context.request.post(path, form=form, headers=headers, max_redirects=0)
            assert answer.status == 403, path
    assert fingerprint(root) == before


def test_a_page_of_another_site_sends_nothing_in_a_persons_name(visit, stock, root, desk):
    page, before = visit(), fingerprint(root)
    fields = "".join(
        f"<input name='{name}' value='{value}'>" for name, value in form_of(stock, "/decide").items()
    )
    form = f"<form method='post' action='{desk.url}/decide'>{fields}<button>Win</button></form>"
    page.route("https://elsewhere.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("https://elsewhere.example/")
    with page.expect_navigation() as sent:
        page.get_by_role("button").click()
    assert sent.value.status == 403
    assert fingerprint(root) == before


def test_no_page_has_script_or_style_of_its_own(visit, people):
    page = visit()
    ask(page, people[ANN][7])
    for path in (page.url, *PAGES, "/sign-in"):
        answer = page.goto(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert {
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
        } <= set(policy.split("; "))
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        inline = page.evaluate(
            """() => [...document.querySelectorAll("*")].filter((one) =>
                one.localName === "style" || (one.localName === "script" && !one.src)
                || [...one.attributes].some(({name}) => name === "style" || name.startsWith("on"))).length"""
        )
        assert inline == 0, path
        assert "javascript:" not in page.content()


def test_a_reader_is_shown_no_button_that_changes_and_can_change_nothing_by_hand(visit, root, stock, people):
    page, before = visit("faces_analyst"), fingerprint(root)
    ask(page, people[ANN][7])
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    asked = page.url
    for path in (asked, *PAGES):
        if "forget" in path:
            continue
        page.goto(path)
        expect(page.get_by_text("read only")).to_have_count(1)
        # To ask is no change, and without a button the form of the review is only a frame.
        asking = 1 if path == "/" else 0
        buttons = "main form[method=post]:not(.drop) button, main form.drop button:not([type=button])"
        expect(page.locator(buttons)).to_have_count(asking)
    csrf = token(page)
    send = page.context.request.post
    for path in FORMS:
        assert send(path, form=form_of(stock, path, csrf=csrf), max_redirects=0).status in (400, 403), path
    assert send(f"{asked.partition('?')[0]}/keep", form={"csrf": csrf}).status == 403
    assert fingerprint(root) == before


def test_a_reader_may_search_and_export(visit):
    page = visit("faces_analyst")
    page.goto("/person?name=Ann")
    with page.expect_download():
        page.get_by_role("link", name="Export CSV").click()


def test_who_may_read_nothing_gets_a_sentence_and_no_name(visit):
    page = visit("visitor")
    for path in PAGES[1:]:
        assert page.goto(path).status in (403, 404), path
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert "Ben" not in page.content()


def test_who_may_read_nothing_is_told_so_after_asking(visit, people):
    page = visit("visitor")
    with page.expect_navigation() as sent:
        page.locator("#photo").set_input_files(str(people[ANN][7]))
    assert sent.value.status == 403
    assert "Ann" not in page.content()


def test_a_photo_that_was_asked_about_is_seen_by_nobody_else(visit, people):
    page, other = visit(), visit("faces_analyst")
    ask(page, people[ANN][7])
    asked = page.url.partition("?")[0]
    for path in (asked, f"{asked}/picture"):
        assert page.context.request.get(path).ok
        assert other.context.request.get(path).status == 404
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    sign_in(page, "faces_admin")
    assert page.context.request.get(asked).status == 404


def test_a_key_that_elasticsearch_does_not_know_is_told(visit):
    """The embedded node can make no key: that needs an analysis module which it lacks."""
    page = visit(user=None)
    page.goto("/sign-in")
    page.get_by_text("With an API key").click()
    page.get_by_label("API key, encoded").fill(base64.b64encode(b"id:key").decode())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_count(1)
    assert page.context.cookies() == []


@pytest.fixture
def leaver(secured) -> Iterator[Callable[[], None]]:
    """A user of the analyst's role, until the call."""
    folder = secured.node.folder / "config"
    before = {name: (folder / name).read_text() for name in ("users", "users_roles")}

    def knows() -> bool:
        try:
            return bool(secured.as_("leaver").security.authenticate())
        except AuthenticationException:
            return False

    def leave() -> None:
        for name, text in before.items():
            (folder / name).write_text(text)
        wait_until(lambda: not knows())

    (folder / "users").write_text(f"{before['users']}leaver:{password_hash(PASSWORD)}\n")
    (folder / "users_roles").write_text(f"{before['users_roles']}faces_analyst:leaver\n")
    wait_until(knows)
    yield leave
    leave()


def test_a_sign_in_that_is_no_longer_valid_leads_to_signing_in(visit, leaver):
    page = visit("leaver")
    page.goto("/people")
    expect(page.locator("ul.cards")).to_contain_text("Ann")
    leaver()
    page.goto("/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.locator(".flash.bad")).to_have_count(1)
    assert page.context.cookies() == []


def test_nothing_of_a_photo_or_a_person_is_in_the_log(visit, desk, people, stock):
    page = visit()
    ask(page, people[ANN][7], name="nobody-may-read-this.jpg")
    open_photo(page, "faces-000001", "team")
    page.goto("/person?name=Nobody-Anybody")
    page.goto("/person?name=Ann")
    log = desk.log.read_text(errors="replace")
    assert not re.search(r"nobody-may-read|Nobody-Anybody|\bAnn\b|parties|Traceback", log)
    assert not [secret for secret in (PASSWORD, KEY) if secret in log]
    vector = stock.documents["faces"]["team"]["faces"][0]["vector"]
    assert str(vector[0])[:8] not in log
