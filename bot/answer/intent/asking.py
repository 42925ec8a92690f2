"""How a message asks: whether it opens as a question does, and whether it is but a fragment of one."""

import re

ASKS = (
    r"(?:how|what|where|when|why|which|who|whose|can|could|may|do|does|did|is|are|was|will|would|should|must"
    r"|i (?:also )?(?:want|need|would like|have to|can['’]?t|cannot)|i['’]d like|please|tell me"
    r"|wie|was|wo|wann|warum|wer|kann|können|muss|ist|sind|gibt es|ich (?:möchte|will|brauche)"
    r"|comment|où|quand|pourquoi|est-ce|puis-je|je (?:veux|voudrais)|cómo|qué|dónde|cuándo|puedo|quiero"
    r"|come|dove|quando|posso|voglio|como|onde|quero|hoe|waar|wanneer|kan|ik wil|jak|gdzie|kiedy|czy|chcę)\b"
)
FRAGMENT_WORDS = 6  # a longer message says what it is about
_BEFORE = (
    r"\W*(?:(?:and|but|also|so|then|or|hi|hello|hey|yes|no|ok|okay|oh+|ah+|um+|hm+|well|wait|und|et|y|e|en|i)\b\W*)*"
)
_OPENS = re.compile(_BEFORE + ASKS, re.IGNORECASE)
_QUESTION_WORD = re.compile(
    r"\b(?:how|what|where|when|why|which|who|wie|wo|wann|warum|wer|comment|où|quand|pourquoi|cómo|qué|dónde|cuándo"
    r"|dove|quando|onde|hoe|waar|wanneer|jak|gdzie|kiedy)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    _BEFORE
    + r"(?:what about|how about|what if|was ist mit|wie ist es mit|qu['’]en est-il|et (?:si|pour)|qué pasa con|y si|e se|en als|a co z)\b",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Whether a message opens as a question or a wish does."""
    return _OPENS.match(text) is not None


def is_fragment(text: str) -> bool:
    """Whether a few words ask nothing by themselves ("I use a Mac"), or go on with what was asked ("what about Norway?")."""
    if len(text.split()) > FRAGMENT_WORDS:
        return False
    return _GOES_ON.match(text) is not None or not (asks(text) or _QUESTION_WORD.search(text))
