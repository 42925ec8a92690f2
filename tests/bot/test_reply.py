from bot.reply import extractive
from bot.reply.extractive import excerpt
from retrieval.article import parse
from retrieval.chunk import split
from retrieval.index import Hit


def hit(body, title="Refunds [2026]"):
    article = parse(f"---\ntitle: '{title}'\n---\n\n{body}", path="refunds.md")
    return Hit(article=article, chunk=split(article)[0], score=1.0, signals={})


def test_a_reply_ends_with_its_source_and_brackets_cannot_break_the_link():
    found = hit("## When the money arrives\n\nWithin five days.")
    text = extractive.compose(found, "https://help.example/refunds#when")
    assert text == (
        "Within five days.\n\nFrom [Refunds \\[2026\\] › When the money arrives](https://help.example/refunds#when)"
    )


def test_steps_are_kept_whole():
    steps = "\n".join(f"{n}. Step {n} has quite a few words in it, about ten of them." for n in range(1, 16))
    assert excerpt(f"Do this:\n\n{steps}\n\nAnd then more.").endswith(
        "15. Step 15 has quite a few words in it, about ten of them."
    )


def test_prose_is_cut_at_a_paragraph():
    paragraph = "word " * 59 + "end."
    assert excerpt("\n\n".join([paragraph] * 4)) == "\n\n".join([paragraph] * 2)


def test_code_is_left_as_it_is():
    assert excerpt("```\n<b>![x](y)\n```") == "```\n<b>![x](y)\n```"


def test_indented_code_becomes_a_fence():
    assert excerpt("Run it:\n\n    make serve\n      --fast\n") == "Run it:\n\n```\nmake serve\n  --fast\n```"


def test_images_tags_anchors_and_labels_are_not_shown():
    passage = "## Cables {#c}\n\n> [!NOTE]\n> Use a <b>data</b> cable. ![A cable](img/c.png)"
    assert excerpt(passage).strip() == "Use a data cable."


def test_a_link_to_the_web_stays_and_a_relative_one_leaves_its_words():
    assert excerpt("See [the shop](https://shop.example/a) and [ports](ports.md).") == (
        "See [the shop](https://shop.example/a) and ports."
    )


def test_an_introduction_whose_list_was_cut_away_goes_too():
    steps = "\n".join(f"- item {'word ' * 20}" for _ in range(20))
    assert excerpt(f"{'word ' * 100}\n\nThese are the items:\n\n{steps}") == ("word " * 100).strip()


def test_a_passage_that_is_one_heading_still_says_something():
    assert excerpt("Only this.") == "Only this."
