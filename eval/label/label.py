"""`handrail eval label`: from the verdicts of visitors to labelled questions, by a person who looks at each."""

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from bot.assembly.adapters import open_calibration
from bot.assembly.storage import open_store
from bot.errors import CalibrationUnusable
from bot.settings import Settings
from conversation.events import rfc3339
from eval.calibrate import LEAST
from eval.label.candidates import Candidate, read_candidates
from eval.label.judging import QUIT, SKIP, first_line, judge
from eval.label.label_file import LabelFile
from retrieval.articles import read


def run(out: Path, settings: Settings) -> None:
    """Ask for what is neither labelled nor skipped yet. Raises CaseError, ResultError, and what settings, store and articles raise."""
    file = LabelFile(out)
    known = file.known_ids()
    article_ids = sorted(article.article_id for article in read(settings.kb).articles if not article.draft)
    new = [candidate for candidate in _read(settings) if candidate.case_id not in known]
    labelled, left = _ask(new, article_ids, file)
    judged = sum(question.judged for question in file.questions())
    _say(f"{labelled} labelled, {left} left to label; labelled questions in {out}: {judged}")
    _propose(judged - _learned(out, settings), out, settings)


def print_candidates(settings: Settings) -> None:
    """Every candidate as a JSON line, and nothing else."""
    for candidate in _read(settings):
        sys.stdout.buffer.write(orjson.dumps(_document(candidate)) + b"\n")


def _read(settings: Settings) -> Sequence[Candidate]:
    async def reading() -> Sequence[Candidate]:
        async with open_store(settings, patient=True) as store:
            return await read_candidates(store)

    return asyncio.run(reading())


def _document(candidate: Candidate) -> dict[str, object]:
    return {
        "id": candidate.case_id,
        "at": rfc3339(candidate.at),
        "question": candidate.question,
        "history": [{"role": turn.role, "text": turn.text} for turn in candidate.history],
        "article_id": candidate.citation.article_id,
        "title": candidate.citation.title,
        "passage": first_line(candidate),
        "verdict": candidate.verdict,
    }


def _ask(new: Sequence[Candidate], article_ids: Sequence[str], file: LabelFile) -> tuple[int, int]:
    """How many were labelled, and how many are left."""
    labelled = 0
    for index, candidate in enumerate(new):
        _say(f"\n{index + 1} of {len(new)}, {candidate.at:%Y-%m-%d}, conversation {candidate.case_id}")
        judgement = judge(candidate, article_ids)
        if judgement == QUIT:
            _say("")
            return labelled, len(new) - index
        if judgement == SKIP:
            file.skip(candidate.case_id)
        elif not isinstance(judgement, str):
            file.add(candidate.labelled(judgement))
            labelled += 1
    return labelled, 0


def _learned(out: Path, settings: Settings) -> int:
    """How many questions of the file the calibration in use was learned from; none where it cannot be used."""
    try:
        sources = open_calibration(settings).learned_from
    except CalibrationUnusable:
        return 0
    return sum(
        int(source["questions"]) for source in sources if (source["set"], source["licence"]) == (out.name, "own")
    )


def _propose(unlearned: int, out: Path, settings: Settings) -> None:
    if unlearned < LEAST:
        return
    options = [
        f"--{name}={value}"
        for name in ("kb", "data", "model")
        if (value := getattr(settings, name)) != Settings.model_fields[name].default
    ]
    command = shlex.join(["handrail", "eval", "calibrate", "--questions", str(out), *options])
    _say(f"{command} would help: {unlearned} labelled questions that the calibration in use was not learned from")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
