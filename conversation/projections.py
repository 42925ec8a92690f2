"""Projections of events: what agents and what a visitor may see, made here and nowhere else."""

from collections.abc import Mapping

from conversation.events import Event, JsonObject, body_of, rfc3339, stored_body

# What a visitor may see of each kind; a kind that is missing here reaches visitors as `hidden`.
# Who holds the chat (state, holder, hold) is visible wherever it changes.
VISIBLE: Mapping[str, tuple[str, ...]] = {
    "opened": ("site", "locale"),
    "visitor_said": ("text",),
    "bot_said": (
        "text",
        "outcome",
        "answers",
        "citations",
        "confidence",
        "kb_version",
        "turn_id",
        "offers_person",
        "choices",
        "suggestions",
    ),
    "agent_said": ("text",),
    "handoff_requested": (),
    "claimed": (),
    "released": (),
    "transferred": (),
    "returned_to_bot": (),
    "closed": (),
    "reopened": (),
    "rated": ("of", "helpful", "comment"),
    "surveyed": ("score", "comment"),
    "contact_left": ("email", "name"),
    "redacted": ("seqs",),
}


def desk_form(event: Event) -> JsonObject:
    """The agents' projection: the whole event, as agents, exports and evaluation read it."""
    by: JsonObject = {"kind": event.by.kind, "name": event.by.name}
    if event.by.id is not None:
        by["id"] = event.by.id
    return _envelope(event, by) | stored_body(event)


def visitor_form(event: Event) -> JsonObject:
    """The visitor's projection, what they may see; an event that is not theirs to see keeps its number alone."""
    if event.kind not in VISIBLE:
        return {"seq": event.seq, "event_id": event.event_id, "at": rfc3339(event.at), "kind": "hidden"}
    body = body_of(event.payload)
    form = _envelope(event, {"kind": event.by.kind, "name": event.by.name})
    form |= {name: body[name] for name in VISIBLE[event.kind] if name in body}
    if event.standing is not None:
        holder = event.standing.holder
        form |= {"state": event.standing.state, "hold": event.standing.hold}
        form["holder"] = {"kind": holder.kind, "name": holder.name}
    return form


def _envelope(event: Event, by: JsonObject) -> JsonObject:
    envelope: JsonObject = {"seq": event.seq, "event_id": event.event_id, "at": rfc3339(event.at), "kind": event.kind}
    envelope["by"] = by
    if event.client_id is not None:
        envelope["client_id"] = event.client_id
    return envelope
