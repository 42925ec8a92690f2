/**
 * A conversation as its visitor sees it: a pure fold over the events, twin of `conversation.state.fold`.
 *
 * @import {Command, Draft, Event, Party, State, Welcome} from "./wire.js"
 *
 * @typedef {object} Item  An event that is shown: something said, or a change the visitor should know of.
 * @property {number} seq
 * @property {string} kind
 * @property {string} at
 * @property {Party} by
 * @property {string | undefined} client_id
 * @property {string} text
 * @property {boolean} redacted
 * @property {Event} event
 *
 * @typedef {object} Log
 * @property {string} conversation_id
 * @property {number} seq  The cursor: the number of the last event seen.
 * @property {State} state
 * @property {Party} holder
 * @property {number} hold  How often the holder has changed.
 * @property {readonly Item[]} items
 * @property {Readonly<Record<number, boolean>>} ratings  Verdicts on bot replies, by `seq`.
 * @property {boolean} surveyed
 * @property {readonly number[]} unanswered  What the visitor said and the bot, who holds the chat, has yet to answer.
 * @property {"open" | "asked" | "left"} address  Whether the present holder has asked how to reach the visitor, and knows.
 * @property {string} told  When the message came after which a waiting visitor was told last that it was added; empty for
 *   never under the present holder.
 * @property {Sketch | null} sketch
 * @property {string | null} lastTurn  The turn of the last reply; a draft of it that comes late is stale.
 *
 * @typedef {object} Sketch  A reply in the making, pieced together from drafts.
 * @property {string} turn_id
 * @property {number} attempt
 * @property {string} text
 * @property {number} length  Code points of `text`.
 */
import { count } from "./text.js";

const SAID = new Set(["visitor_said", "bot_said", "agent_said"]);
const SHOWN = new Set([
  ...SAID,
  "handoff_requested",
  "claimed",
  "released",
  "transferred",
  "returned_to_bot",
  "closed",
  "reopened",
  "contact_left",
]);
const TELL_EVERY_MS = 60_000; // who writes "thanks!" and "??" and more is told where they stand, not answered each time
/** Where the request of a visitor is pointless, as what it asks for is so. @type {Record<string, readonly State[]>} */
const REACHED = { call_human: ["queued", "agent"], cancel_human: ["bot", "agent", "closed"] };
/** @type {Party} */
const NOBODY = { kind: "system", name: null };

/**
 * A log without events.
 * @param {string} [conversation_id]
 * @returns {Log}
 */
export function emptyLog(conversation_id = "") {
  return {
    conversation_id,
    seq: 0,
    state: "bot",
    holder: { kind: "bot", name: null },
    hold: 0,
    items: [],
    ratings: {},
    surveyed: false,
    unanswered: [],
    address: "open",
    told: "",
    sketch: null,
    lastTurn: null,
  };
}

/**
 * The log to go on with after a `welcome`: the same one if its conversation goes on, otherwise a new one.
 * @param {Log} log
 * @param {Welcome} welcome
 * @returns {Log}
 */
export function welcomed(log, welcome) {
  if (log.conversation_id === welcome.conversation_id && log.seq <= welcome.seq) return { ...log, sketch: null };
  return { ...emptyLog(welcome.conversation_id), state: welcome.state, holder: welcome.holder };
}

/**
 * Whether an event before `event` is missing.
 * @param {Log} log
 * @param {Event} event
 */
export function isGap(log, event) {
  return !event.again && event.seq > log.seq + 1;
}

/**
 * The log after `event`. A repeat changes nothing; an event that a visitor may not see, or of a kind that is not known
 * here, moves the cursor.
 * @param {Log} log
 * @param {Event} event
 * @returns {Log}
 */
export function apply(log, event) {
  if (event.again || event.seq <= log.seq) return log;
  const stood = stand({ ...log, seq: event.seq }, event);
  const after = SHOWN.has(event.kind) ? { ...stood, items: [...stood.items, item(event)] } : stood;
  switch (event.kind) {
    case "visitor_said":
      return heard(after, event);
    case "bot_said":
      return answered(after, event);
    case "rated":
      return { ...after, ratings: { ...after.ratings, [event.of ?? 0]: event.helpful === true } };
    case "contact_left":
      return { ...after, address: "left" };
    case "surveyed":
      return { ...after, surveyed: true };
    case "reopened":
      return { ...after, surveyed: false };
    case "redacted":
      return redact(after, new Set(event.seqs ?? []));
    default:
      return after;
  }
}

/**
 * The log with one more piece of the coming reply. A piece that does not fit (lost, late or of an older attempt) is
 * left out: the reply itself follows as an event.
 * @param {Log} log
 * @param {Draft} draft
 * @returns {Log}
 */
export function drafted(log, draft) {
  if (log.state !== "bot" || draft.turn_id === log.lastTurn) return log;
  const now = log.sketch;
  const begun = now?.turn_id === draft.turn_id ? now.attempt : -1;
  if (draft.attempt < begun) return log;
  const base = now && draft.attempt === begun ? now : { text: "", length: 0 };
  if (draft.offset !== base.length) return draft.attempt === begun ? log : { ...log, sketch: null };
  const { turn_id, attempt } = draft;
  return { ...log, sketch: { turn_id, attempt, text: base.text + draft.text, length: base.length + count(draft.text) } };
}

/**
 * What was said, oldest first, without what was erased.
 * @param {Log} log
 */
export function said(log) {
  return log.items.filter((each) => SAID.has(each.kind) && !each.redacted);
}

/**
 * How many messages from the other side stand after `seq`.
 * @param {Log} log
 * @param {number} seq
 */
export function unread(log, seq) {
  return said(log).filter((each) => each.seq > seq && each.kind !== "visitor_said").length;
}

/**
 * Whether a request that the server has refused was needless. The server knows before us where things stand: it refuses
 * these as a transition that is not possible only where their purpose is reached.
 * @param {Log} log
 * @param {Command["type"]} type
 * @param {string} code  Of the refusal.
 */
export function isReached(log, type, code) {
  const states = REACHED[type];
  return states !== undefined && (code === "illegal_transition" || states.includes(log.state));
}

/**
 * @param {Log} log
 * @param {Event} event
 * @returns {Log}
 */
function stand(log, event) {
  if (event.hold === undefined || event.state === undefined) return log;
  const holder = event.holder ?? log.holder;
  const moved = event.hold !== log.hold;
  const settled = moved ? /** @type {const} */ ({ unanswered: [], sketch: null, address: "open", told: "" }) : {};
  return { ...log, ...settled, state: event.state, holder, hold: event.hold };
}

/**
 * The bot has a message to answer; who waits for a person is told of theirs, now and then.
 * @param {Log} log
 * @param {Event} event
 * @returns {Log}
 */
function heard(log, { seq, at }) {
  if (log.state === "bot") return { ...log, unanswered: [...log.unanswered, seq] };
  const soon = Date.parse(at) - Date.parse(log.told) < TELL_EVERY_MS;
  return log.state === "queued" && !soon ? { ...log, told: at } : log;
}

/**
 * @param {Event} event
 * @returns {Item}
 */
function item(event) {
  const { seq, kind, at, client_id } = event;
  const redacted = SAID.has(kind) && typeof event.text !== "string";
  return { seq, kind, at, client_id, by: event.by ?? NOBODY, text: event.text ?? "", redacted, event };
}

/**
 * @param {Log} log
 * @param {Event} event
 * @returns {Log}
 */
function answered(log, event) {
  const done = new Set(event.answers ?? []);
  const unanswered = log.unanswered.filter((seq) => !done.has(seq));
  return { ...log, unanswered, sketch: null, lastTurn: event.turn_id ?? null, address: addressAfter(log, event.outcome) };
}

/**
 * Small talk about a reply that was none does not make it one.
 * @param {Log} log
 * @param {string} [outcome]
 * @returns {Log["address"]}
 */
function addressAfter(log, outcome) {
  if (outcome === "small_talk") return log.address;
  return outcome === "no_answer" ? "asked" : "open";
}

/**
 * @param {Log} log
 * @param {Set<number>} seqs
 * @returns {Log}
 */
function redact(log, seqs) {
  return { ...log, items: log.items.map((each) => (seqs.has(each.seq) ? erased(each) : each)) };
}

/**
 * @param {Item} one
 * @returns {Item}
 */
function erased(one) {
  const { seq, kind, at, client_id, by } = one;
  return { ...one, text: "", redacted: true, event: { seq, kind, at, by, ...(client_id ? { client_id } : {}) } };
}
