from collections import Counter

import pytest

from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from retrieval.search.confidence_features import CONFIDENCE_FEATURES
from retrieval.search.signals import Query, compute_signals
from retrieval.search.stages import (
    PASSAGES,
    PLACES,
    RESERVED,
    best_articles,
    first_stage,
    passage_scores,
    search,
    second_stage,
)

VISITOR = Audience("default")

SHOP = {
    "refunds": "---\ntitle: Refunds\nquestions: [Where is my cash?]\n---\nYou get it back.\n\n"
    "## Lost parcels\n\nA lost parcel is paid at once. Cash is sent by mail.\n",
    "secret": "---\ntitle: Fraud rules\nvisibility: internal\n---\nRefund parcel cash only after a check of the parcel.\n",
    "draft": "---\ntitle: Parcel insurance\ndraft: true\n---\nparcel parcel parcel\n",
    "portugal": "---\ntitle: Parcel lockers\nlocale: pt-PT\nsites: [iberia]\n---\nThe parcel waits in a locker.\n",
    "hours": "---\ntitle: Opening hours\n---\nWe are open on weekdays.\n",
}


@pytest.fixture
def ask(snapshot_of, encoder):
    def ask(articles, query, audience=VISITOR, limit=20):
        return search(snapshot_of(articles), Query(query, encoder.encode([query])[0]), audience, limit)

    return ask


def found(hits):
    return [hit.article.article_id for hit in hits]


def test_a_hit_says_what_each_signal_thought_of_it(ask):
    hit = ask(SHOP, "lost parcel")[0]
    assert (hit.article.article_id, hit.chunk.heading_path) == ("refunds", ("Lost parcels",))
    assert hit.signals["dense"].rank == hit.signals["lexical"].rank == 1
    assert 0 < hit.signals["dense"].score <= 1
    assert 0 < hit.signals["late"].score <= 1


def test_a_chunk_without_a_common_word_has_no_lexical_signal(ask):
    (hit,) = [hit for hit in ask(SHOP, "lost parcel") if hit.article.article_id == "hours"]
    assert set(hit.signals) == {"dense", "late"}


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (VISITOR, {"refunds", "hours"}),
        (Audience("default", internal=True), {"refunds", "hours", "secret"}),
        (Audience("iberia", "pt-BR"), {"refunds", "hours", "portugal"}),
        (Audience("iberia", "en"), {"refunds", "hours"}),
    ],
)
def test_only_what_the_audience_may_see_is_found(ask, audience, expected):
    assert set(found(ask(SHOP, "parcel", audience))) == expected


def test_what_is_hidden_changes_no_rank_and_no_depth(ask, snapshot_of, encoder):
    crowd = {f"hidden{n}": "---\ntitle: Parcel\nvisibility: internal\n---\nlost parcel\n" for n in range(300)}
    alone = ask({"refunds": SHOP["refunds"], "hours": SHOP["hours"]}, "lost parcel")
    crowded = ask({"refunds": SHOP["refunds"], "hours": SHOP["hours"], **crowd}, "lost parcel")
    assert [(hit.chunk, {name: signal.rank for name, signal in hit.signals.items()}) for hit in crowded] == [
        (hit.chunk, {name: signal.rank for name, signal in hit.signals.items()}) for hit in alone
    ]


def test_a_draft_is_not_even_part_of_a_snapshot(snapshot_of):
    snapshot = snapshot_of(SHOP)
    assert set(snapshot.articles) == {"refunds", "secret", "portugal", "hours"}


def test_a_question_of_the_front_matter_leads_to_the_passage_most_like_it(ask):
    hit = ask(SHOP, "Where is my cash?")[0]
    assert hit.chunk.heading_path == ("Lost parcels",)
    assert hit.signals["dense"].score == pytest.approx(1)


def test_limit_counts_articles_and_all_of_them_are_reached(ask):
    long = {"long": "---\ntitle: Long\n---\n" + "\n".join(f"## Part {n}\n\nparcel {n}\n" for n in range(150))}
    other_articles = {
        f"other{n}": f"---\ntitle: Other {n}\n---\nA parcel among many words of another kind {n}.\n" for n in range(30)
    }
    hits = ask(long | other_articles, "parcel", limit=20)
    assert len(set(found(hits))) == 20
    assert len(set(found(ask(long | other_articles, "parcel", limit=3)))) == 3


def test_equal_hits_stand_in_the_order_of_their_ids(ask):
    orders = {
        "d": "one two three four",
        "b": "four three two one",
        "c": "two one four three",
        "a": "three one four two",
    }
    same = {name: f"---\ntitle: Same\n---\n{words}\n" for name, words in orders.items()}
    assert found(ask(same, "two three")) == ["a", "b", "c", "d"]
    assert len({hit.chunk for hit in ask(same, "two three")}) == 4


def test_a_passage_that_says_the_same_as_a_better_one_is_left_out(ask):
    steps = "Open the settings, choose the account and press the button that says reset my password at the bottom."
    twins = {
        "web": f"---\ntitle: Reset a password\n---\n{steps}\n",
        "copy": f"---\ntitle: Accounts\n---\n{steps}\n\n## Close\n\nAsk us to close the account.\n",
        "phone": f"---\ntitle: Phones\n---\n{steps.replace('settings', 'menu').replace('bottom', 'top')}\n",
    }
    hits = ask(twins, "reset a password")
    assert [(hit.article.article_id, hit.chunk.heading_path) for hit in hits if hit.chunk.text == steps] == [
        ("web", ())
    ]
    assert ("copy", ("Close",)) in {(hit.article.article_id, hit.chunk.heading_path) for hit in hits}
    assert "phone" in found(hits)


def test_passages_stand_together_below_their_article(ask):
    hits = ask(SHOP, "parcel")
    assert best_articles(hits) == list(dict.fromkeys(found(hits)))
    assert found(hits) == sorted(found(hits), key=best_articles(hits).index)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_articles_further_down_have_one_passage_and_one_in_reserve(ask):
    sections = "\n".join(f"## Part {part}\n\nparcel {part * 'x'}\n" for part in range(1, 5))
    alike = {f"a{n}": f"# Article {n * 'y'}\n\n{sections.replace('parcel', 'parcel ' + n * 'z')}" for n in range(1, 9)}
    counts = Counter(found(ask(alike, "parcel")))
    assert [counts[article] for article in dict.fromkeys(found(ask(alike, "parcel")))] == [4] * PLACES + [RESERVED] * 3


def test_of_a_long_article_only_the_best_passages_are_hits(ask):
    long = {"long": "---\ntitle: Long\n---\n" + "\n".join(f"## Part {n}\n\nparcel number {n}\n" for n in range(40))}
    hits = ask(long, "parcel number 17")
    assert len(hits) == PASSAGES
    assert hits[0].chunk.heading_path == ("Part 17",)


def test_a_title_that_says_what_was_asked_beats_a_passage_that_mentions_it(ask):
    articles = {
        "shipping": "---\ntitle: Shipping\n---\nTo cancel an order write to us. Orders are sent by mail. Cancel early.\n",
        "cancel": "---\ntitle: Cancel an order\n---\nOpen it in your account and press the red button.\n",
    }
    assert found(ask(articles, "cancel an order"))[0] == "cancel"


def test_each_bullet_of_an_article_of_bullets_is_a_way_of_asking(ask):
    articles = {
        "card": "---\ntitle: Card\n---\nAsked as:\n\n- my card was swallowed by the machine\n- where is my pin\n",
        "cash": "---\ntitle: Cash machine\n---\nA machine gives cash. The machine may be empty. A card opens the door.\n",
    }
    hit = ask(articles, "where is my pin")[0]
    assert (hit.article.article_id, hit.signals["dense"].score) == ("card", pytest.approx(1))


def test_the_best_article_alone_has_its_profile(ask):
    hits = ask(SHOP, "a lost parcel")
    best = [hit for hit in hits if hit.article.article_id == hits[0].article.article_id]
    assert len(best) < len(hits)
    assert [hit for hit in hits if hit.confidence_features is not None] == best
    assert tuple(hits[0].confidence_features) == CONFIDENCE_FEATURES


def test_an_empty_knowledge_base_finds_nothing(ask):
    assert ask({"draft": SHOP["draft"]}, "parcel") == []
    assert ask({"empty": "---\ntitle: Empty\nquestions: [what]\n---\n"}, "what") == []


def test_any_text_may_be_asked(ask):
    for query in ("", "🎉", "\x00", "x" * 4000, "' OR 1=1 --"):
        assert {hit.article.article_id for hit in ask(SHOP, query)} == {"refunds", "hours"}


def test_searching_the_same_gives_the_same(snapshot_of, encoder):
    snapshot = snapshot_of(SHOP)
    first, second = (Query("parcel", encoder.encode(["parcel"])[0]) for _ in range(2))
    assert search(snapshot, first, VISITOR) == search(snapshot, second, VISITOR)


HOTELS = {
    name: f"# Hotel {name.title()}\n\n## Breakfast\n\nIt is served from seven.\n\n## Wifi\n\nThere is wifi in every room.\n"
    for name in ("ashley", "gonville", "lensfield")
}


def test_what_was_said_before_tells_which_article_and_the_question_which_passage(snapshot_of, encoder):
    snapshot = snapshot_of(HOTELS)

    def query(text):
        return Query(text, encoder.encode([text])[0])

    asked, in_context = query("does it have wifi"), query("I am at the Gonville\ndoes it have wifi")
    first = second_stage(snapshot, asked, first_stage(snapshot, asked, snapshot.visible(VISITOR)), in_context, limit=1)[
        0
    ]
    assert (first.article.article_id, first.chunk.heading_path) == ("gonville", ("Wifi",))
    assert search(snapshot, asked, VISITOR)[0].article.article_id == "ashley"


def test_another_language_is_found_only_where_nothing_is_for_the_reader(ask):
    texts = {
        "en": "---\nlocale: en\n---\n# Refunds\n\nA refund of money.",
        "de": "---\nlocale: de-AT\n---\n# Refund\n\nGeld: a refund of money.",
        "secret": "---\nlocale: fr\nvisibility: internal\n---\n# Refund\n\nA refund of money.",
    }

    def read_by(audience, **more):
        return set(found(ask(texts | more, "refund of money", audience)))

    assert read_by(Audience("default", "de")) == {"de"}
    assert read_by(Audience("default", "en-GB")) == {"en"}
    assert read_by(Audience("default", "fr")) == {"en", "de"}
    assert read_by(Audience("default", "fr", internal=True)) == {"secret"}
    assert read_by(Audience("default", "fr"), any="# Refund\n\nMoney.") == {"any"}
    assert read_by(Audience("default")) == {"en", "de"}


def test_a_snapshot_speaks_to_those_in_whose_language_an_article_says_it_is_that_they_may_read():
    texts = {
        "en": "---\nlocale: en\n---\n# Refunds\n\nMoney.",
        "secret": "---\nlocale: fr\nvisibility: internal\n---\n# Refund\n\nMoney.",
        "any": "# Refund\n\nMoney.",
    }
    snapshot = build([parse(text, path=f"{name}.md") for name, text in texts.items()], HashingEncoder())
    assert snapshot.speaks_to(Audience("default", "en-GB"))
    assert not snapshot.speaks_to(Audience("default", "fr"))
    assert snapshot.speaks_to(Audience("default", "fr", internal=True))
    assert not snapshot.speaks_to(Audience("default", "de"))
    assert not snapshot.speaks_to(Audience("default"))


DELIVERY = {
    "delivery": "---\ntitle: Delivery\n---\nWe ship boxes.\n\n## Abroad\n\nThe usa is abroad: nothing goes there by sea.\n",
    "other": "---\ntitle: Other things\n---\nNothing of that.\n",
}


def test_the_title_says_of_no_passage_that_it_is_the_one(ask):
    (opening, *_) = ask({"a": "---\ntitle: Delete it\n---\nDelete it.\n\n## Download\n\nDelete it now.\n"}, "Delete it")
    assert opening.signals["dense"].score < 1


def test_a_passage_is_not_held_back_by_having_none_of_the_words(snapshot_of, encoder):
    snapshot = snapshot_of(DELIVERY)
    query = Query("ship usa abroad sea", encoder.encode(["usa abroad sea"])[0])
    signals = compute_signals(snapshot, query, snapshot.visible(VISITOR))
    scores = passage_scores(snapshot, query.text, signals)
    assert set(scores) == {position for scored in signals.passages.values() for position in scored}
    for position, score in scores.items():
        least = {name: min(scored.values()) for name, scored in signals.passages.items()} | {"lexical": 0.0}
        most = sum(snapshot.rarity(word) for word in ("ship", "usa", "abroad", "sea"))
        parts = {name: scored.get(position, least[name]) for name, scored in signals.passages.items()}
        expected = parts["dense"] + 2 * parts["late"] + 0.5 * parts["lexical"] / most
        assert score == pytest.approx(expected)


COPIES = {
    f"copy{n}": f"---\ntitle: Return it ({n})\n---\nSend the parcel back within thirty days with its label and the form.\n"
    for n in range(4)
} | {"hours": SHOP["hours"]}


def test_articles_that_say_the_same_repeat_the_best_one_and_are_no_rivals_of_it(ask):
    hits = ask(COPIES, "send the parcel back with its label")
    (best,) = [hit for hit in hits if hit.confidence_features is not None]
    alone = ask({"copy0": COPIES["copy0"], "hours": COPIES["hours"]}, "send the parcel back with its label")[0]
    assert not best.repeats
    assert best.confidence_features["chance"] == pytest.approx(alone.confidence_features["chance"], abs=0.1)
    assert best.confidence_features["near_lead"] == pytest.approx(alone.confidence_features["near_lead"], abs=1e-6)
    assert not any(hit.repeats for hit in ask(SHOP, "lost parcel"))
