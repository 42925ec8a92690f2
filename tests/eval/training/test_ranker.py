from eval.training.ranker import reciprocal_rank_fusion


def test_ranks_add_up_as_in_the_paper():
    assert reciprocal_rank_fusion([[7, 8], [8, 9]]) == {7: 1 / 61, 8: 1 / 62 + 1 / 61, 9: 1 / 62}


def test_nothing_fuses_to_nothing():
    assert reciprocal_rank_fusion([[], []]) == {}
