import pytest
from langchain_core.runnables import RunnableLambda
from pydantic import ValidationError

from retrieval.articles.audience import Audience
from retrieval.index.watch import Knowledge
from retrieval.langchain import HandrailRetriever

REFUNDS = "# Refunds\n\nYou get it back.\n\n## Lost parcels\n\nA lost parcel is paid at once.\n"
SECRET = "---\ntitle: Fraud\nvisibility: internal\n---\nA lost parcel may be fraud.\n"


@pytest.fixture
def knowledge(kb, tmp_path, encoder):
    kb.write("refunds.md", REFUNDS)
    kb.write("fraud.md", SECRET)
    kb.write("hours.md", "---\nurl: https://shop.example/hours\n---\n# Hours\n\nOpen on weekdays.\n")
    return Knowledge.open(kb.path, index_dir=tmp_path / "index", encoder=encoder)


def test_a_chain_gets_the_best_passage_of_each_article(knowledge, encoder):
    retriever = HandrailRetriever(knowledge=knowledge, encoder=encoder)
    first, second = retriever.invoke("lost parcel")
    assert first.page_content == "## Lost parcels\n\nA lost parcel is paid at once."
    assert first.metadata | {"score": None} == {
        "article_id": "refunds",
        "title": "Refunds",
        "heading_path": ["Lost parcels"],
        "anchor": "lost-parcels",
        "start_index": REFUNDS.index("## Lost parcels"),
        "url": None,
        "rank": 1,
        "score": None,
        "kb_version": knowledge.snapshot.kb_version,
    }
    assert first.metadata["score"] > second.metadata["score"]
    assert second.metadata["rank"] == 2
    assert second.metadata["url"] == "https://shop.example/hours"


def test_only_an_internal_audience_gets_internal_articles(knowledge, encoder):
    agent = HandrailRetriever(knowledge=knowledge, encoder=encoder, audience=Audience("default", internal=True))
    assert "fraud" in {document.metadata["article_id"] for document in agent.invoke("lost parcel")}


async def test_it_can_be_awaited_and_stands_in_a_chain(knowledge, encoder):
    retriever = HandrailRetriever(knowledge=knowledge, encoder=encoder, limit=1)
    chain = retriever | RunnableLambda(lambda documents: [document.metadata["title"] for document in documents])
    assert await chain.ainvoke("open on weekdays") == ["Hours"]


async def test_a_changed_article_is_found_by_the_same_retriever(knowledge, encoder, kb):
    retriever = HandrailRetriever(knowledge=knowledge, encoder=encoder, limit=1)
    kb.write("lockers.md", "# Parcel lockers\n\nOpen day and night.\n")
    assert retriever.invoke("lockers")[0].metadata["article_id"] != "lockers"

    assert await knowledge.refresh()
    assert retriever.invoke("lockers")[0].metadata["article_id"] == "lockers"


def test_no_documents_cannot_be_asked_for(knowledge, encoder):
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        HandrailRetriever(knowledge=knowledge, encoder=encoder, limit=0)
