/**
 * The field the visitor writes in. Enter sends, Shift+Enter begins a line; Enter that ends an input method's
 * composition does neither.
 *
 * @import {Chat} from "./chat.js"
 * @import {Words} from "./words.js"
 */
import { h } from "./dom.js";
import { count } from "./text.js";

const NEAR_LIMIT_CHARS = 200; // early enough to shorten a sentence, late enough not to nag
const COMPOSING = 229; // keyCode of a key that an input method handles; Safari sets no isComposing on the last

export class Composer {
  #chat;
  #words;
  #sent;
  #field;
  #counter;

  /**
   * @param {Chat} chat
   * @param {Words} words
   * @param {() => void} sent
   */
  constructor(chat, words, sent) {
    this.#chat = chat;
    this.#sent = sent;
    this.#words = words;
    this.#counter = h("p", { class: "counter", id: "counter", role: "status", hidden: true });
    this.#field = h("textarea", {
      rows: 1,
      "aria-label": words.input,
      "aria-describedby": "counter",
      placeholder: words.input,
      enterkeyhint: "send",
      input: () => this.#changed(),
      keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      blur: () => this.#chat.typing(false),
    });
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#send();
    };
    const button = h("button", { class: "solid" }, words.send);
    this.node = h("form", { class: "composer", submit }, this.#counter, this.#field, button);
  }

  focus() {
    this.#field.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    if (!this.#field.value.trim() || this.#left() < 0) return;
    this.#chat.typing(false);
    this.#chat.say(this.#field.value);
    this.#field.value = "";
    this.#changed();
    this.#field.focus();
    this.#sent();
  }

  #changed() {
    const left = this.#left();
    this.#counter.hidden = left > NEAR_LIMIT_CHARS;
    this.#counter.textContent = this.#words.left(left);
    this.#counter.classList.toggle("over", left < 0);
    this.#field.setAttribute("aria-invalid", String(left < 0));
    this.#field.style.height = "auto"; // through the object model, which a strict style-src allows
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
    if (this.#field.value) this.#chat.typing(true);
  }

  #left() {
    return this.#chat.maxTextChars - count(this.#field.value.trim());
  }
}
