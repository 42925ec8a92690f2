import uuid
from dataclasses import replace

import httpx
import pytest

from conversation.errors import StorageUnavailable
from conversation.events import Author, ReturnedToBot, VisitorSaid

PASSWORD = "correct horse battery"


async def signed_in(http, office, name="Ana", role="agent"):
    agent = await office.accounts.add(email=f"{name}@example.com", name=name, role=role, password=PASSWORD)
    answer = await http.post("/v1/session", json={"email": agent.email, "password": PASSWORD})
    assert answer.status_code == 200
    return agent, {"X-CSRF-Token": answer.json()["csrf"]}


def refused(answer, status, code):
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["detail"]
    return body


class TestSession:
    async def test_sign_in_sets_a_cookie_scripts_cannot_read_and_tells_the_csrf_token(self, http, office):
        agent = await office.accounts.add(email="ana@example.com", name="Ana", password=PASSWORD)
        answer = await http.post("/v1/session", json={"email": " ANA@example.com ", "password": PASSWORD})
        assert answer.json()["agent"] == {
            "agent_id": agent.agent_id,
            "email": "ana@example.com",
            "name": "Ana",
            "role": "agent",
            "capacity": 5,
        }
        assert len(answer.json()["csrf"]) == 43
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        assert "secure" not in cookie

    async def test_over_https_the_cookie_stays_there(self, app, office):
        await office.accounts.add(email="ana@example.com", name="Ana", password=PASSWORD)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://desk.test") as http:
            answer = await http.post("/v1/session", json={"email": "ana@example.com", "password": PASSWORD})
        assert "secure" in answer.headers["set-cookie"].lower()

    @pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com"])
    async def test_wrong_password_and_unknown_address_look_alike(self, http, office, email):
        await office.accounts.add(email="ana@example.com", name="Ana", password=PASSWORD)
        answer = await http.post("/v1/session", json={"email": email, "password": "wrong"})
        assert refused(answer, 401, "bad_credentials")["detail"].startswith("this e-mail address and password")

    async def test_signing_in_takes_a_new_session_and_leaves_a_planted_cookie_worthless(self, http, office):
        http.cookies.set("handrail_session", "planted-by-somebody")
        await signed_in(http, office)
        assert http.cookies.get("handrail_session", domain="desk.test") != "planted-by-somebody"
        planted = {"Cookie": "handrail_session=planted-by-somebody"}
        http.cookies.clear()
        refused(await http.get("/v1/conversations", headers=planted), 401, "not_signed_in")

    async def test_after_signing_out_the_old_cookie_opens_nothing(self, http, office):
        _, csrf = await signed_in(http, office)
        kept = http.cookies.get("handrail_session")
        answer = await http.delete("/v1/session", headers=csrf)
        assert answer.status_code == 204
        assert http.cookies.get("handrail_session") is None
        again = await http.get("/v1/conversations", headers={"Cookie": f"handrail_session={kept}"})
        refused(again, 401, "not_signed_in")

    async def test_session_ends_after_twelve_hours(self, http, office):
        await signed_in(http, office)
        office.clock.advance(12 * 3600 - 1)
        assert (await http.get("/v1/conversations")).status_code == 200
        office.clock.advance(1)
        refused(await http.get("/v1/conversations"), 401, "not_signed_in")

    async def test_disabled_agent_loses_session_and_token_at_once(self, http, office):
        agent, _ = await signed_in(http, office)
        token = await office.token(agent)
        await office.accounts.disable(agent.email)
        refused(await http.get("/v1/conversations"), 401, "not_signed_in")
        refused(await http.get("/v1/conversations", headers=token), 401, "not_signed_in")
        answer = await http.post("/v1/session", json={"email": agent.email, "password": PASSWORD})
        refused(answer, 401, "bad_credentials")

    async def test_eleventh_attempt_on_one_account_must_wait(self, http, office):
        for _ in range(10):
            await http.post("/v1/session", json={"email": "Ana@example.com", "password": "guess"})
        answer = await http.post("/v1/session", json={"email": "ana@EXAMPLE.com", "password": "guess"})
        body = refused(answer, 429, "rate_limited")
        assert 1 <= body["retry_after_s"] <= 300
        assert answer.headers["retry-after"] == str(body["retry_after_s"])

    async def test_session_secret_is_no_bearer_token_and_the_other_way_round(self, http, office):
        agent, _ = await signed_in(http, office)
        session = http.cookies.get("handrail_session")
        bearer = await office.accounts.bearer_token(agent.email)
        http.cookies.clear()
        refused(
            await http.get("/v1/conversations", headers={"Authorization": f"Bearer {session}"}), 401, "not_signed_in"
        )
        refused(
            await http.get("/v1/conversations", headers={"Cookie": f"handrail_session={bearer}"}), 401, "not_signed_in"
        )


class TestCsrf:
    @pytest.mark.parametrize("header", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": "é"}])
    async def test_cookie_alone_changes_nothing(self, http, office, header):
        conversation_id = await office.open("hello", waiting=True)
        await signed_in(http, office)
        encoded = {name.encode(): value.encode() for name, value in header.items()}
        answer = await http.post(f"/v1/conversations/{conversation_id}/claim", headers=encoded)
        refused(answer, 403, "csrf")
        assert (await office.store.conversation(conversation_id)).state == "queued"

    async def test_token_of_another_session_does_not_count(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        _, others = await signed_in(http, office, "Ben")
        await signed_in(http, office, "Ana")
        answer = await http.post(f"/v1/conversations/{conversation_id}/claim", headers=others)
        refused(answer, 403, "csrf")

    async def test_bearer_token_needs_none(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        assert (await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)).status_code == 200


class TestClaim:
    async def test_of_fifty_agents_one_wins_and_the_others_learn_who(self, http, office, at_once):
        conversation_id = await office.open("hello", waiting=True)
        tokens = [await office.token(await office.agent(f"Agent{n}")) for n in range(50)]
        answers = await at_once(
            *(http.post(f"/v1/conversations/{conversation_id}/claim", headers=token) for token in tokens)
        )
        won = [answer for answer in answers if answer.status_code == 200]
        lost = [answer for answer in answers if answer.status_code == 409]
        assert (len(won), len(lost)) == (1, 49)
        winner = won[0].json()["holder"]["name"]
        assert {answer.json()["code"] for answer in lost} == {"already_claimed"}
        assert {answer.json()["claimed_by"] for answer in lost} == {winner}
        kinds = [event.kind for event in await office.store.events(conversation_id)]
        assert kinds.count("claimed") == 1

    async def test_holder_who_claims_again_gets_the_original_event(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        first = await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        for n in range(120):  # more than a page away by now
            await http.post(f"/v1/conversations/{conversation_id}/note", headers=token, json={"text": f"{n}"})
        again = await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        assert (again.status_code, again.json()) == (200, first.json())
        assert first.json()["kind"] == "claimed"

    async def test_claim_beyond_capacity_is_refused_and_says_how_many_are_held(self, http, office):
        token = await office.token(await office.agent(capacity=1))
        first, second = await office.open("one", waiting=True), await office.open("two", waiting=True)
        await http.post(f"/v1/conversations/{first}/claim", headers=token)
        body = refused(await http.post(f"/v1/conversations/{second}/claim", headers=token), 409, "over_capacity")
        assert (body["held"], body["capacity"]) == (1, 1)

    async def test_closed_conversation_cannot_be_claimed(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        await http.post(f"/v1/conversations/{conversation_id}/close", headers=token)
        body = refused(
            await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token), 409, "illegal_transition"
        )
        assert body["state"] == "closed"


class TestIdempotency:
    @pytest.mark.parametrize(
        ("method", "command", "body"),
        [
            ("POST", "say", {"text": "Hello!"}),
            ("POST", "note", {"text": "rude"}),
            ("POST", "release", {"reason": "lunch"}),
            ("POST", "return", {}),
            ("POST", "close", {"reason": "solved"}),
            ("PUT", "tags", {"tags": ["billing"]}),
            ("PUT", "priority", {"priority": "high"}),
        ],
    )
    async def test_repeat_gets_the_same_event_and_appends_nothing(self, http, office, method, command, body):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        sent = {"client_id": str(uuid.uuid4()), **body}
        path = f"/v1/conversations/{conversation_id}/{command}"
        first = await http.request(method, path, headers=token, json=sent)
        again = await http.request(method, path, headers=token, json=sent)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert first.json()["client_id"] == sent["client_id"]
        assert (await office.store.conversation(conversation_id)).seq == first.json()["seq"]

    async def test_claim_repeated_after_it_was_given_back_does_not_take_it_again(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        sent = {"client_id": str(uuid.uuid4())}
        first = await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token, json=sent)
        await http.post(f"/v1/conversations/{conversation_id}/release", headers=token)
        again = await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token, json=sent)
        assert again.json() == first.json()
        assert (await office.store.conversation(conversation_id)).state == "queued"

    async def test_same_id_with_another_body_is_refused(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        sent = {"client_id": "c-1", "text": "one"}
        await http.post(f"/v1/conversations/{conversation_id}/note", headers=token, json=sent)
        other = await http.post(
            f"/v1/conversations/{conversation_id}/note", headers=token, json={**sent, "text": "two"}
        )
        assert refused(other, 409, "client_id_reused")["client_id"] == "c-1"

    async def test_id_that_stands_in_another_conversation_says_where(self, http, office):
        token = await office.token(await office.agent())
        here, there = await office.open("one"), await office.open("two")
        sent = {"client_id": "c-1", "text": "same"}
        stands = await http.post(f"/v1/conversations/{here}/note", headers=token, json=sent)
        body = refused(
            await http.post(f"/v1/conversations/{there}/note", headers=token, json=sent), 409, "already_sent"
        )
        assert (body["conversation_id"], body["seq"]) == (here, stands.json()["seq"])

    async def test_transfer_repeated_after_the_heir_left_gets_the_same_event(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        heir = await office.agent("Ben")
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        sent = {"client_id": "t-1", "to": heir.agent_id, "note": "yours"}
        first = await http.post(f"/v1/conversations/{conversation_id}/transfer", headers=token, json=sent)
        assert (first.status_code, first.json()["holder"]["name"]) == (200, "Ben")
        await office.accounts.disable(heir.email)
        again = await http.post(f"/v1/conversations/{conversation_id}/transfer", headers=token, json=sent)
        assert (again.status_code, again.json()) == (200, first.json())


class TestCommands:
    @pytest.mark.parametrize("command", ["release", "return", "close", "say"])
    async def test_who_does_not_hold_it_cannot_act_on_it(self, http, office, command):
        conversation_id = await office.open("hello", waiting=True)
        await office.desk.claim(conversation_id, await office.agent("Ben"))
        token = await office.token(await office.agent())
        answer = await http.post(f"/v1/conversations/{conversation_id}/{command}", headers=token, json={"text": "hi"})
        assert refused(answer, 409, "not_holder")["holder"] == "Ben"

    async def test_nothing_is_said_into_a_closed_conversation(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        await http.post(f"/v1/conversations/{conversation_id}/close", headers=token)
        answer = await http.post(f"/v1/conversations/{conversation_id}/say", headers=token, json={"text": "hi"})
        assert refused(answer, 409, "illegal_transition")["kind"] == "agent_said"

    async def test_reopening_gives_it_to_the_bot(self, http, office):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent())
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        await http.post(f"/v1/conversations/{conversation_id}/close", headers=token)
        answer = await http.post(f"/v1/conversations/{conversation_id}/reopen", headers=token)
        assert (answer.json()["kind"], answer.json()["state"]) == ("reopened", "bot")

    async def test_reopening_beside_a_newer_conversation_is_refused(self, http, office):
        conversation_id = await office.open("hello", visitor_id="v1", waiting=True)
        token = await office.token(await office.agent())
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        await http.post(f"/v1/conversations/{conversation_id}/close", headers=token)
        await office.open("hello again", visitor_id="v1")
        refused(
            await http.post(f"/v1/conversations/{conversation_id}/reopen", headers=token), 409, "newer_conversation"
        )

    @pytest.mark.parametrize("to", ["nobody", "self", "writer", "disabled"])
    async def test_transfer_needs_another_agent_who_could_take_it(self, http, office, to):
        conversation_id = await office.open("hello", waiting=True)
        ana, quinn, gone = await office.agent(), await office.agent("Quinn", "writer"), await office.agent("Gone")
        await office.accounts.disable(gone.email)
        token = await office.token(ana)
        await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)
        target = {"self": ana.agent_id, "writer": quinn.agent_id, "disabled": gone.agent_id}.get(to, "nobody")
        answer = await http.post(f"/v1/conversations/{conversation_id}/transfer", headers=token, json={"to": target})
        assert refused(answer, 422, "bad_request")["field"] == "to"

    async def test_text_is_trimmed_and_nul_is_replaced(self, http, office):
        conversation_id = await office.open("hello")
        token = await office.token(await office.agent())
        answer = await http.post(f"/v1/conversations/{conversation_id}/note", headers=token, json={"text": " a\0b\n"})
        assert answer.json()["text"] == "a\ufffdb"

    @pytest.mark.parametrize(
        "text", [b'" "', b'""', b'"\\ud800"', b'"x\\udfffx"', b"7", b"null", b'"%s"' % (b"x" * 4001)]
    )
    async def test_unfit_text_is_refused_and_the_field_named(self, http, office, text):
        conversation_id = await office.open("hello")
        headers = {**await office.token(await office.agent()), "Content-Type": "application/json"}
        answer = await http.post(
            f"/v1/conversations/{conversation_id}/note", headers=headers, content=b'{"text":%s}' % text
        )
        assert refused(answer, 422, "bad_request")["field"] == "text"
        assert (await office.store.conversation(conversation_id)).seq == 2

    async def test_four_thousand_code_points_outside_the_bmp_fit(self, http, office):
        conversation_id = await office.open("hello")
        headers = {**await office.token(await office.agent()), "Content-Type": "application/json"}
        escaped = b'{"text":"%s"}' % (b"\\ud83d\\ude00" * 4000)
        answer = await http.post(f"/v1/conversations/{conversation_id}/note", headers=headers, content=escaped)
        assert answer.json()["text"] == "\U0001f600" * 4000

    @pytest.mark.parametrize("body", [b"{", b"[]", b"nonsense", b'{"tags":"x"}', b'{"tags":["  "]}', b'{"tags":[1]}'])
    async def test_body_that_is_not_what_it_must_be_is_refused(self, http, office, body):
        conversation_id = await office.open("hello")
        headers = {**await office.token(await office.agent()), "Content-Type": "application/json"}
        answer = await http.put(f"/v1/conversations/{conversation_id}/tags", headers=headers, content=body)
        refused(answer, 422, "bad_request")

    async def test_too_large_a_body_is_refused(self, http, office):
        conversation_id = await office.open("hello")
        token = await office.token(await office.agent())
        answer = await http.post(
            f"/v1/conversations/{conversation_id}/note", headers=token, json={"text": "x" * 70_000}
        )
        assert answer.status_code == 413


class TestRoles:
    @pytest.mark.parametrize("role", ["writer", "qa"])
    async def test_readers_read_everything_and_act_on_nothing(self, http, office, role):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent("Quinn", role))
        path = f"/v1/conversations/{conversation_id}"
        for url in ("/v1/conversations", path, f"{path}/events", f"{path}/suggestions"):
            assert (await http.get(url, headers=token)).status_code == 200
        commands = ["claim", "release", "return", "close", "reopen", "say", "note", "transfer"]
        for command in commands:
            answer = await http.post(f"{path}/{command}", headers=token, json={"text": "x", "to": "y"})
            assert refused(answer, 403, "forbidden")["role"] == role
        for command, body in (("tags", {"tags": []}), ("priority", {"priority": "low"})):
            refused(await http.put(f"{path}/{command}", headers=token, json=body), 403, "forbidden")
        refused(await http.put("/v1/presence", headers=token, json={"status": "online"}), 403, "forbidden")
        assert not await office.desk.is_open("default")

    @pytest.mark.parametrize("role", ["agent", "lead", "admin"])
    async def test_others_act(self, http, office, role):
        conversation_id = await office.open("hello", waiting=True)
        token = await office.token(await office.agent("Ana", role))
        assert (await http.post(f"/v1/conversations/{conversation_id}/claim", headers=token)).status_code == 200


class TestReading:
    async def test_item_has_every_field_of_the_contract(self, http, office):
        conversation_id = await office.open("my order\nis late", waiting=True)
        token = await office.token(await office.agent())
        item = (await http.get("/v1/conversations", headers=token)).json()["items"][0]
        expected = {
            "conversation_id": conversation_id,
            "state": "queued",
            "holder": {"kind": "queue", "name": None, "id": None},
            "seq": 3,
            "priority": "normal",
            "reason": "visitor_asked",
            "waiting_since": "2026-03-02T12:00:00.000000Z",
            "preview": "my order is late",
        }
        assert {name: item[name] for name in expected} == expected

    async def test_pages_hold_every_conversation_once(self, http, office):
        for n in range(120):
            await office.open(f"{n}")
            office.clock.advance(1)
        token = await office.token(await office.agent())
        seen, cursor = [], ""
        while cursor is not None:
            page = (await http.get("/v1/conversations", params={"cursor": cursor}, headers=token)).json()
            seen += [item["preview"] for item in page["items"]]
            cursor = page["next"]
        assert seen == [str(n) for n in reversed(range(120))]

    async def test_filters_by_state_holder_and_words(self, http, office):
        ana = await office.agent()
        token = await office.token(ana)
        mine, queued, _ = (
            await office.open("red", waiting=True),
            await office.open("blue", waiting=True),
            await office.open("green"),
        )
        await office.desk.claim(mine, ana)

        async def found(**params):
            answer = await http.get("/v1/conversations", params=params, headers=token)
            return [item["conversation_id"] for item in answer.json()["items"]]

        assert await found(state="queued") == [queued]
        assert sorted(await found(state="queued,agent")) == sorted([mine, queued])
        assert await found(holder="me") == [mine]
        assert await found(holder=ana.agent_id, state="agent") == [mine]
        assert await found(q="BLUE") == [queued]
        assert await found(holder="somebody-else") == []

    @pytest.mark.parametrize(
        ("params", "code"), [({"state": "asleep"}, "bad_request"), ({"cursor": "x"}, "bad_cursor")]
    )
    async def test_filter_that_means_nothing_is_refused(self, http, office, params, code):
        token = await office.token(await office.agent())
        refused(await http.get("/v1/conversations", params=params, headers=token), 422, code)

    async def test_events_are_read_after_a_number_in_desk_form(self, http, office):
        conversation_id = await office.open("one", "two")
        token = await office.token(await office.agent())
        detail = (await http.get(f"/v1/conversations/{conversation_id}", headers=token)).json()
        assert [event["seq"] for event in detail["events"]] == [1, 2, 3]
        part = (
            await http.get(f"/v1/conversations/{conversation_id}/events", params={"after": 1}, headers=token)
        ).json()
        assert (part["events"], part["seq"]) == (detail["events"][1:], 3)
        assert part["events"][1]["text"] == "two"

    async def test_unknown_conversation_is_not_found_however_it_is_asked_for(self, http, office):
        token = await office.token(await office.agent())
        for path in ("", "/events", "/suggestions"):
            refused(await http.get(f"/v1/conversations/nowhere{path}", headers=token), 404, "not_found")
        for command in ("claim", "release", "return", "close", "reopen", "say", "note", "transfer"):
            answer = await http.post(
                f"/v1/conversations/nowhere/{command}", headers=token, json={"text": "x", "to": "y"}
            )
            refused(answer, 404, "not_found")

    async def test_suggestions_are_what_search_found(self, http, office):
        conversation_id = await office.open("one")
        office.suggestions.append({"title": "Refunds", "url": "/help/refunds", "text": "Ask us.", "score": 0.5})
        token = await office.token(await office.agent())
        answer = await http.get(f"/v1/conversations/{conversation_id}/suggestions", headers=token)
        assert answer.json() == {"items": office.suggestions}

    async def test_without_credentials_nothing_is_read(self, http, office):
        conversation_id = await office.open("one")
        for path in ("/v1/conversations", f"/v1/conversations/{conversation_id}"):
            answer = await http.get(path)
            refused(answer, 401, "not_signed_in")
            assert answer.headers["www-authenticate"] == "Bearer"


class TestPresence:
    async def test_any_request_opens_the_desk_for_forty_five_seconds(self, http, office):
        token = await office.token(await office.agent())
        assert not await office.desk.is_open("default")
        await http.get("/v1/conversations", headers=token)
        office.clock.advance(45)
        assert await office.desk.is_open("default")
        office.clock.advance(0.001)
        assert not await office.desk.is_open("default")

    async def test_status_and_capacity_are_set_and_outlive_renewals(self, http, office):
        agent = await office.agent()
        token = await office.token(agent)
        answer = await http.put("/v1/presence", headers=token, json={"status": "away", "capacity": 2})
        assert answer.json() == {"status": "away", "capacity": 2}
        office.clock.advance(20)
        await http.get("/v1/conversations", headers=token)
        assert not await office.desk.is_open("default")
        assert (await office.store.agent(agent.agent_id)).capacity == 2

    @pytest.mark.parametrize(
        "body", [{"status": "asleep"}, {"status": "online", "capacity": -1}, {"status": "online", "capacity": "3"}]
    )
    async def test_status_that_does_not_exist_is_refused(self, http, office, body):
        token = await office.token(await office.agent())
        refused(await http.put("/v1/presence", headers=token, json=body), 422, "bad_request")


class TestProblems:
    async def test_unknown_address_is_a_problem_document(self, http):
        refused(await http.get("/v1/nothing"), 404, "not_found")

    async def test_wrong_method_is_a_problem_document(self, http):
        refused(await http.put("/v1/session", json={}), 405, "method_not_allowed")

    async def test_database_that_does_not_answer_asks_to_come_back(self, http, office, monkeypatch):
        token = await office.token(await office.agent())

        async def fails(*_, **__):
            raise StorageUnavailable("/secret/path is locked")

        monkeypatch.setattr(office.store, "conversations", fails)
        answer = await http.get("/v1/conversations", headers=token)
        body = refused(answer, 503, "storage_unavailable")
        assert answer.headers["retry-after"] == "2"
        assert "secret" not in body["detail"]

    async def test_fault_of_ours_tells_strangers_nothing(self, http, office, monkeypatch):
        token = await office.token(await office.agent())

        async def fails(*_, **__):
            raise RuntimeError("secret")

        monkeypatch.setattr(office.store, "conversations", fails)
        answer = await http.get("/v1/conversations", headers=token)
        refused(answer, 500, "internal_error")
        assert "secret" not in answer.text


async def test_deep_log_is_read_in_pages(http, office):
    conversation_id = await office.open(*(f"{n}" for n in range(600)))
    token = await office.token(await office.agent())
    seen = []
    while True:
        after = seen[-1] if seen else 0
        page = (
            await http.get(f"/v1/conversations/{conversation_id}/events", params={"after": after}, headers=token)
        ).json()
        seen += [event["seq"] for event in page["events"]]
        if seen[-1] == page["seq"]:
            break
    assert seen == list(range(1, 602))


async def test_return_by_the_visitor_shows_in_the_item(http, office):
    conversation_id = await office.open("one", waiting=True)
    visitor = Author("visitor", None, (await office.store.conversation(conversation_id)).visitor_id)
    await office.append(conversation_id, (visitor, ReturnedToBot()), (visitor, VisitorSaid("never mind")))
    token = await office.token(await office.agent())
    item = (await http.get(f"/v1/conversations/{conversation_id}", headers=token)).json()
    assert (item["state"], item["reason"], item["waiting_since"]) == ("bot", None, None)


async def test_capacity_change_never_revives_a_disabled_account(http, office):
    agent = await office.agent()
    token = await office.token(agent)
    await office.store.save_agent(replace(agent, disabled=True))
    refused(
        await http.put("/v1/presence", headers=token, json={"status": "online", "capacity": 3}), 401, "not_signed_in"
    )
    assert (await office.store.agent(agent.agent_id)).disabled
