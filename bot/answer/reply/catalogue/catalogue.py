"""A catalogue: every phrase of the bot in one language, and which of them is said when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from bot.answer.intent import SmallTalk
from conversation.events import Reason

# The names in braces of each phrase: all of them must be there, so that what counts as an offer is one in words too.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "asks_again": frozenset({"offer"}),
    "not_helped": frozenset({"offer"}),
    "unhappy": frozenset({"offer"}),
    "displeased": frozenset({"sorry", "offer"}),
    "handoff_frustrated": frozenset({"sorry", "they_can_read"}),
    "handoff_failed": frozenset({"they_can_read"}),
    "handoff_returned": frozenset({"they_can_read"}),
    "no_answer": frozenset({"not_found", "offer"}),
    "no_answer_again": frozenset({"offer"}),
    "no_answer_again_desk_closed": frozenset({"leave_address"}),
    "no_answer_frustrated": frozenset({"sorry", "not_found", "offer"}),
    "no_answer_desk_closed": frozenset({"not_found", "leave_address"}),
    "no_answer_frustrated_desk_closed": frozenset({"sorry", "not_found", "leave_address"}),
    "desk_closed": frozenset({"leave_address"}),
    "desk_closed_frustrated": frozenset({"sorry", "leave_address"}),
    "beside": frozenset({"sorry", "offer"}),
    "beside_desk_closed": frozenset({"sorry", "offer_by_email"}),
    "not_found_near": frozenset({"topics"}),
    "other_language": frozenset({"language"}),
    "clarify": frozenset({"options"}),
    "left_open": frozenset({"question"}),
    "source": frozenset({"article"}),
    "source_goes_on": frozenset({"article"}),
    "sources": frozenset({"articles"}),
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The phrases of one language, as they stand in its file."""

    language: str
    person_label: str
    helped_label: str
    not_helped_label: str
    offer: str
    offer_by_email: str
    leave_address: str
    sorry: str
    not_found: str
    not_found_near: str
    not_found_either: str
    they_can_read: str
    greeting: str
    thanks: str
    goodbye: str
    who_are_you: str
    agreement: str
    none_meant: str
    present: str
    wordless: str
    helped: str
    small_talk_again: str
    asks_again: str
    not_helped: str
    unhappy: str
    handoff_asked: str
    handoff_frustrated: str
    handoff_failed: str
    handoff_returned: str
    displeased: str
    no_answer: str
    no_answer_again: str
    no_answer_again_desk_closed: str
    no_answer_frustrated: str
    no_answer_desk_closed: str
    no_answer_frustrated_desk_closed: str
    desk_closed: str
    desk_closed_frustrated: str
    fault: str
    beside: str
    beside_desk_closed: str
    suggest: str
    suggest_other: str
    suggest_again: str
    answer_again: str
    left_open: str
    other_language: str
    clarify: str
    source: str
    source_goes_on: str
    sources: str

    def say(self, key: str, **given: str) -> str:
        """The phrase called `key`, filled with `given` and with the phrases that it is made of."""
        phrase: str = getattr(self, key)
        names = PLACEHOLDERS.get(key, ())
        return phrase.format_map({name: given[name] if name in given else self.say(name) for name in names})

    def small_talk(self, kind: SmallTalk, *, desk_open: bool) -> str:
        """The answer to small talk; whoever is not content is offered a person, by email where nobody is at the desk."""
        return self.say(kind, offer=self.offer_beside(desk_open=desk_open, frustrated=False))

    def displeasure(self, *, desk_open: bool) -> str:
        """What to say to great displeasure without a question: an apology and the offer of a person."""
        return self.say("displeased" if desk_open else "desk_closed_frustrated")

    def handoff(self, reason: Reason, *, returned: bool) -> str:
        """What to say when a person is called; `returned`: an agent had the chat before and gave it back."""
        if reason == "visitor_asked":
            return self.say("handoff_asked")
        if reason == "frustrated":
            return self.say("handoff_frustrated")
        return self.say("handoff_returned" if returned else "handoff_failed")

    def refusal(
        self,
        reason: Reason | None,
        *,
        desk_open: bool,
        frustrated: bool = False,
        rejected: bool = False,
        topics: Sequence[str] = (),
    ) -> str:
        """What to say where the bot does not answer, or has no other answer (`rejected`), and nobody is called.

        `topics` are those of the nearest articles.
        """
        asked = reason == "visitor_asked" and not desk_open
        key = ("desk_closed" if asked else "no_answer") + ("_frustrated" if frustrated else "")
        key += "" if asked or desk_open else "_desk_closed"
        return self.say(key, not_found=self._not_found(rejected=rejected, topics=topics))

    def _not_found(self, *, rejected: bool, topics: Sequence[str]) -> str:
        if rejected:
            return self.say("not_found_either")
        return self.say("not_found_near", topics=", ".join(topics)) if topics else self.say("not_found")

    def hedge(self, *, rejected: bool, again: bool = False) -> str:
        """The line above a suggestion; `rejected`: the visitor rejected one before it, `again`: its passage was shown before."""
        if again:
            return self.say("suggest_again")
        return self.say("suggest_other" if rejected else "suggest")

    def offer_beside(self, *, desk_open: bool, frustrated: bool) -> str:
        """The offer of a person below a reply, with an apology to a frustrated visitor; a yes to it is a call."""
        if not frustrated:
            return self.say("offer" if desk_open else "offer_by_email")
        return self.say("beside" if desk_open else "beside_desk_closed")

    def ask_which(self, options: Sequence[tuple[str, str]]) -> str:
        """Which of these is meant? Each is what tells it from the others, Markdown, with a line of what its article says."""
        items = (f"- **{difference}**: {line}" if line else f"- **{difference}**" for difference, line in options)
        return self.say("clarify", options="\n".join(items))

    def source_line(self, link: str, *, more: bool) -> str:
        """Names the article by a link, in Markdown; `more` says that it goes on where the reply ends."""
        return self.say("source_goes_on" if more else "source", article=link)

    def source_list(self, links: Sequence[str]) -> str:
        """Names the articles by numbered links, in Markdown."""
        return self.say("sources", articles=", ".join(links))


KEYS = tuple(field.name for field in fields(Catalogue))
