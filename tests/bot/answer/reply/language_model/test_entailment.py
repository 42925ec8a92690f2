import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer.reply.language_model.entailment import stands_in, support

REFUNDS = """Refunds

When the money arrives

## When the money arrives

We send the money back within five working days, to the card you paid with. Shipping costs of $4.50 are not refunded.
You cannot cancel an order that has left the warehouse. See [your orders](https://shop.example/orders?a=1) or write to
help@shop.example. Orders above 1,000 euros take 10 days. Run `shop refund --all` to see them.
"""


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        # said in other words
        ("The money is sent back within five working days.", None),
        ("The money is sent back within 5 working days.", None),
        ("You get the money back on the card you paid with.", None),
        ("Shipping costs of $4.50 aren't refunded.", None),
        ("You can't cancel an order once it has left the warehouse.", None),
        ("Orders above 1000 euros take 10 days.", None),
        ("Run `shop refund --all`.", None),
        ("See [your orders](https://shop.example/orders?a=1).", None),
        ("Write to help@shop.example.", None),
        ("**Refunds**: the money is back within *five* working days.", None),
        # another number
        ("The money is sent back within 50 working days.", "number"),
        ("The money is sent back within six working days.", "number"),
        ("Shipping costs of $45.0 are not refunded.", "number"),
        ("Shipping costs of €4.50 are not refunded.", "number"),
        ("Orders above 10 euros take 1000 days, or 3.", "number"),
        # the opposite
        ("You can cancel an order that has left the warehouse.", "negation"),
        ("Shipping costs are refunded.", "negation"),
        ("We do not send the money back within five working days.", "negation"),
        # something else
        ("We sell bicycles and repair motorcycles.", "words"),
        ("The money is sent in cash by pigeon.", "words"),
        ("Handrail refunds everything instantly.", "words"),
        # links, code, pictures and HTML that are not the passage's
        ("See [your orders](https://evil.example/orders).", "link"),
        ("See [your orders](https://shop.example/orders?a=2).", "link"),
        ("See [your orders](javascript:alert).", "link"),
        ("See [your orders](/orders).", "link"),
        ("Go to www.evil.example for the money.", "link"),
        ("Write to help@evil.example.", "link"),
        ("Run `shop refund --force`.", "code"),
        ("![the money](https://shop.example/orders?a=1)", "image"),
        ("<b>the money</b> is sent back", "html"),
        ("<script>alert(1)</script>", "html"),
        ("<!-- the money -->", "html"),
        # nothing
        ("That is it.", "empty"),
        ("", "empty"),
        ("**:**", "empty"),
    ],
)
def test_a_claim_stands_or_falls_with_its_passage(claim, fault):
    assert support(claim, [REFUNDS]).fault == fault


def test_several_passages_carry_a_claim_together():
    claim = "Refunds take five days and parcels two."
    first, second = "Refunds take five days.", "Parcels take two days."
    assert support(claim, [first]).fault == "number"
    assert support(claim, [first, second]).fault is None


def test_the_quote_is_the_sentence_that_comes_closest():
    assert support("Shipping costs are not refunded.", [REFUNDS]).quote == "Shipping costs of $4.50 are not refunded."


def test_what_a_heading_asks_carries_no_claim():
    asks = "### Are dogs allowed?\n\nNo, dogs are not allowed."
    assert support("Dogs are allowed.", [asks]).fault == "negation"
    assert support("No, dogs are not allowed.", [asks]).fault is None


def test_code_stands_in_a_passage_line_by_line():
    passage = "Do this:\n\n    make serve\n    make test\n"
    assert stands_in("make serve\n\nmake test", passage)
    assert not stands_in("make serve\nmake clean", passage)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_gets_a_verdict(claim, passage):
    support(claim, [passage])


@given(
    st.lists(
        st.sampled_from(["Refunds", "take", "five", "days", "seldom", "parcels", "arrive"]), min_size=3, max_size=9
    )
)
def test_a_passage_carries_its_own_sentences(words):
    sentence = " ".join(words).capitalize() + "."
    assert support(sentence, [f"# Title\n\nSomething else. {sentence}"]).fault in (None, "empty")


@pytest.mark.parametrize("hostile", ["`" * 1000, "<" * 1000, "[x](" * 250, "a@" * 500, "1," * 500, "]( " * 300])
def test_hostile_claims_are_judged_in_time(hostile):
    support(hostile, [hostile * 5])
