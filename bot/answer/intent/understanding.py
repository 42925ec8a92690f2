"""What the visitor wants, from the words alone: small talk, a person, or a question and the query that finds its answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.answer.intent.chitchat import Kind, phrase_kinds
from bot.answer.intent.choosing import chosen_by_name, chosen_by_place
from bot.answer.intent.human_request import wording
from bot.answer.intent.verdict import NO, YES, says, verdict_of
from bot.answer.transcript import Said
from conversation.events import Choice, Rated

Intent = Literal["question", "small_talk", "call_human"]
SmallTalk = Literal[
    "greeting", "thanks", "goodbye", "who_are_you", "agreement", "none_meant",
    "present", "wordless", "helped", "asks_again", "not_helped", "unhappy",
]  # fmt: skip
NOT_CONTENT: frozenset[SmallTalk] = frozenset({"asks_again", "not_helped", "unhappy"})

# The most telling first: "hi there, thanks!" are thanks
_TALKS: Mapping[Kind, SmallTalk] = {
    "thumb_down": "unhappy",
    "frown": "unhappy",
    "who_are_you": "who_are_you",
    "present": "present",
    "goodbye": "goodbye",
    "thanks": "thanks",
    "greeting": "greeting",
    "yes": "agreement",
    "ok": "agreement",
    "no": "agreement",
    "agreement": "agreement",
    "thumb_up": "agreement",
    "smile": "agreement",
    "please": "wordless",
    "sound": "wordless",
    "unclear": "wordless",
}
_GLAD: frozenset[Kind] = frozenset({"thumb_up", "smile"})
_CROSS: frozenset[Kind] = frozenset({"thumb_down", "frown"})
_VERDICT: frozenset[Kind] = _GLAD | _CROSS | {"thanks", "yes", "ok", "no", "agreement", "sound", "goodbye", "filler"}
_CHECK: frozenset[Kind] = frozenset({"present", "greeting", "please", "sound", "unclear", "filler"})
_QUESTION_MARKS = re.compile("[?\uff1f\u061f\u2753\u2754\u2047\u2049]")
_SENTENCES = re.compile(r"(?<=[.!?\uff1f\u061f\u3002\n])\s*")


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message is: a question, small talk of a kind, or a call for a person.

    `question` is what is asked, without "anybody there?" beside it. `chosen` is the article that the visitor chose of
    those below the bot's last reply, and `tells` that the words for it are more than that. `pressed`: a call that says
    no more than the button for a person. `asks_how`: it asks how to reach a person, as a question that an article may
    answer. `rated`: what it says of the answer before it.
    """

    intent: Intent
    small_talk: SmallTalk | None = None
    chosen: Choice | None = None
    tells: bool = False
    pressed: bool = False
    asks_how: bool = False
    question: str = ""
    rated: Rated | None = None

    @property
    def declines(self) -> bool:
        """Whether what was suggested is not what was meant, so that the question before it is still asked."""
        return self.intent == "question" and self.rated is not None


def understand(question: str, earlier: Sequence[Said]) -> Understood:
    """Read `question` in the light of what was said before, oldest first."""
    reply = earlier[-1] if earlier and earlier[-1].role == "bot" else None
    if reply is not None and question in reply.person_labels:
        return Understood("call_human", pressed=True)
    if reply is not None and (helpful := verdict_of(question, reply)) is not None:
        rated = Rated(reply.seq, helpful)
        return (
            Understood("small_talk", "helped", rated=rated)
            if helpful
            else Understood("question", question=question, rated=rated)
        )
    kinds = phrase_kinds(question)
    if reply is not None and (chosen := _chosen(question, kinds, reply)) is not None:
        return Understood("question", question=question, chosen=chosen)
    if reply is not None and kinds is None and (named := chosen_by_name(question, reply)) is not None:
        return Understood("question", question=question, chosen=named, tells=True)
    asked = _without_checks(question) if kinds is None else question
    worded = wording(asked)
    if worded.asks and (kinds is None or "present" not in kinds):
        return Understood("question", question=asked, asks_how=True) if worded.asks_how else Understood("call_human")
    if kinds is not None and (replied := _to_reply(question, kinds, reply)) is not None:
        return replied
    talk = _asks_again(question, kinds, earlier) or small_talk(question)
    return Understood("question", question=asked) if talk is None else Understood("small_talk", talk)


def _chosen(question: str, kinds: frozenset[Kind] | None, reply: Said) -> Choice | None:
    """The article that the message chooses of those below the bot's last `reply`, likeliest first: by its label, its place, or yes."""
    pressed = next((choice for choice in reply.articles if choice.label == question), None)
    if pressed is not None or kinds is None:
        return pressed or chosen_by_place(question, reply)
    says_yes = reply.outcome == "clarify" and not reply.offers_person and says(YES, kinds)
    return reply.articles[0] if reply.articles and says_yes else None


def _to_reply(question: str, kinds: frozenset[Kind], reply: Said | None) -> Understood | None:
    """What the message says to the bot's last `reply`, if to that: yes, no, or a verdict."""
    if reply is None:
        return None
    if reply.passage and (rated := _verdict(kinds, reply.seq)) is not None:
        alone: SmallTalk = "helped" if rated.helpful else "not_helped"
        in_words = small_talk(question) if rated.helpful and kinds - _GLAD else None
        return Understood("small_talk", in_words or alone, rated=rated)
    if says(YES, kinds) and reply.offers_person:
        return Understood("call_human")
    if reply.outcome in ("clarify", "suggest") and says(NO, kinds):
        return Understood("small_talk", "none_meant")
    return None


def _verdict(kinds: frozenset[Kind], seq: int) -> Rated | None:
    """The rating that emoji are, alone or beside words that say nothing else."""
    if not kinds <= _VERDICT or bool(kinds & _GLAD) == bool(kinds & _CROSS):
        return None
    return Rated(seq, helpful=bool(kinds & _GLAD))


def _asks_again(question: str, kinds: frozenset[Kind] | None, earlier: Sequence[Said]) -> SmallTalk | None:
    """Whether it is "?", "hello??" or "what?" after a question: no answer came, or none that was understood."""
    if kinds is None or not any(said.role == "visitor" and small_talk(said.text) is None for said in earlier):
        return None
    marks = len(_QUESTION_MARKS.findall(question))
    again = ("unclear" in kinds and kinds <= _CHECK) or (marks > 0 and not kinds) or (marks > 1 and kinds <= _CHECK)
    return "asks_again" if again else None


def _without_checks(text: str) -> str:
    """The text without sentences that only look whether anybody is there; all of it where nothing is left."""
    kinds = [(sentence, phrase_kinds(sentence)) for sentence in _SENTENCES.split(text)]
    asked = [sentence for sentence, of in kinds if of is None or not ("present" in of and of <= _CHECK)]
    return " ".join(asked).strip() if len(asked) < len(kinds) else text


def asks_nothing(text: str) -> bool:
    """Whether `text` has no words but those of small talk."""
    return phrase_kinds(text) is not None


def small_talk(text: str) -> SmallTalk | None:
    """The kind of small talk that `text` is as a whole; a greeting with a question behind it is a question."""
    kinds = phrase_kinds(text)
    if kinds is None:
        return "agreement" if _IS_OFF.fullmatch(text) else None
    if not kinds:
        return "wordless"
    return next((talk for kind, talk in _TALKS.items() if kind in kinds), None)


_OFF = (
    r"(?:(?:ok(?:ay)?|no|oh|sorry|actually|well|thanks|thank you)[\s,.!]+)*"
    r"(?:never ?mind|nvm|(?:please )?cancel (?:that|this|it|please|(?:the|my) (?:call|request))"
    r"|(?:no need for|(?:i )?(?:do not|don['’]?t) need) (?:an?|the|any) (?:real |human )?(?:person|human|agent|colleague)"
    r"(?: any ?more| any longer| now)?)"
)
_IS_OFF = re.compile(rf"\W*{_OFF}\W*", re.IGNORECASE)
_CALLS_OFF = re.compile(
    rf"\W*{_OFF}(?=\s*(?:[^\w\s]|$)|\s(?:but|and|then|how|what|where|when|which|can|could|i)\b)", re.IGNORECASE
)
_WAITS = re.compile(r"\bwait", re.IGNORECASE)


def calls_off(text: str) -> bool:
    """Whether someone who waits for a person wants none any more: "never mind, how do I ...", yet not "..., I'll wait"."""
    return _CALLS_OFF.match(text) is not None and _WAITS.search(text) is None
