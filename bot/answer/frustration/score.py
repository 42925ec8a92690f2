"""Frustration (sentiment) of a visitor over the whole conversation: a score, and a reason that an agent can read.

A pure function of what was said and of the vector of the last message. Four things make the score: how the message
sounds, by meaning (`probe`) and by words (`lexicon`); what of earlier displeasure is left; that the same is asked again; and
how often an answer was rejected or missing. It cools down when the visitor says thanks.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from bot.answer.frustration.lexicon import Kind, cues, exclaims, shouts
from bot.answer.frustration.probe import Sound, Tone
from bot.answer.transcript import Said
from conversation.events import Mood
from retrieval.index import words
from retrieval.model import Vectors

FRUSTRATED_FROM = 0.5  # the score is a probability, so above even odds

HISTORY = 20  # contributions that are looked at
OWN_EARLIER = 8  # of the visitor's own among them; what was felt before that has faded
EARLIER_CHARS = 400  # of each
SAME_FROM = 80  # of 100, likeness of the content words; "so where is my parcel" asks the same as without "so"
SAME_WORDS = 2  # content words a request has at least; "yes" said twice is no repetition

# Log-odds, set by hand in this order: one phrase of plain displeasure is enough for an alarm, an insult more than enough;
# repeating, rejecting or pressing alone is not, two of them are; reporting that something is wrong hardly ever is.
CALM = -2.8  # nobody is frustrated until something says so
WEIGHTS: Mapping[Kind, float] = {
    "insult": 3.6,
    "dissatisfied": 3.2,
    "rejected": 2.2,
    "repeated": 1.4,
    "impatient": 1.4,
    "trouble": 0.8,
    "contrast": 0.5,
    "grateful": -1.2,
    "harmless": 0.0,
    "general": 0.0,
}
SATURATES = 3  # phrases of a kind; the third adds little, a list of them nothing
SHOUTING = 1.5
EXCLAIMING = 0.8
SOUNDS_FRUSTRATED = 2.5  # times 0 to `SURE`: meaning alone gives an alarm only where something sounds wrong as well;
# a message that does not sound frustrated is not told from another by how little it does
SOUNDS_TROUBLED = 1.4  # times -`SURE` to `SURE`: the ground on which frustration grows
SURE = 1.3  # a sound beyond it says no more
REPEATED = 2.4  # for the first repetition of a request, the next ones add less
REJECTED_BEFORE = 1.0  # for each earlier answer that was rejected, or marked as not helpful, which is said more calmly
UNANSWERED = 0.9  # for each reply of the bot without an answer
AT_MOST = 3  # of each of these three
LINGERS = 0.75  # of displeasure from one message of the visitor to the next
CARRIED = 1.6  # for a message before that was surely displeased
COOLED = 0.25  # is left after thanks

REASONS = 3  # an agent reads them at a glance
TELLING = 0.5  # log-odds; what added less is not named
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
_SAYS: Mapping[str, str] = {
    "insult": "uses harsh words",
    "dissatisfied": "says that they are dissatisfied",
    "repeated": "says that it is not the first time",
    "impatient": "is tired of waiting",
    "shouting": "writes in capitals",
    "exclaiming": "writes !!! or ???",
    "sounds_frustrated": "sounds frustrated",
    "carried": "was displeased before",
}


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The trajectory of the conversation so far: `carried` displeasure, and how often each trouble with the answers was."""

    carried: float
    asked: int
    rejected: int
    unanswered: int


def mood(earlier: Sequence[Said], text: str, vector: Vectors | None = None, tone: Tone | None = None) -> Mood:
    """The frustration score of whoever now says `text` after `earlier` (oldest first). 0.1 ms; bounded for any text.

    `vector` is the sentence vector of `text`, (d,) of unit length, and `tone` what was learned from the same model;
    without either the words alone tell. From FRUSTRATED_FROM on the visitor counts as frustrated, and there is a reason.
    """
    cue_counts = cues(text)
    sound = tone.sound(vector) if tone is not None and vector is not None else None
    trajectory = _course(earlier[-HISTORY:], text)
    parts = _parts(cue_counts, text, sound, trajectory)
    score = _chance(CALM + sum(parts.values()))
    rejected = trajectory.rejected + (cue_counts["rejected"] > 0 and not any(said.unhelpful for said in earlier[-1:]))
    return Mood(score, _reason(parts, trajectory, rejected) if score >= FRUSTRATED_FROM else "")


def same_request(text: str) -> Callable[[str], bool]:
    """Tells of other texts whether each is the same request as `text`, in nearly the same words."""
    content_words = words(text[:EARLIER_CHARS])
    return lambda other: _is_same(words(other[:EARLIER_CHARS]), content_words)


def _chance(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _parts(cue_counts: Mapping[Kind, int], text: str, sound: Sound | None, trajectory: Trajectory) -> dict[str, float]:
    """What each feature adds to the log-odds."""
    parts: dict[str, float] = {kind: _strength(kind, cue_counts) for kind in WEIGHTS}
    parts["shouting"] = SHOUTING * (shouts(text) and not _is_kind(cue_counts))
    parts["exclaiming"] = EXCLAIMING * (exclaims(text) and not _is_kind(cue_counts))
    if sound is not None:
        parts["sounds_frustrated"] = SOUNDS_FRUSTRATED * min(SURE, max(0.0, sound.frustrated))
        parts["sounds_troubled"] = SOUNDS_TROUBLED * min(SURE, max(-SURE, sound.trouble))
    parts["carried"] = CARRIED * trajectory.carried * (COOLED if _is_kind(cue_counts) else 1.0)
    if trajectory.asked:
        parts["grateful"] = 0.0  # thanks in advance, once more
    parts["asked"] = REPEATED * math.sqrt(min(trajectory.asked, AT_MOST))
    parts["rejected_before"] = REJECTED_BEFORE * min(trajectory.rejected, AT_MOST)
    parts["unanswered"] = UNANSWERED * min(trajectory.unanswered, AT_MOST)
    return parts


def _strength(kind: Kind, cue_counts: Mapping[Kind, int]) -> float:
    return WEIGHTS[kind] * math.sqrt(min(cue_counts.get(kind, 0), SATURATES))


def _is_kind(cue_counts: Mapping[Kind, int]) -> bool:
    """Says thanks and nothing unkind."""
    unkind: tuple[Kind, ...] = ("insult", "dissatisfied", "rejected", "repeated", "impatient", "trouble")
    return cue_counts.get("grateful", 0) > 0 and not any(cue_counts.get(kind, 0) for kind in unkind)


def _reason(parts: Mapping[str, float], trajectory: Trajectory, rejected: int) -> str:
    """What raised the score most, strongest first."""
    says = {
        **_SAYS,
        "asked": f"asked the same thing {_times(trajectory.asked + 1)}",
        "rejected": _counted(rejected, "answer", "rejected"),
        "unanswered": _counted(trajectory.unanswered, "message", "without an answer"),
    }
    weights = {**parts, "rejected": parts["rejected"] + parts["rejected_before"]}  # now and before are one matter
    telling = sorted((n for n in says if weights.get(n, 0.0) >= TELLING), key=lambda n: -weights[n])
    return ", ".join(says[name] for name in telling[:REASONS]) or "reports a problem in several ways"


def _times(count: int) -> str:
    return {2: "twice"}.get(count, f"{_number(count)} times")


def _counted(count: int, what: str, happened: str) -> str:
    return f"{_number(count)} {what}{'s' if count > 1 else ''} {happened}"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _course(earlier: Sequence[Said], text: str) -> Trajectory:
    """Read from the oldest to the newest; thanks settle what was before."""
    content_words = words(text[:EARLIER_CHARS])
    trajectory = Trajectory(0.0, 0, 0, 0)
    for index in _looked_at(earlier):
        said, replied = earlier[index], index > 0 and earlier[index - 1].role != "visitor"
        fresh = replied and not earlier[index - 1].unhelpful  # an answer is rejected once, marked and in words
        trajectory = (
            _heard(trajectory, said, content_words, rejects=fresh)
            if said.role == "visitor"
            else _told(trajectory, said)
        )
    waiting = _in_a_row(earlier) - 1  # one more message before a reply is a second thought
    return Trajectory(
        trajectory.carried, trajectory.asked, trajectory.rejected, trajectory.unanswered + max(0, waiting)
    )


def _looked_at(earlier: Sequence[Said]) -> range:
    indexes = [index for index, said in enumerate(earlier) if said.role == "visitor"]
    return range(indexes[-OWN_EARLIER] if len(indexes) > OWN_EARLIER else 0, len(earlier))


def _heard(trajectory: Trajectory, said: Said, content_words: Sequence[str], *, rejects: bool) -> Trajectory:
    """After the visitor said something."""
    cue_counts, is_same = cues(said.text, EARLIER_CHARS), _is_same(words(said.text[:EARLIER_CHARS]), content_words)
    if _is_kind(cue_counts) and not is_same:  # "where is it? thanks" is a request
        return Trajectory(trajectory.carried * COOLED, 0, 0, 0)
    felt = _chance(CALM + sum(_strength(kind, cue_counts) for kind in WEIGHTS))  # never 0: what goes on is not settled
    return Trajectory(
        carried=min(1.0, trajectory.carried * LINGERS + felt),
        asked=trajectory.asked + is_same,
        rejected=trajectory.rejected + (rejects and cue_counts["rejected"] > 0),
        unanswered=trajectory.unanswered,
    )


def _told(trajectory: Trajectory, said: Said) -> Trajectory:
    """After a reply; only of the bot's own it is known that it was none."""
    return Trajectory(
        trajectory.carried, trajectory.asked, trajectory.rejected + said.unhelpful, trajectory.unanswered + said.failed
    )


def _in_a_row(earlier: Sequence[Said]) -> int:
    """Messages of the visitor since the last reply."""
    reply_indexes = [index for index, said in enumerate(earlier) if said.role != "visitor"]
    return len(earlier) - 1 - reply_indexes[-1] if reply_indexes else len(earlier)


def _is_same(before: Sequence[str], content_words: Sequence[str]) -> bool:
    if min(len(set(before)), len(set(content_words))) < SAME_WORDS:
        return False
    return fuzz.token_sort_ratio(" ".join(before), " ".join(content_words)) >= SAME_FROM
