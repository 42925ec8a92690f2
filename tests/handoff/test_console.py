import posixpath
import re

import httpx
import pytest

from handoff.console import Console

PASSWORD = "correct horse battery"
OWN = {"Origin": "http://desk.test"}


@pytest.fixture
async def link_token(office):
    agent = await office.agent()
    return await office.accounts.login_link_token(agent.email)


class TestLoginLink:
    async def test_looking_at_the_link_spends_nothing_and_the_button_signs_in(self, http, link_token):
        for _ in range(3):
            page = await http.get("/console/login", params={"token": link_token})
            assert (page.status_code, "Sign in as Ana" in page.text) == (200, True)
            assert "set-cookie" not in page.headers
        answer = await http.post("/console/login", data={"token": link_token}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
        assert "httponly" in answer.headers["set-cookie"].lower()
        assert (await http.get("/v1/conversations")).status_code == 200

    async def test_second_use_is_refused(self, http, link_token):
        await http.post("/console/login", data={"token": link_token}, headers=OWN)
        http.cookies.clear()
        again = await http.post("/console/login", data={"token": link_token}, headers=OWN)
        assert (again.status_code, "no longer works" in again.text) == (410, True)
        assert "set-cookie" not in again.headers
        assert (await http.get("/console/login", params={"token": link_token})).status_code == 410

    async def test_of_many_who_press_it_at_once_one_gets_in(self, http, link_token, at_once):
        answers = await at_once(
            *(http.post("/console/login", data={"token": link_token}, headers=OWN) for _ in range(20))
        )
        assert sorted(answer.status_code for answer in answers) == [303] + [410] * 19

    async def test_link_is_worthless_after_half_an_hour(self, http, office, link_token):
        office.clock.advance(30 * 60)
        assert (await http.get("/console/login", params={"token": link_token})).status_code == 410
        assert (await http.post("/console/login", data={"token": link_token}, headers=OWN)).status_code == 410

    @pytest.mark.parametrize("origin", ["https://evil.example", "null"])
    async def test_form_of_another_site_signs_nobody_in(self, http, link_token, origin):
        answer = await http.post("/console/login", data={"token": link_token}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers

    async def test_disabled_account_has_no_way_in(self, http, office, link_token):
        await office.accounts.disable("ana@example.com")
        assert (await http.post("/console/login", data={"token": link_token}, headers=OWN)).status_code == 410


class TestPages:
    async def test_stranger_sees_the_way_in(self, http):
        page = await http.get("/console")
        assert (page.status_code, 'id="sign-in"' in page.text) == (200, True)

    async def test_agent_sees_the_console_with_the_csrf_token_of_their_session(self, http, office, link_token):
        await http.post("/console/login", data={"token": link_token}, headers=OWN)
        page = await http.get("/console")
        csrf = re.search(r'data-csrf="([^"]+)"', page.text).group(1)
        conversation_id = await office.open("hello", waiting=True)
        answer = await http.post(f"/v1/conversations/{conversation_id}/claim", headers={"X-CSRF-Token": csrf})
        assert answer.status_code == 200

    @pytest.mark.parametrize("path", ["/console", "/console/login?token=x"])
    async def test_pages_run_no_foreign_or_inline_code_and_stand_in_no_frame(self, http, path):
        page = await http.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style", page.text)

    async def test_name_of_an_agent_stays_text(self, http, office):
        agent = await office.accounts.add(email="eve@example.com", name='"><script>alert(1)</script>')
        token = await office.accounts.login_link_token(agent.email)
        page = await http.get("/console/login", params={"token": token})
        assert "<script>alert" not in page.text
        await http.post("/console/login", data={"token": token}, headers=OWN)
        assert "<script>alert" not in (await http.get("/console")).text

    async def test_files_are_kept_for_ever_under_an_address_of_their_content(self, http):
        page = await http.get("/console")
        paths = re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page.text)
        assert {path.rsplit(".", 1)[1] for path in paths} == {"js", "css", "svg"}
        for path in paths:
            file = await http.get(path)
            assert file.status_code == 200
            assert "immutable" in file.headers["cache-control"]
            assert file.headers["x-content-type-options"] == "nosniff"

    async def test_every_module_finds_the_modules_that_it_imports(self, http, console):
        imports = re.compile(rb'^import [^;]* from "(\.{1,2}/[\w/.]+)";', re.MULTILINE)
        wanted = {
            posixpath.join(posixpath.dirname(path), match[1].decode())
            for path, content in console.files.items()
            for match in imports.finditer(content)
        }
        assert {posixpath.basename(path) for path in wanted} >= {"api.js", "markdown.js", "inline.js"}
        for path in wanted:
            assert (await http.get(posixpath.normpath(path))).status_code == 200, path

    async def test_another_way_of_drawing_replies_changes_the_address_of_all_files(self, office, console):
        other = Console(office.desk, office.accounts, {"dom.js": b"export const grow = 1;"})
        assert not console.files.keys() & other.files.keys()

    @pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "nothing.js"])
    async def test_nothing_else_is_served(self, http, name):
        digest = re.search(r"/console/static/(\w+)/", (await http.get("/console")).text).group(1)
        assert (await http.get(f"/console/static/{digest}/{name}")).status_code == 404
        assert (await http.get("/console/static/0000/sign_in.js")).status_code == 404


async def test_over_https_the_login_link_gives_a_cookie_that_stays_there(app, link_token):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://desk.test") as http:
        answer = await http.post("/console/login", data={"token": link_token}, headers={"Origin": "https://desk.test"})
    assert "secure" in answer.headers["set-cookie"].lower()
