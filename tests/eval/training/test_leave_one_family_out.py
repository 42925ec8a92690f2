import numpy as np

from eval.training import ranker
from eval.training.leave_one_family_out import searching_with
from retrieval.search.context_dependence import context_weight
from retrieval.search.ranker import rank_scores
from retrieval.search.signals import SIGNALS


def test_every_search_meanwhile_uses_the_weights_given_and_afterwards_the_shipped_ones():
    signals = np.full((len(SIGNALS), 2), 0.5) * [1.0, 0.5]
    before = rank_scores([signals], 0.0), context_weight("and it?", signals)
    with searching_with({group: np.zeros(len(names)) for group, names in ranker.NAMES.items()}):
        assert rank_scores([signals], 0.0).tolist() == [0.0, 0.0]
        assert context_weight("and it?", signals) == 0.5
    assert rank_scores([signals], 0.0).tolist() == before[0].tolist() != [0.0, 0.0]
    assert context_weight("and it?", signals) == before[1]
