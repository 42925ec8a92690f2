"""The input of a turn: what was said and how things stand, and what the bot answers from."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from bot.answer.confidence import Calibration, default_calibration
from bot.answer.frustration import Tone
from bot.answer.intent import RequestProbe
from bot.answer.rejection import NOTHING_REJECTED, Rejected
from bot.answer.reply import Extractive, Generator, Phrasebook, default_phrasebook
from bot.answer.retrieve import Encode, SearchedAlone
from bot.answer.search_cache import SearchCache
from bot.answer.transcript import Said
from retrieval.articles import Audience
from retrieval.index import Snapshot


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What the bot is to answer: `question`, after `earlier` (oldest first), by whom, and how things stand.

    `clarified`: the bot's last reply asked which of several articles is meant; `offered_person`: it offered a person. `returned`: an agent had the chat before and gave it back.
    `rejected` is what the visitor wants told no more, unless by name.
    """

    question: str
    audience: Audience
    earlier: Sequence[Said] = ()
    failures: int = 0
    desk_open: bool = True
    clarified: bool = False
    offered_person: bool = False
    returned: bool = False
    rejected: Rejected = NOTHING_REJECTED


@dataclass(frozen=True, slots=True)
class TurnDeps:
    """What the bot answers from: one snapshot, the encoder it was built with, where its articles are shown, its voice.

    `calibration` says how likely what was found is to answer. `tone`: how messages sound to that encoder; without it
    words alone tell the visitor's mood. `pool` runs searches; without it the loop's own threads do. `phrasebook`: what it
    says of its own accord, in each language. `request_probe`: how calls for a person lie among its vectors; without it
    words alone tell. `cache` keeps what was found for questions asked before; without it each is searched anew.
    """

    snapshot: Snapshot
    encode: Encode
    base_url: str = ""
    generator: Generator = field(default_factory=Extractive)
    calibration: Calibration = field(default_factory=default_calibration)
    tone: Tone | None = None
    pool: Executor | None = None
    phrasebook: Phrasebook = field(default_factory=default_phrasebook)
    request_probe: RequestProbe | None = None
    cache: SearchCache[SearchedAlone] | None = None
