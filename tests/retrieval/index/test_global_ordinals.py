import numpy as np

from retrieval.index.global_ordinals import GlobalOrdinals, Shape, lay_out, owners


def shape(ids, chunks, children):
    return Shape(ids, np.array(chunks), np.array(children))


OLD = shape(["a", "c", "e"], [0, 2, 3, 3], [0, 3, 4, 4])
NEW = shape(["b", "c"], [0, 1, 3], [0, 1, 4])
LIVE = [(OLD, np.array([True, False, True])), (NEW, np.array([True, True]))]


def test_articles_of_all_segments_stand_in_the_order_of_their_ids():
    layout = lay_out(LIVE)
    assert list(layout.shape.article_ids) == ["a", "b", "c", "e"]
    assert layout.shape.chunk_starts.tolist() == [0, 2, 3, 5, 5]
    assert layout.shape.child_starts.tolist() == [0, 3, 4, 7, 7]
    old, new = layout.places
    assert (old.articles.tolist(), old.chunks.tolist(), old.children.tolist()) == (
        [0, -1, 3],
        [0, 1, -1],
        [0, 1, 2, -1],
    )
    assert (new.articles.tolist(), new.chunks.tolist(), new.children.tolist()) == ([1, 2], [2, 3, 4], [3, 4, 5, 6])


def test_every_row_of_the_whole_has_a_home():
    homes = GlobalOrdinals.of([places.chunks for places in lay_out(LIVE).places])
    assert list(homes.of_each(np.arange(5))) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert list(homes.of_each(np.array([4, 1]))) == [(1, 2), (0, 1)]


def test_every_passage_has_an_owner():
    assert owners(np.array([0, 2, 2, 3])).tolist() == [0, 0, 2]


def test_no_segments_are_an_empty_whole():
    layout = lay_out([])
    assert (list(layout.shape.article_ids), layout.shape.chunk_starts.tolist(), layout.places) == ([], [0], ())
