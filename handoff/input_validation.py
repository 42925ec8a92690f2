"""Input validation: what agents type, made fit to be kept."""

from handoff.errors import BadRequest

MAX_TEXT_CHARS = 4000  # code points, the same for visitors and agents (docs/protocol.md, "Visitor socket")


def clean(text: str, *, field: str = "text", least: int = 1, most: int = MAX_TEXT_CHARS) -> str:
    """Validated text: trimmed, with U+0000 (which PostgreSQL refuses) as U+FFFD.

    Raises BadRequest where fewer than `least` or more than `most` code points remain, or a lone surrogate, which no
    encoding can carry.
    """
    fit = text.replace("\0", "\ufffd").strip()
    if any("\ud800" <= char <= "\udfff" for char in fit):
        raise BadRequest(field=field, problem="holds half of a surrogate pair; send whole characters")
    if not least <= len(fit) <= most:
        raise BadRequest(field=field, problem=f"has {len(fit)} characters; send {least} to {most}")
    return fit
