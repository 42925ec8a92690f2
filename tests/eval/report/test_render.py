import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from playwright.async_api import async_playwright

from eval.cases import Utterance
from eval.metrics.bootstrap import Metric
from eval.metrics.measures import Answered, measure
from eval.report.render import GROUPS, LISTED, render_report
from eval.results import Results

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)></style></title><b>{{ 7*7 }}"
NAMES = {
    "hit@1", "hit@3", "hit@5", "mrr", "ndcg@10",
    "answerable_auroc", "right_auroc", "coverage@5%error", "aurc", "ece",
    "shown@1", "shown@3", "shown_unanswerable", "useless_of_suggested", "asked_back",
    "answered_rate", "wrong_of_answered", "answer_token_f1",
    "handoff_precision", "handoff_recall",
    "frustration_auroc", "frustration_ap", "frustration_f1",
    "latency_p50_ms", "latency_p95_ms",
}  # fmt: skip


class Page(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


@pytest.fixture
def drawn():
    def draw(cases, titles=None, *, suite="shop/dev", config=None):
        rows, questions = [case.row for case in cases], [case.question for case in cases]
        results = Results(suite, "kb-1", "mini", config or {}, measure(rows, questions, []))
        return render_report(results, cases, [row.latency_ms for row in rows], titles or {})

    return draw


@pytest.fixture
def cases(row, question):
    return [
        Answered(question("wrong", gold=("b",), text="Where is it?"), row("wrong", ranked=("a", "b"), confidence=0.93)),
        Answered(question("worse", gold=("q",), text="And that?"), row("worse", ranked=("a", "b"), confidence=0.95)),
        Answered(question("missed", text="Why not?"), row("missed", outcome="no_answer", confidence=0.31)),
        Answered(question("fine", text="All well?"), row("fine")),
        Answered(
            question("person", text="A human!", labels={"handoff_request": True}), row("person", outcome="no_answer")
        ),
    ]


def test_every_metric_of_the_protocol_has_its_meaning():
    assert {meaning.name for group in GROUPS for meaning in group.metrics} == NAMES


def test_every_metric_that_was_measured_is_in_the_table_with_its_interval():
    metrics = {name: Metric(0.125, (0.0625, 0.5), 17) for name in NAMES}
    page = Page(render_report(Results("s", "k", "m", {}, metrics), [], [3.0], {}))
    for name in NAMES:
        digits = 1 if name.endswith("_ms") else 3
        assert re.search(
            rf"{re.escape(name)} .*? {0.125:.{digits}f} {0.0625:.{digits}f} – {0.5:.{digits}f}", page.words
        ), name


def test_the_most_confident_error_comes_first_with_expected_and_chosen_article(drawn, cases):
    page = Page(drawn(cases, {"a": "Returns", "b": "Orders"}))
    wrong = page.words.split("Confident and wrong 2")[1].split("Not found 1")[0]
    assert wrong.index("And that?") < wrong.index("Where is it?")
    assert "reply answer0.93wrong expected Orders b found at 2 chosen Returns a" in wrong
    assert "reply answer0.95worse expected q not found chosen Returns a" in wrong


def test_answerable_questions_without_answer_and_calls_for_a_person_in_vain_are_listed(drawn, cases):
    words = Page(drawn(cases)).words
    missed = words.split("Not found 1")[1].split("Asked for a person in vain 1")[0]
    assert "Why not?" in missed
    assert "no answer0.31missed" in missed
    assert "A human!" in words.split("Asked for a person in vain 1")[1]
    assert "All well?" not in words


def test_a_long_list_is_cut_and_says_so(drawn, row, question):
    cases = [Answered(question(f"q{n}", gold=()), row(f"q{n}")) for n in range(LISTED + 5)]
    page = drawn(cases)
    assert f'Confident and wrong <span class="count">{LISTED + 5}</span>' in page
    assert f"The first {LISTED} are shown, all are in cases.jsonl." in page
    assert page.count("<article") == LISTED


def test_a_suggestion_is_listed_where_none_of_its_articles_is_right(drawn, row, question):
    cases = [
        Answered(question("vain", gold=("z",), text="In vain?"), row("vain", outcome="suggest", cited=("a", "b"))),
        Answered(question("beside", gold=("b",), text="Beside?"), row("beside", outcome="suggest", cited=("a", "b"))),
    ]
    words = Page(drawn(cases)).words
    assert "In vain?" in words.split("Suggested to no use 1")[1]
    assert "Beside?" not in words
    assert "Not found" not in words


def test_what_visitors_got_is_told_apart_by_whether_an_article_answers(drawn, row, question):
    cases = [
        Answered(question("right"), row("right")),
        Answered(question("hedged"), row("hedged", outcome="suggest", cited=("a", "b"))),
        Answered(question("beside", gold=("b",)), row("beside", outcome="suggest", cited=("a", "b"))),
        Answered(question("lost"), row("lost", outcome="no_answer")),
        Answered(question("none", gold=()), row("none", outcome="suggest", cited=("a",))),
        Answered(question("chat", gold=(), labels={"scope": "chitchat"}), row("chat", outcome="small_talk")),
    ]
    words = Page(drawn(cases)).words
    assert (
        "An article answers it 4 questions answered, right: 1 suggested, the right passage: 1 "
        "suggested, the right article beside it: 1 told that nothing was found: 1"
    ) in words
    assert "No article answers it 1 questions suggested, nothing useful: 1 suggested, nothing useful 100 % (1)" in words


@pytest.fixture
def four(row, question):
    """Four judged cases: sure and right, sure and wrong, less sure and right, hardly sure and wrong."""
    judged = [("a", 0.9, True), ("b", 0.8, False), ("c", 0.6, True), ("d", 0.2, False)]
    return [
        Answered(question(name, gold=("a",) if right else ("z",)), row(name, confidence=confidence))
        for name, confidence, right in judged
    ]


def test_the_threshold_in_use_is_a_point_of_the_curve_with_what_it_comes_to(drawn, four):
    source = drawn(four, config={"answer_confidence": 0.6, "error_budget": 0.4})
    words = Page(source).words
    assert "The bot answers from a confidence of 0.60: 75 % of the questions, 33 % of them wrong." in words
    assert "The error budget lets 40 % of the answers be wrong." in words
    point = re.search(r'cx="([\d.]+)" cy="([\d.]+)" r="6"><title>75&nbsp;% answered, 33&nbsp;% of it wrong', source)
    curve = re.search(r'<polyline class="curve" points="([^"]+)"', source)[1].split()
    assert f"{point[1]},{point[2]}" == curve[2]


def test_a_budget_that_is_not_kept_is_said_with_what_to_do(drawn, four):
    words = Page(drawn(four, config={"answer_confidence": 0.6, "error_budget": 0.3})).words
    assert "lets 30 % of the answers be wrong; more are. handrail eval calibrate makes it fit" in words


def test_a_fixed_confidence_has_no_budget_and_says_so(drawn, four):
    words = Page(drawn(four, config={"answer_confidence": 0.85, "error_budget": None})).words
    assert "from a confidence of 0.85: 25 % of the questions, 0 % of them wrong. 5 % wrong, for comparison" in words


def test_a_threshold_that_nothing_reaches_has_no_point(drawn, four):
    source = drawn(four, config={"answer_confidence": 1.0, "error_budget": 0.05})
    assert "The bot answers from a confidence of 1.00, which no question has." in Page(source).words
    assert 'r="6"><title>' not in source


def test_results_that_do_not_tell_their_threshold_have_a_curve_without_point(drawn, four):
    source = drawn(four)
    assert "The bot answers from" not in Page(source).words
    assert 'class="curve"' in source


def test_suggestions_have_a_curve_of_their_own_over_what_is_too_unsure_to_be_answered(drawn, row, question):
    ranked = [("a", "b", "c", "z"), ("b", "c", "a"), ("b", "c", "d", "a"), ("a",)]  # three of them within three
    cases = [
        Answered(question(str(number)), row(str(number), ranked=order, confidence=confidence, reach=2.0))
        for number, (order, confidence) in enumerate(zip(ranked, (0.3, 0.2, 0.15, 0.8), strict=True))
    ]
    config = {"answer_confidence": 0.7, "error_budget": 0.05, "suggest_usefulness": 0.3, "suggest_budget": 0.25}
    words = Page(drawn(cases, config=config)).words
    assert "The bot suggests from a usefulness of 0.30: 100 % of these questions, 33 % of them to no use." in words
    assert "The suggest budget lets 25 % of the suggestions be useless; more are." in words
    stricter = Page(drawn(cases, config=config | {"suggest_usefulness": 0.35})).words
    assert "from a usefulness of 0.35: 67 % of these questions, 0 % of them to no use." in stricter
    assert "What suggesting costs" not in Page(drawn(cases, config={"answer_confidence": 0.7})).words


@pytest.fixture
def hostile(drawn, row, question):
    """A report in which every text from outside is hostile."""
    asked = question(HOSTILE, gold=(HOSTILE,), text=HOSTILE, history=(Utterance("user", HOSTILE),))
    cases = [Answered(asked, row(HOSTILE, ranked=("a",), text=HOSTILE))]
    return drawn(cases, {"a": HOSTILE}, suite=HOSTILE, config={HOSTILE: HOSTILE})


def test_hostile_text_is_shown_as_text_wherever_it_comes_from(hostile):
    page = Page(hostile)
    assert not {"script", "img", "b", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert (page.tags.count("style"), page.tags.count("body")) == (1, 1)
    assert page.words.count(" ".join(HOSTILE.split())) >= 8


def test_the_page_needs_nothing_from_outside_and_lets_nothing_run(drawn, cases):
    source = drawn(cases)
    page = Page(source)
    assert "script" not in page.tags
    assert not {name for name, _ in page.attributes} & {"src", "href", "style", "srcset", "action", "xlink:href"}
    assert not re.search(r"url\(|@import|https?://", source)
    (policy,) = [value for name, value in page.attributes if value and value.startswith("default-src")]
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_filters_stand_at_the_head_since_the_suite_alone_does_not_tell_runs_apart(drawn, cases):
    config = {"where": {"bot": "shop"}, "kb_tag": "boots", "withhold": "gone.json"}
    head = Page(drawn(cases, config=config)).words.split("Metrics")[0]
    assert "only botshop only articles taggedboots articles withheld bygone.json" in head
    assert "only" not in Page(drawn(cases)).words.split("Metrics")[0]


def test_a_run_of_dialogues_alone_has_a_report_without_empty_plots():
    metrics = {"latency_p50_ms": Metric(3.0, (2.0, 4.0), 2)}
    page = Page(render_report(Results("chats", "k", "m", {}, metrics), [], [2.0, 4.0], {}))
    assert "polyline" not in page.tags
    assert "latency_p50_ms" in page.words
    assert "hit@1" not in page.words


def test_the_same_run_gives_the_same_page(drawn, cases):
    assert drawn(cases) == drawn(cases)
    assert unescape(drawn(cases)).count("<!doctype html>") == 1


@pytest.mark.slow
@pytest.mark.browser
async def test_a_browser_draws_it_whole_and_finds_nothing_to_run_or_load(
    tmp_path, hostile, chromium_path, chromium_args
):
    path = tmp_path / "report.html"
    path.write_text(hostile, encoding="utf-8")
    requests, complaints = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=chromium_args)
        page = await browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))  # violations of the policy are told there
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        await page.goto(path.as_uri())
        title = await page.locator("h1").inner_text()
        card = await page.locator(".card").first.evaluate("card => getComputedStyle(card).borderRadius")
        await browser.close()
    assert (requests, complaints) == ([path.as_uri()], [])
    assert title == HOSTILE
    assert card == "10px"  # the style was let through
