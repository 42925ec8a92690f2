import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.settings.settings import Site
from bot.visitor.identity import VisitorAuthentication, hash_token
from bot.visitor.protocol import Hangup, Hello, Identity
from conversation.clock import ManualClock
from conversation.memory import MemoryStore

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWN = "https://help.example"
SHOP = "https://shop.example"
SECRET = "0123456789abcdef0123456789abcdef"
SITES = {
    "default": Site(),
    "shop": Site(allowed_origins=(SHOP,), identity_secret=SECRET),
    "blog": Site(allowed_origins=("https://blog.example",), identity_secret=SECRET[::-1]),
}


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock)


@pytest.fixture
def authentication(store, clock):
    return VisitorAuthentication(SITES, store, clock)


def hello(site="default", **fields) -> Hello:
    return Hello(type="hello", protocol=1, site=site, **fields)


def claims(**changed) -> str:
    now_s = NOON.timestamp()
    stated = {
        "site": "shop",
        "user_id": "u-7",
        "name": "Ada",
        "email": "ada@shop.example",
        "iat": now_s,
        "exp": now_s + 300,
    }
    return json.dumps({name: value for name, value in (stated | changed).items() if value is not None})


def signed(text: str, secret: str = SECRET) -> Identity:
    return Identity(claims=text, signature=hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest())


async def refusal(authentication, frame: Hello, origin: str | None = None) -> int:
    with pytest.raises(Hangup) as hangup:
        await authentication.admit(frame, origin, OWN)
    assert hangup.value.reason
    return hangup.value.code


async def kept(authentication, store, frame: Hello):
    """Admitted, and stored as the first command would."""
    admitted = await authentication.admit(frame, None, OWN)
    await store.save_visitor(admitted.visitor)
    return admitted


# Origins


@pytest.mark.parametrize(
    ("origin", "known"),
    [
        (None, True),
        (OWN, True),
        (OWN.upper(), True),
        (SHOP, True),
        ("https://blog.example", True),
        ("https://evil.example", False),
        ("http://shop.example", False),
        ("https://shop.example.evil.example", False),
        ("https://sub.shop.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_before_the_handshake_any_sites_origin_and_our_own_are_known(authentication, origin, known):
    assert authentication.origin_is_known(origin, OWN) is known


def test_no_origin_passes_unless_one_is_required(store, clock):
    assert not VisitorAuthentication(SITES, store, clock, require_origin=True).origin_is_known(None, OWN)


async def test_after_hello_only_the_sites_own_origins_count(authentication):
    assert await refusal(authentication, hello("blog"), SHOP) == 4403
    assert await refusal(authentication, hello("default"), SHOP) == 4403
    for origin in (SHOP, SHOP.upper(), OWN, None):
        assert (await authentication.admit(hello("shop"), origin, OWN)).visitor.site_id == "shop"


async def test_an_unknown_site_is_4404(authentication):
    assert await refusal(authentication, hello("attic"), OWN) == 4404


# Tokens


async def test_a_newcomer_gets_a_token_and_nothing_is_stored(authentication, store):
    admitted = await authentication.admit(hello(), None, OWN)
    assert len(admitted.token) >= 32
    assert admitted.visitor.token_hash == hashlib.sha256(admitted.token.encode()).digest() == hash_token(admitted.token)
    assert admitted.visitor.expires_at == NOON + timedelta(days=90)
    assert await store.visitor_by_token(admitted.visitor.token_hash) is None


async def test_newcomers_are_different_visitors(authentication):
    first, second = [await authentication.admit(hello(), None, OWN) for _ in range(2)]
    assert first.token != second.token
    assert first.visitor.visitor_id != second.visitor.visitor_id


async def test_a_token_names_its_visitor(authentication, store):
    first = await kept(authentication, store, hello())
    again = await authentication.admit(hello(token=first.token), None, OWN)
    assert (again.visitor, again.token, again.moved_from) == (first.visitor, first.token, None)


async def test_an_unknown_token_is_4401(authentication):
    assert await refusal(authentication, hello(token="made-up")) == 4401


async def test_a_token_counts_on_its_own_site_only(authentication, store):
    admitted = await kept(authentication, store, hello())
    assert await refusal(authentication, hello("shop", token=admitted.token)) == 4401


async def test_a_token_slides_for_90_days_with_each_use(authentication, store, clock):
    admitted = await kept(authentication, store, hello())
    for _ in range(3):
        clock.advance(89 * 86_400)
        slid = await authentication.admit(hello(token=admitted.token), None, OWN)
        assert slid.visitor.expires_at == clock.now() + timedelta(days=90)
        assert await store.visitor_by_token(hash_token(admitted.token)) == slid.visitor
    clock.advance(90 * 86_400)
    assert await refusal(authentication, hello(token=admitted.token)) == 4401


async def test_a_token_in_daily_use_is_not_written_at_every_hello(authentication, store, clock):
    admitted = await kept(authentication, store, hello())
    clock.advance(3_600)
    again = await authentication.admit(hello(token=admitted.token), None, OWN)
    assert again.visitor == admitted.visitor


# Signed-in customers


async def test_an_identity_is_the_customer_it_names(authentication):
    admitted = await authentication.admit(hello("shop", identity=signed(claims())), None, OWN)
    visitor = admitted.visitor
    assert (visitor.user_id, visitor.name, visitor.email, visitor.site_id) == ("u-7", "Ada", "ada@shop.example", "shop")


async def test_a_customer_is_the_same_visitor_with_the_same_token_on_every_device(authentication, store):
    phone = await kept(authentication, store, hello("shop", identity=signed(claims())))
    laptop = await authentication.admit(hello("shop", identity=signed(claims(name="Ada L."))), None, OWN)
    assert (laptop.visitor.visitor_id, laptop.token) == (phone.visitor.visitor_id, phone.token)
    assert (await store.visitor_by_user("shop", "u-7")).name == "Ada L."


async def test_customers_have_tokens_of_their_own(authentication):
    tokens = {
        (await authentication.admit(hello("shop", identity=signed(claims(user_id=user))), None, OWN)).token
        for user in ("u-7", "u-8", "u-7\0")
    }
    assert len(tokens) == 3


async def test_a_customers_token_without_an_identity_is_refused(authentication, store):
    customer = await kept(authentication, store, hello("shop", identity=signed(claims())))
    assert await refusal(authentication, hello("shop", token=customer.token)) == 4401
    both = await authentication.admit(hello("shop", token=customer.token, identity=signed(claims())), None, OWN)
    assert both.visitor.visitor_id == customer.visitor.visitor_id
    assert both.moved_from is None


async def test_the_browsers_anonymous_visitor_signs_in(authentication, store):
    browser = await kept(authentication, store, hello("shop"))
    customer = await authentication.admit(hello("shop", token=browser.token, identity=signed(claims())), None, OWN)
    assert customer.moved_from == browser.visitor
    assert customer.visitor.visitor_id != browser.visitor.visitor_id
    assert customer.token != browser.token


async def test_another_customer_of_a_shared_browser_inherits_nothing(authentication, store):
    before = await kept(authentication, store, hello("shop", identity=signed(claims(user_id="u-8"))))
    after = await authentication.admit(hello("shop", token=before.token, identity=signed(claims())), None, OWN)
    assert after.moved_from is None
    assert after.visitor.visitor_id != before.visitor.visitor_id


@pytest.mark.parametrize(
    "identity",
    [
        signed(claims(), SECRET[::-1]),
        Identity(claims=claims(user_id="u-8"), signature=signed(claims()).signature),
        Identity(claims=claims() + " ", signature=signed(claims()).signature),
        Identity(claims=claims(), signature=""),
        Identity(claims=claims(), signature="ü" * 64),
        signed(claims(site="blog")),
        signed(claims(site=None)),
        signed(claims(user_id=None)),
        signed(claims(user_id=7)),
        signed(claims(iat=None)),
        signed(claims(exp=None)),
        signed(claims(exp=NOON.timestamp())),
        signed(claims(exp=NOON.timestamp() - 1)),
        signed(claims(iat=NOON.timestamp() + 61)),
        signed("{}"),
        signed("no JSON"),
        signed("[" * 5_000),
    ],
)
async def test_an_identity_that_does_not_hold_is_4403(authentication, identity):
    assert await refusal(authentication, hello("shop", identity=identity)) == 4403


async def test_an_identity_is_nothing_to_a_site_without_a_secret(authentication):
    assert await refusal(authentication, hello("default", identity=signed(claims(site="default")))) == 4403


async def test_a_site_does_not_vouch_for_the_customers_of_another(authentication):
    assert await refusal(authentication, hello("blog", identity=signed(claims(site="blog")))) == 4403


async def test_claims_may_run_a_minute_ahead_say_more_and_be_signed_in_capitals(authentication):
    text = claims(iat=NOON.timestamp() + 59, attributes={"plan": "gold"})
    identity = Identity(claims=text, signature=signed(text).signature.upper())
    assert (await authentication.admit(hello("shop", identity=identity), None, OWN)).visitor.user_id == "u-7"
