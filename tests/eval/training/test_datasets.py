import json

import pytest

from eval.training import confidence, ranker
from eval.training.datasets import DATASETS, MULTI_TURN, require_datasets


def test_what_is_missing_is_named_with_its_source_and_licence(tmp_path):
    (tmp_path / "clinc150" / "kb").mkdir(parents=True)
    (tmp_path / "clinc150" / "dev").mkdir()
    (tmp_path / "clinc150" / "dev" / "questions.jsonl").touch()
    with pytest.raises(SystemExit) as ended:
        require_datasets(tmp_path)
    said = str(ended.value)
    for dataset in (*DATASETS, *MULTI_TURN):
        assert (f"  {dataset.name}: " in said) == (dataset.folder not in {"", "clinc150"}), dataset.name
    assert "https://github.com/PolyAI-LDN/task-specific-datasets (CC BY 4.0)" in said


@pytest.mark.parametrize("shipped", [ranker.SHIPPED, confidence.FILE])
def test_the_scripts_write_the_files_that_are_shipped(shipped):
    made_by = json.loads(shipped.read_bytes())["made_by"]
    assert made_by in {f"python -m eval.training.{name} --shared DIR --write" for name in ("ranker", "confidence")}
