/**
 * What stands below the messages when there is reason for it: the reply in the making, the question whether it helped,
 * what may be pressed, that a message was added while the visitor waits, the form for an address, and what can be done
 * after the end.
 *
 * @import {Chat} from "./chat.js"
 * @import {Item} from "./log.js"
 * @import {Messages} from "./messages.js"
 * @import {Words} from "./words.js"
 */
import { choicesOf, drawChoices } from "./choices.js";
import { ContactForm } from "./contact.js";
import { h } from "./dom.js";
import { said } from "./log.js";
import { partyName, placeText } from "./messages.js";

const SCORES = [1, 2, 3, 4, 5];

export class Extras {
  #chat;
  #words;
  #messages;
  #refocus;
  #contact;
  /** Conversations whose survey the visitor does not want. */
  #skipped = new Set();
  #draft = h("div", { class: "draft", "aria-hidden": "true" });
  /** What each slot shows now. @type {Map<HTMLElement, string>} */
  #shown = new Map();
  #slots = { rating: h("div"), choices: h("div"), told: h("div", { role: "status" }), end: h("div") };

  /**
   * @param {Chat} chat
   * @param {Words} words
   * @param {Messages} messages
   * @param {() => void} refocus  Moves the focus on when the button that held it goes away.
   */
  constructor(chat, words, messages, refocus) {
    this.#chat = chat;
    this.#words = words;
    this.#messages = messages;
    this.#refocus = refocus;
    this.#contact = new ContactForm(chat, words, refocus);
    const { rating, choices, told, end } = this.#slots;
    this.nodes = [this.#draft, rating, choices, told, this.#contact.node, end];
  }

  render() {
    const last = said(this.#chat.log).at(-1);
    const quiet = this.#chat.outbox.entries.every((entry) => entry.command.type !== "say");
    const reply = quiet && last?.kind === "bot_said" ? last : undefined;
    this.#renderDraft();
    this.#renderRating(reply);
    this.#renderChoices(reply);
    this.#renderTold();
    this.#contact.render();
    this.#renderEnd();
  }

  /** Not read aloud: the finished reply will be. */
  #renderDraft() {
    const { log, otherIsTyping } = this.#chat;
    const writing = otherIsTyping || log.unanswered.length > 0;
    this.#draft.hidden = !log.sketch && !writing;
    if (this.#draft.hidden) return;
    const name = partyName(log.holder, this.#words);
    const body = log.sketch ? this.#messages.markdown(log.sketch.text) : dots();
    this.#draft.replaceChildren(h("div", { class: "meta" }, this.#words.typing(name)), body);
  }

  /**
   * Of a suggestion its choices are the question.
   * @param {Item | undefined} reply
   */
  #renderRating(reply) {
    const asks = reply && reply.event.outcome === "answer" && this.#chat.log.state === "bot";
    const rated = asks && (reply.seq in this.#chat.log.ratings || this.#chat.pending("rate"));
    this.#show(this.#slots.rating, asks ? `${reply.seq} ${rated}` : "", () => [
      rated ? h("div", { class: "row", role: "status" }, this.#words.thanks) : this.#verdicts(/** @type {Item} */ (reply)),
    ]);
  }

  /** @param {Item} reply */
  #verdicts(reply) {
    const { helpful, yes, no } = this.#words;
    const button = (/** @type {string} */ label, /** @type {boolean} */ verdict) =>
      h("button", { click: () => this.#chat.rate(reply.seq, verdict) }, label);
    return h("div", { class: "row", role: "group", "aria-label": helpful }, helpful, button(yes, true), button(no, false));
  }

  /** @param {Item | undefined} reply */
  #renderChoices(reply) {
    const event = this.#chat.log.state === "bot" && reply?.event;
    const labels = event ? choicesOf(event).map(({ label }) => label) : [];
    const say = (/** @type {string} */ label) => this.#chat.say(label);
    const draw = () => (event ? [drawChoices(event, this.#words.suggestions, say)] : []);
    this.#show(this.#slots.choices, labels.join("\n"), draw);
  }

  /** In place of the bot, which is silent while the visitor waits. A new message is told of in a new node: aloud again. */
  #renderTold() {
    const { log, complete } = this.#chat;
    const line = this.#words.added(placeText(this.#chat, this.#words));
    this.#show(this.#slots.told, complete && log.told ? log.told + line : "", () => [h("div", { class: "row" }, line)]);
  }

  #renderEnd() {
    const { log } = this.#chat;
    const closed = log.state === "closed";
    const asks = closed && !log.surveyed && !this.#chat.pending("survey") && !this.#skipped.has(log.conversation_id);
    this.#show(this.#slots.end, closed ? `${log.conversation_id} ${asks}` : "", () => [
      ...(asks ? [this.#survey()] : []),
      h("button", { class: "solid wide", click: () => this.#chat.renew() }, this.#words.renew),
    ]);
  }

  #survey() {
    const { survey, score, skip } = this.#words;
    const rate = (/** @type {number} */ n) =>
      h("button", { "aria-label": score(n), click: () => this.#chat.survey(n) }, String(n));
    const pass = () => {
      this.#skipped.add(this.#chat.log.conversation_id);
      this.render();
    };
    const answers = [...SCORES.map(rate), h("button", { click: pass }, skip)];
    return h("div", { class: "box", role: "group", "aria-label": survey }, survey, h("div", { class: "row" }, ...answers));
  }

  /**
   * Draws a slot anew only when what it shows has changed, so that the focus stays.
   * @param {HTMLElement} slot
   * @param {string} what  Empty for nothing.
   * @param {() => Node[]} draw
   */
  #show(slot, what, draw) {
    if (this.#shown.get(slot) === what) return;
    this.#shown.set(slot, what);
    const focused = slot.matches(":focus-within");
    slot.replaceChildren(...(what ? draw() : []));
    if (focused) this.#refocus();
  }
}

function dots() {
  return h("div", { class: "text" }, h("span", { class: "dots" }, h("i"), h("i"), h("i")));
}
