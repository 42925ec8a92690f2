/**
 * The form for an address, where no person can come soon.
 *
 * @import {Chat} from "./chat.js"
 * @import {Words} from "./words.js"
 */
import { h, write } from "./dom.js";

/**
 * Why to ask for an address: nobody is at the desk and a person or an answer was wanted, or the wait is too long. Null
 * where there is no reason.
 * @param {Chat} chat
 * @returns {"closed" | "overdue" | null}
 */
export function occasion(chat) {
  const { deskOpen, log, queue } = chat;
  if (log.state === "agent" || chat.pending("contact")) return null;
  if (log.state === "queued") return queue?.overdue && log.address !== "left" ? "overdue" : null;
  return !deskOpen && (log.address === "asked" || chat.pending("call_human")) ? "closed" : null;
}

export class ContactForm {
  #chat;
  #refocus;
  #words;
  #notice = h("p", { role: "status" });
  #failed;
  #intro;
  #bot;
  #form;
  #email = h("input", { type: "email", autocomplete: "email", required: true, maxlength: 254 });
  #name = h("input", { autocomplete: "name", maxlength: 100 });

  /**
   * @param {Chat} chat
   * @param {Words} words
   * @param {() => void} refocus  Moves the focus on when the form that held it goes away.
   */
  constructor(chat, words, refocus) {
    this.#chat = chat;
    this.#words = words;
    this.#refocus = refocus;
    this.#intro = h("p", {}, words.contact);
    this.#failed = h("p", { class: "warn", role: "alert" }, words.contactFailed);
    this.#bot = h("button", { type: "button", click: () => chat.cancelHuman() }, words.goOn);
    this.#form = this.#build();
    this.node = h("div", {}, this.#notice, this.#form);
  }

  /** The form stays what it is, hidden or not, so that what was typed is still there when it comes back. */
  render() {
    const why = occasion(this.#chat);
    const focused = this.#form.matches(":focus-within");
    write(this.#notice, why === "overdue" ? this.#words.overdue : "");
    this.#failed.hidden = this.#chat.refused !== "contact";
    this.#intro.hidden = why === "overdue";
    this.#bot.hidden = why !== "overdue";
    this.#form.hidden = !why;
    if (focused && !why) this.#refocus();
  }

  #build() {
    const { submit: label, email, name } = this.#words;
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#chat.contact(this.#email.value.trim(), this.#name.value.trim());
    };
    return h(
      "form",
      { class: "box", submit, "aria-label": label, hidden: true },
      this.#intro,
      this.#failed,
      h("label", {}, email, this.#email),
      h("label", {}, name, this.#name),
      h("button", { class: "solid" }, label),
      this.#bot,
    );
  }
}
