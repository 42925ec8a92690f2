// What the console says: refusals as sentences a person can act on, events as one line, times as people read them.

import { Refused, Unreachable } from "./api.js";

/** @type {Record<string, (problem: Record<string, any>) => string>} */
const REFUSALS = {
  already_claimed: (p) => `${p.claimed_by} took this chat first.`,
  not_holder: (p) => `You do not hold this chat: ${p.holder === "queue" ? "it is waiting in the queue" : p.holder === "bot" ? "the bot does" : `${p.holder} does`}. Take it over first.`,
  over_capacity: (p) => `You hold ${p.held} of ${p.capacity} chats. Close or release one first.`,
  illegal_transition: (p) => `That is not possible any more: the chat is ${STATES[p.state] ?? p.state}.`,
  newer_conversation: () => "The visitor has a newer chat. Continue there.",
  not_found: () => "This chat does not exist any more.",
  forbidden: () => "Your role may read chats but not act in them.",
  csrf: () => "This page is too old. Reload it and try again.",
  not_signed_in: () => "You have been signed out. Reload the page and sign in again; what you typed is kept.",
  client_id_reused: () => "This message was mixed up with another one. Put it back into the box and send it again.",
  bad_credentials: () => "This e-mail address and password do not go together. Check both.",
  rate_limited: (p) => `Too many attempts. Try again in ${p.retry_after_s} seconds.`,
  storage_unavailable: () => "The server could not save this. It will be tried again.",
};

/** @type {Record<string, string>} */
const STATES = { bot: "with the bot", queued: "waiting for a person", agent: "with an agent", closed: "closed" };

/** @type {Record<string, string>} */
const REASONS = {
  visitor_asked: "asked for a person",
  low_confidence: "the bot was not sure",
  frustrated: "seems frustrated",
  repeated_failure: "got no answer twice",
  policy: "by policy",
};

/** What small talk and a call are, the reply and the line below say. @type {Record<string, string>} */
const OUTCOMES = { answer: "answered", suggest: "suggested, not sure", clarify: "asked back", no_answer: "had no answer" };

/** What the bot did with a reply. @param {string} outcome */
export const outcomeWords = (outcome) => OUTCOMES[outcome] ?? "";

/** @param {unknown} error */
export function explain(error) {
  if (error instanceof Unreachable) return "The server cannot be reached.";
  if (error instanceof Refused) return (REFUSALS[error.code] ?? (() => error.message))(error.problem);
  throw error;
}

/** @param {string | null} reason */
export const reasonWords = (reason) => (reason === null ? "" : (REASONS[reason] ?? reason));

/** Why a chat waits. One whose agent was silent comes first; whose it was knows best. @param {any} item @param {string} me */
export function waitsWords(item, me) {
  if (!item.dropped) return reasonWords(item.reason);
  return item.let_go.at(-1) === me ? "was yours" : "lost their agent";
}

/** What to tell an agent whose chats were taken back. @param {number} count */
export const tookBack = (count) => `You were silent too long: ${count === 1 ? "a chat of yours" : `${count} of your chats`} went back to the queue.`;

/** @param {{state: string, holder: {kind: string, name: string | null, id?: string | null}}} item @param {string} me */
export function whereWords(item, me) {
  if (item.state !== "agent") return STATES[item.state] ?? item.state;
  return item.holder.id === me ? "with you" : `with ${item.holder.name}`;
}

/** One line for an event that is not something said. Empty: it is not worth a line. @param {Record<string, any>} event */
export function happened(event) {
  const who = event.by.name ?? (event.by.kind === "visitor" ? "The visitor" : "Handrail");
  switch (event.kind) {
    case "opened": return event.page?.title || event.page?.url ? `Chat began on ${event.page.title || event.page.url}` : "Chat began";
    case "handoff_requested": return `A person was called: ${reasonWords(event.reason)}`;
    case "claimed": return event.to_name ? `The chat was given to ${event.to_name}` : `${who} took the chat`;
    case "released": return event.by.kind === "system" ? `Back in the queue: ${event.reason}` : `${who} gave the chat back to the queue${event.reason ? `: ${event.reason}` : ""}`;
    case "transferred": return `${who} passed the chat to ${event.to_name}${event.note ? `: ${event.note}` : ""}`;
    case "returned_to_bot": return event.by.kind === "visitor" ? "The visitor no longer waits for a person" : `${who} returned the chat to the bot`;
    case "closed": return `${who} closed the chat${event.reason ? `: ${event.reason}` : ""}`;
    case "reopened": return `${who} reopened the chat`;
    case "rated": return `The visitor found a reply ${event.helpful ? "helpful" : "not helpful"}${event.comment ? `: ${event.comment}` : ""}`;
    case "surveyed": return `The visitor gave ${event.score} of 5${event.comment ? `: ${event.comment}` : ""}`;
    case "contact_left": return event.erased ? "The visitor left an address" : `The visitor can be reached at ${event.email}${event.name ? ` (${event.name})` : ""}`;
    case "tagged": if (event.erased) return `${who} changed the tags`; return event.tags.length ? `${who} set the tags ${event.tags.join(", ")}` : `${who} removed all tags`;
    case "priority_set": return `${who} set the priority to ${event.priority}`;
    case "redacted": return "Something was erased";
    default: return "";
  }
}

/** How long somebody waits. @param {string} since RFC 3339 @param {number} nowMs */
export function waited(since, nowMs) {
  const minutes = Math.floor(Math.max(0, nowMs - Date.parse(since)) / 60_000);
  if (minutes < 1) return "<1 min";
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago something was. @param {string} at RFC 3339 @param {number} nowMs */
export const ago = (at, nowMs) => (nowMs - Date.parse(at) < 60_000 ? "just now" : `${waited(at, nowMs)} ago`);

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @param {string} at RFC 3339 */
export function clock(at) {
  const then = new Date(at);
  return (then.toDateString() === new Date().toDateString() ? CLOCK : DAY).format(then);
}
