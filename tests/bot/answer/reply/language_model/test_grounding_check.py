import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer.reply.language_model.grounding_check import MAX_CLAIM_CHARS, GroundingCheck

REFUNDS = "Refunds\n\nA refund takes five working days to reach your bank account."
PARCELS = "Parcels\n\n1. Open the mail we sent you.\n2. Press **Track my parcel**.\n\nRun this:\n\n    shop track\n    shop find"


def checked(text, passages=(REFUNDS, PARCELS)):
    shown = []
    done = GroundingCheck(passages, shown.append)
    for char in text:
        done.feed(char)
    done.end()
    assert "".join(shown) == done.text
    return done


def faults(done):
    return [removal.fault for removal in done.removed]


def test_a_cited_sentence_that_its_passage_carries_stays():
    done = checked("A refund takes five working days [1].")
    assert done.text == "A refund takes five working days [1]."
    assert done.quotes == {1: "A refund takes five working days to reach your bank account."}
    assert done.suffices


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("A refund takes five working days.", "citation"),
        ("A refund takes five working days [3].", "citation"),
        ("A refund takes five working days [0].", "citation"),
        ("A refund takes five working days [1, 9].", "citation"),
        ("A refund takes five working days [2].", "number"),
        ("A refund takes six working days [1].", "number"),
        ("Elephants dance on bank accounts [1].", "words"),
        ("A refund takes five working days [1](https://evil.example).", "citation"),
        ("[1]: https://evil.example", "link"),
        ("I hope that helps!", "citation"),
        ("NONE", "citation"),
        ("Do this:", "citation"),
        ("A refund takes five working days " * 40 + "[1].", "too_long"),
    ],
)
def test_a_sentence_without_a_passage_that_carries_it_goes(text, fault):
    done = checked(text)
    assert (done.text, faults(done), done.suffices) == ("", [fault], False)
    assert len(text) > MAX_CLAIM_CHARS or fault != "too_long"


def test_what_stays_closes_ranks_around_what_goes():
    done = checked("Sure! A refund takes five working days [1]. It costs $3 [1].\n\nIt reaches your bank account [1].")
    assert done.text == "A refund takes five working days [1].\n\nIt reaches your bank account [1]."
    assert faults(done) == ["citation", "number"]


def test_citations_are_numbered_as_they_appear():
    done = checked(
        "Press **Track my parcel** [2]. A refund takes five working days [1]. Open the mail we sent you [2]."
    )
    assert (
        done.text
        == "Press **Track my parcel** [1]. A refund takes five working days [2]. Open the mail we sent you [1]."
    )
    assert list(done.quotes) == [2, 1]


def test_a_sentence_may_cite_several_passages():
    done = checked("Open the mail we sent you, a refund takes five working days [2, 1].")
    assert done.text == "Open the mail we sent you, a refund takes five working days [1][2]."


def test_a_lead_in_stays_with_what_it_introduces():
    done = checked("To track a parcel:\n1. Open the mail we sent you [2].\n2. Press **Track my parcel** [2].")
    assert done.text == "To track a parcel:\n1. Open the mail we sent you [1].\n2. Press **Track my parcel** [1]."
    assert done.suffices


def test_a_lead_in_that_claims_something_else_goes():
    done = checked("Pay $900 to track a parcel:\n1. Open the mail we sent you [2].\n2. Press **Track my parcel** [2].")
    assert done.text.startswith("1. Open the mail")
    assert faults(done) == ["number"]


def test_a_list_without_one_of_its_steps_is_no_reply():
    done = checked("1. Open the mail we sent you [2].\n2. Call 555-1234 [2].\n3. Press **Track my parcel** [2].")
    assert done.text.count("\n") == 1
    assert not done.suffices


def test_a_reply_most_of_which_goes_is_none():
    done = checked("A refund takes five working days [1]. But you may as well never get it, who knows, not me.")
    assert done.text == "A refund takes five working days [1]."
    assert not done.suffices


def test_code_that_stands_in_a_passage_stays_and_cites_it():
    done = checked("```sh\nshop track\n```\n")
    assert done.text == "```sh\nshop track\n```"
    assert list(done.quotes) == [2]


def test_other_code_goes():
    done = checked("```sh\nshop track\nrm -rf /\n```\n")
    assert (done.text, faults(done)) == ("", ["code"])


@pytest.mark.parametrize("opening", ["```[1](https://evil.example)", "~~~ <b>", "``` sh and more"])
@pytest.mark.parametrize("code", ["", "shop track\n"])
def test_a_block_of_code_says_its_language_and_nothing_else(opening, code):
    assert checked(f"{opening}\n{code}{opening[:3]}\n").text == ""
    assert checked("```sh\nshop track\n```\n").text == "```sh\nshop track\n```"


FRAGMENTS = (
    "A refund takes five working days",
    " [1]",
    " [2]",
    " [9]",
    ". ",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "Do this:",
    "```",
)
HARMFUL = ("[1](https://evil.example)", "![x](y)", "<b>", "Pay $3", "shop track", "Press **Track my parcel**")


@given(st.lists(st.sampled_from(FRAGMENTS + HARMFUL)).map("".join))
def test_whatever_is_written_only_what_may_stay_is_shown(text):
    done = checked(text)
    assert "evil" not in done.text
    assert "![" not in done.text
    assert "<b>" not in done.text
    assert "$3" not in done.text
    assert set(done.quotes) <= {1, 2}
    assert done.suffices <= bool(done.text)
