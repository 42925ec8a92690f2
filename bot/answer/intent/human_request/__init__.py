"""Whether a visitor calls for a person: "let me talk to a human", in all the ways it is said and mistyped.

A message is read as the kinds of its words, and calls are patterns of kinds: `speak little anybody` is "talk to a human"
and "parler à un conseiller" alike. That persons are spoken of does not suffice: whoever writes has to ask for one.
"How do I add an agent?" and "can agents talk to each other" ask for nobody.
"""

import re

from bot.answer.intent.human_request.kinds import KINDS, OTHER, PAUSE, STOP, kinds

_SIGNS = {
    "start": rf"(?:^|(?<=[{STOP}{PAUSE}]))",  # of a sentence, or of a part of one
    "end": rf"(?=$|[{STOP}{PAUSE}])",
    "pause": rf"[{STOP}{PAUSE}]",
    "stop": rf"[{STOP}]",
    "first": "^",  # of the message
    "last": "$",
    "other": OTHER,
    "any": f"[a-zA-Z{OTHER}]",
}
# What patterns have in common, by names that they use like kinds.
_PARTS = {
    "speak": "(reach|sprechen)",
    "one": "(who|service)",
    "anybody": "(who|service|many|anyone|desk)",
    "polite": "(fill|please)*",
    "helpers": "(may|want|to|fill|please|is|aid|give mine|call to){0,8}",  # "[I] would just like to"
    "little": "(to|glue|real|fill|you|please|desk){0,6}",  # "to one of your"
    "from": "(start|self|canself|wantself|please|but|mine|chance|ask)",  # where a wish of the one who writes may begin
    "wanting": "((self|start|but) (may|fill|please)* want|wantself)",  # "I would just like"
    "asking": "((start|please|but|self may|may self|canself|may you) (fill|may|please)* give)",  # "can I have"
    "wish": "((self|start|please|but) (may|fill|is|please){0,6} want|wantself|give you? mine|asking)",
    "after": (
        "(?=end|who|fill|please|about|but|self|call|there|not|reach|what|case|may|real"
        "|to (there|end|case|mine|reach|aid|act|call))"
    ),
}
_MOST = "{0,4}"  # times that `*` repeats, so that reading takes time in proportion to the message, whatever it says
_SOME = "{1,3}"  # times that `+` repeats


def _pattern(of_kinds: str) -> re.Pattern[str]:
    """The regular expression over letters of a pattern that is written with the names of kinds, parts and signs."""
    letters = re.sub(r"[a-z]+", lambda name: _letters(name[0]), of_kinds).replace(" ", "")
    return re.compile(re.sub(r"\((?!\?)", "(?:", letters).replace("*", _MOST).replace("+", _SOME))


def _letters(name: str) -> str:
    if name in _PARTS:
        return re.sub(r"[a-z]+", lambda inner: _letters(inner[0]), _PARTS[name])
    return KINDS[name] if name in KINDS else _SIGNS[name]


_CALLS = (
    # "I'd like to speak to one of your colleagues", "how do I reach a human"
    "from helpers real? speak little anybody",
    "from helpers speak to glue? you? other{1,2} (desk|who)",
    "from helpers contact case? little (who|many|anyone)",
    "wanting helpers contact little (service|desk)",
    # "Ich möchte mit einem Menschen sprechen"
    "from helpers little (who|service|desk|anyone (glue+ (desk|service))?) (fill|may)* sprechen",
    # "I want to talk"
    "wanting (to|fill|may)* speak polite end",
    # "put me through to an agent", "verbinden Sie mich mit einem Berater", "escalate this to a supervisor"
    "(put|hand) you? (mine|fill|glue|please|self)+ little anybody",
    "(put|hand) case reach? to little (one|desk)",
    "mine may* (put|hand) little anybody",
    "mine (to|glue|fill|please|real){0,6} anybody fill? (put|hand)",
    "putme little anybody",
    "from helpers put to little one (?!other)",
    "(want|self may|may self|canself) (to|may|fill|case|reach)* (putten|escalate) to little anybody",
    "escalate case? reach? to little anybody",
    "(start|please|self (may|fill)* want to) polite escalate (case (other|reach)?)? polite end",
    # "I need a human", "get me your manager", "I need someone who understands"
    "wish (to|give|glue|real|fill|you|please|aid){0,8} (one|real (desk|many)) after",
    "wish (glue|real)* who to any{1,6} mine",
    "wish (to|give|glue|real|fill){0,6} (anyone|real? many) (about|to (reach|aid|act|call)|real)",
    # "a human would be nice", "is there an agent", "is there anyone I can talk to", "who can I talk to"
    "start (fill|but)* glue? real? who (may|is)* (want|nice) end",
    "there (glue|real|there|fill|may)* one (end|fill|please|there|about may|self|to (reach|aid))",
    "is (glue|real)* one there fill* (end|to (reach|aid))",
    "is glue* real* (who|many|anyone) there (to|fill)+ (reach|aid) end",
    "there (anyone|glue* who) (to|about may*) (reach|aid|act)",
    "(who|anyone|many) about? self may fill* (speak|contact)",
    "start (fill|but|to)* about (may|must) self helpers speak",
    "ask is? glue? real? who when",
    # "can someone real look at it", "could a person take over"
    (
        "(may|give|want|please) (to|glue|real|fill|please)* (one|real many|anyone)"
        " (real|fill|please|to|you|desk|glue|about may){0,5} (act|call|contact|speak to) (to|glue|fill)* (case|mine)"
    ),
    (
        "(may|give|want|please) (to|glue|real|fill|please)* (one|real many|anyone real|anyone glue you? desk)"
        " (fill|please|to|about may){0,5} aid (mine|please|fill|end)"
    ),
    "(may|please|give) (glue|real|fill|there)* one polite takeover polite end",
    "who about? may{1,2} fill* (mine aid|aid (mine|end))",
    # "call me", "können Sie mich anrufen", "I need a callback"
    (
        "(start|please|may you|may (who|anyone)|want you to|(give|want) (who|anyone) to?) polite"
        " call mine (fill|to|about|please|but|end)"
    ),
    "(start|please|may you?|want about?|wantself about?) polite mine (may|to|fill)* call",
    "may polite mine (fill|please|glue)* (anyone|who) polite call",
    "may glue? (anyone|who) polite mine (fill|please|may)* (call|contact)",
    "(want|wantself) (to|may|fill)* called",
    "call you mine",
    "callme",
    (
        "(want (to? give)?|start polite give|please give|may self fill* give|give mine) (glue|fill|real)*"
        " call (fill|please|end|about|(to|glue){1,2} (you|mine|who|desk|many))"
    ),
    # "is anybody there?"
    "(start|is|there|fill) anyone (real|fill|glue you? desk)* there (fill|please|but)* (end|about|to (reach|aid))",
    "there anyone (real|fill|there)* end",
    "start fill* anyone polite end",
    # "agent pls", "not you, a real person"
    (
        "first (fill|pause|please|but|not pause){0,8} (glue|real|desk|you)* (one|real (reach|desk))"
        " (one|fill|pause|please|there){0,20} last"
    ),
    "start (fill|but)* (glue|real|you)* one (fill|there)* please polite end",
    "start (fill|but)* glue* real+ who (fill|there)* end",
    "(stop|bot pause) (fill|but|please)* glue? real? who (fill|please|stop)* last",
    # "I don't want to talk to a bot"
    (
        "(self|start|but) (must|may|fill)* not (may|want|to|fill)* (want|speak) (to|glue|you|real){0,5} bot"
        " (end|fill|but|please|self)"
    ),
    "(start|but) not glue* bot polite last",
    "not glue* bot (pause|but|fill)+ glue* real* who",
)
_CALLED = tuple(map(_pattern, _CALLS))

# What stands before the words of a call and makes them none
_NOT = _pattern(
    "(?<!what) (?<!ask) not (may|want|to|fill|you|glue|must|put|give){0,6} last"
)  # "don't [connect me ...]"
_OBLIGED = _pattern("((?<!ask) (?<!about) (?<!what) must|is) last")  # "do [I need to talk ...]", "am [I talking ...]"
_WHEN = _pattern("when last")  # "what happens when [I ask for ...]", yet not "if [I could talk ...]"
_LOOK_BACK = 8  # words, so that this takes the same time anywhere in a message
_BY_SELF = _pattern("first self")
_BY_SELF_AS_WISH = _pattern("first self fill? may")


def asks_for_person(text: str) -> bool:
    """Whether the visitor wants to talk to a person, rather than to know something about persons. 0.1 ms."""
    said = kinds(text)
    return any(_is_meant(said, found) for call in _CALLED for found in call.finditer(said))


def _is_meant(said: str, found: re.Match[str]) -> bool:
    before = said[max(0, found.start() - _LOOK_BACK) : found.start()]
    if not _BY_SELF.match(found[0]):
        return _NOT.search(before) is None
    supposed = _WHEN.search(before) and not _BY_SELF_AS_WISH.match(found[0])
    return not (supposed or _OBLIGED.search(before))
