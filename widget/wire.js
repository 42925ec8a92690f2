/**
 * The frames of the visitor socket and the events in them, as types. See PROTOCOL: frames grow by adding fields, so
 * everything beyond a frame's own few fields is optional here.
 *
 * @typedef {"bot" | "queued" | "agent" | "closed"} State
 *
 * @typedef {object} Party  Who said or holds something.
 * @property {string} kind
 * @property {string | null} [name]
 *
 * @typedef {object} Citation
 * @property {string} [article_id]
 * @property {string} title
 * @property {string | null} [heading]
 * @property {string} url
 * @property {string} [quote]
 *
 * @typedef {object} Choice  What may be pressed, which says its label.
 * @property {string} kind
 * @property {string} label
 * @property {string | null} [article_id]
 *
 * @typedef {object} Event
 * @property {number} seq  Counts from 1 within a conversation, without gaps.
 * @property {string} kind
 * @property {string} at  RFC 3339, UTC.
 * @property {Party} [by]
 * @property {string} [client_id]
 * @property {boolean} [again]  A repeat, sent to the one who asked twice; it moves no cursor.
 * @property {State} [state]
 * @property {Party} [holder]
 * @property {number} [hold]
 * @property {string} [text]
 * @property {string} [outcome]
 * @property {number[]} [answers]
 * @property {Citation[]} [citations]  Where it is from; a suggestion's after the first are other articles worth a look.
 * @property {string} [turn_id]
 * @property {Choice[]} [choices]
 * @property {string[]} [suggestions]  The labels of the choices, from servers that know no choices.
 * @property {number} [of]
 * @property {boolean} [helpful]
 * @property {string} [email]
 * @property {number[]} [seqs]
 *
 * @typedef {object} Queue
 * @property {number} position
 * @property {number | null} [wait_s]
 * @property {boolean} [overdue]  Whether the visitor has waited longer than they should have to.
 *
 * @typedef {object} Welcome
 * @property {string} conversation_id
 * @property {string} token
 * @property {number} seq
 * @property {State} state
 * @property {Party} holder
 * @property {Queue | null} [queue]
 * @property {boolean} [desk_open]
 * @property {{max_text_chars?: number, heartbeat_s?: number}} [limits]
 *
 * @typedef {object} Draft
 * @property {string} turn_id
 * @property {number} attempt
 * @property {number} offset  In code points, from the start of the reply.
 * @property {string} text
 *
 * @typedef {object} Refusal  The server's `error` frame.
 * @property {string} code
 * @property {string} [message]
 * @property {string} [client_id]
 * @property {number} [retry_after_s]
 * @property {boolean} [final]
 *
 * @typedef {({type: "welcome"} & Welcome) | ({type: "event"} & Event) | ({type: "draft"} & Draft)
 *   | {type: "typing", by?: unknown, on: boolean} | ({type: "queue"} & Queue) | {type: "desk", open: boolean}
 *   | {type: "pong", seq?: number} | ({type: "error"} & Refusal)} ServerFrame
 *
 * @typedef {object} Command  A client frame with a `client_id`: acknowledged by the event that carries it.
 * @property {"say" | "call_human" | "cancel_human" | "rate" | "survey" | "contact"} type
 * @property {string} client_id
 * @property {string} [text]
 * @property {number} [seq]
 * @property {boolean} [helpful]
 * @property {number} [score]
 * @property {string} [email]
 * @property {string} [name]
 */

/** The version of the visitor socket that this client speaks. */
export const PROTOCOL = 1;
