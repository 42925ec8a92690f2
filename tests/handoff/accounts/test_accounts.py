import hashlib

import pytest

from conversation.errors import EmailTaken, NotFound
from conversation.values import Visitor
from handoff.accounts.accounts import gate, normal_email
from handoff.accounts.passwords import Passwords
from handoff.errors import AgentDisabled, BadCredentials, BadRequest, Forbidden, UnknownAgent


@pytest.fixture
def cheap_hashes():
    """Not here: what is shipped is what is tested."""


async def test_password_is_kept_as_argon2id_of_rfc_9106s_second_choice(office):
    await office.accounts.add(email="ana@example.com", name="Ana", password="correct horse")
    _, password_hash = await office.store.agent_by_email("ana@example.com")
    assert password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_secrets_are_kept_only_as_their_digests(office):
    agent = await office.agent()
    token = await office.accounts.bearer_token(agent.email)
    assert len(token) == 43  # 32 random bytes
    kept = office.store._tables.credentials
    assert list(kept) == [hashlib.sha256(token.encode()).digest()]
    assert token not in repr(kept)


async def test_without_a_password_no_password_signs_in(office):
    await office.agent()
    for password in ("", "the password of no account"):
        with pytest.raises(BadCredentials):
            await office.accounts.sign_in("ana@example.com", password)


async def test_unknown_address_is_hashed_for_as_long_as_a_known_one(office, monkeypatch):
    asked = []
    verify = Passwords._verify

    def watched(self, password_hash, password):
        asked.append(password_hash)
        return verify(self, password_hash, password)

    monkeypatch.setattr(Passwords, "_verify", watched)
    with pytest.raises(BadCredentials):
        await office.accounts.sign_in("nobody@example.com", "guess")
    assert asked == [None]
    assert not verify(Passwords(), None, "the password of no account")


async def test_address_is_one_account_however_it_is_written(office):
    await office.accounts.add(email=" Ana@Example.COM ", name="Ana")
    with pytest.raises(EmailTaken):
        await office.accounts.add(email="ana@example.com", name="Ana")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ana",
        "@",
        "ana@",
        "@x.com",
        "a b@x.com",
        "a@b@c",
        "a@x..com",
        "a@.com",
        "a@x.com\n@y",
        "<a@x.com>",
        "x" * 250 + "@x.com",
    ],
)
def test_what_is_no_address_is_refused(email):
    with pytest.raises(BadRequest) as refused:
        normal_email(email)
    assert refused.value.field == "email"


@pytest.mark.parametrize(
    "email", ["ana@example.com", "a.b+c@sub.example.com", "o'hara@example.ie", "zoë@example.com", "root@localhost"]
)
def test_what_is_an_address_is_kept(email):
    assert normal_email(email) == email


@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025])
async def test_password_too_short_or_too_long_is_refused(office, password):
    with pytest.raises(BadRequest) as refused:
        await office.accounts.add(email="ana@example.com", name="Ana", password=password)
    assert refused.value.field == "password"
    assert password not in str(refused.value) or not password
    assert await office.accounts.all() == ()


async def test_disabled_account_gets_no_new_credentials(office):
    await office.agent()
    await office.accounts.disable("ana@example.com")
    for issue in (office.accounts.bearer_token, office.accounts.login_link_token):
        with pytest.raises(AgentDisabled):
            await issue("ana@example.com")
        with pytest.raises(UnknownAgent):
            await issue("nobody@example.com")


async def test_gate_shows_a_visitor_only_what_is_theirs(office):
    conversation_id = await office.open("hello", visitor_id="v1")
    owner = Visitor("v1", "default", b"1", office.clock.now())
    other = Visitor("v2", "default", b"2", office.clock.now())
    assert (await gate(office.store, owner, conversation_id)).conversation_id == conversation_id
    for principal, wanted in ((other, conversation_id), (owner, "nowhere"), (other, "nowhere")):
        with pytest.raises(NotFound):
            await gate(office.store, principal, wanted)


async def test_gate_lets_readers_read_but_not_act(office):
    conversation_id = await office.open("hello")
    reader = await office.agent("Quinn", "qa")
    assert await gate(office.store, reader, conversation_id)
    with pytest.raises(Forbidden):
        await gate(office.store, reader, conversation_id, acting=True)
