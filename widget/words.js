/**
 * Every word that the visitor reads. A further language is one more object in `LANGUAGES`; the type checker names what
 * it leaves out.
 *
 * @typedef {typeof ENGLISH} Words
 */

const ENGLISH = {
  title: "Help",
  launcher: "Open chat",
  launcherUnread: (/** @type {number} */ n) => `Open chat, ${n} unread`,
  close: "Close chat",
  log: "Messages",
  input: "Your message",
  send: "Send",
  left: (/** @type {number} */ n) => (n < 0 ? `${-n} characters too many` : `${n} characters left`),

  disclosure:
    "You are chatting with an AI assistant. It answers from our help articles and can make mistakes. " +
    "You can ask for a person at any time.",
  bot: "AI assistant",
  you: "You",
  someone: "Support",
  person: "Talk to a person",
  cancel: "Cancel request",
  closed: "The chat was closed",
  queued: (/** @type {number | null} */ position, /** @type {number | null} */ minutes) =>
    `You are ${position === null ? "" : `number ${position} `}in the queue` +
    (minutes === null ? "" : minutes < 1 ? ", less than a minute to go" : `, about ${minutes} min to go`),
  added: (/** @type {string} */ place) => `Your message was added. ${place}.`,

  sending: "Sending…",
  sent: "Sent",
  unsent: "Not sent yet. It will be sent when the chat is connected again.",
  failed: "This message could not be sent.",
  failedLong: "This message is too long to be sent.",
  remove: "Remove",
  redacted: "This message was deleted.",
  typing: (/** @type {string} */ name) => `${name} is typing…`,
  newTab: "opens in a new tab",
  sources: "From our help articles",
  suggestions: "Suggestions",

  helpful: "Did this help?",
  yes: "Yes",
  no: "No",
  thanks: "Thank you for telling us.",

  reconnecting: "Reconnecting…",
  unreachable: "The chat cannot be reached from this page right now.",
  kept: "Your message is kept.",
  refused: "That did not work. Please try again.",
  unavailable: "The chat is not available on this page.",

  asked: "A person was asked for",
  joined: (/** @type {string} */ name) => `${name} joined the chat`,
  released: "You are back in the queue",
  lostAgent: "The person you were talking to is not there any more. You are first in line for the next one.",
  back: "You are back with the AI assistant",
  reopened: "The chat goes on",
  contactLeft: (/** @type {string} */ email) => `We will write to ${email}`,
  renew: "Start a new chat",

  contact: "Leave your address and a person will write to you.",
  overdue:
    "This is taking longer than usual. Leave your email address and a person will get back to you, " +
    "or go on with the AI assistant.",
  goOn: "Go on with the AI assistant",
  email: "Email",
  name: "Name (optional)",
  submit: "Send address",
  contactFailed: "That did not work. Please check the address.",

  survey: "How was this chat?",
  score: (/** @type {number} */ n) => `${n} of 5`,
  skip: "Skip",
};

/** @type {Record<string, Words>} */
const LANGUAGES = { en: ENGLISH };

/**
 * The words of the language nearest to `locale` (`de-AT`, `de`), else English.
 * @param {string} locale
 * @returns {{language: string, words: Words}}
 */
export function wordsFor(locale) {
  const whole = locale.toLowerCase();
  const language = [whole, whole.split("-")[0] ?? ""].find((each) => each in LANGUAGES) ?? "en";
  return { language, words: LANGUAGES[language] ?? ENGLISH };
}
