/**
 * The launcher and the panel.
 *
 * @import {Chat} from "./chat.js"
 * @import {Setting} from "./messages.js"
 */
import { Composer } from "./composer.js";
import { h, icon, write } from "./dom.js";
import { Extras } from "./extras.js";
import { unread } from "./log.js";
import { Messages, partyName, placeText } from "./messages.js";

const BUBBLE = "M4 5h16v11H9l-5 4z";
const NEAR_END_PX = 80; // whoever has scrolled up further than this is reading
const ABOVE_PX = 14; // as between two messages

export class View {
  #chat;
  #words;
  #messages;
  #extras;
  #composer;
  #open = false;
  /** Whether the last press was a finger's: the field would bring up the keyboard, which hides what comes. */
  #touched = false;

  #badge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
  #banner = h("p", { class: "banner", role: "status", hidden: true });
  #who = h("p", { class: "who", id: "who", role: "status" });
  #scroll = h("div", { class: "scroll", role: "region", tabindex: 0 });
  /** Where it was scrolled to last; who is elsewhere now has scrolled. */
  #left = 0;

  /**
   * @param {ShadowRoot} root
   * @param {Chat} chat
   * @param {Setting} setting
   * @param {string} title
   * @param {(open: boolean) => void} toggle
   */
  constructor(root, chat, setting, title, toggle) {
    this.#chat = chat;
    this.#words = setting.words;
    this.#messages = new Messages(chat, setting);
    this.#composer = new Composer(chat, setting.words, () => this.#toEnd());
    this.#extras = new Extras(chat, setting.words, this.#messages, () => (this.#touched ? this.#scroll : this.#composer).focus());
    const press = { class: "launcher", "aria-controls": "panel", click: () => toggle(!this.#open) };
    this.launcher = h("button", press, icon(BUBBLE), this.#badge);
    this.person = h("button", { class: "person", click: () => this.#person() });
    this.panel = this.#build(title, toggle);
    root.replaceChildren(this.panel, this.launcher);
  }

  /** @param {boolean} open */
  show(open) {
    const moved = open !== this.#open;
    this.#open = open;
    this.render();
    if (!moved) return;
    (open ? this.#composer : this.launcher).focus();
    if (open) this.#toEnd();
  }

  render() {
    this.panel.hidden = !this.#open;
    this.#renderLauncher();
    if (!this.#open) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    const following = scrollHeight - scrollTop - clientHeight < NEAR_END_PX || scrollTop === this.#left;
    this.#renderHeader();
    this.#messages.render();
    this.#extras.render();
    if (following) this.#toEnd();
  }

  /**
   * @param {string} title
   * @param {(open: boolean) => void} toggle
   */
  #build(title, toggle) {
    const words = this.#words;
    const close = h("button", { class: "x", "aria-label": words.close, click: () => toggle(false) }, "×");
    const heading = h("div", {}, h("h2", { id: "title" }, title), this.#who);
    this.#scroll.setAttribute("aria-label", words.log);
    this.#scroll.append(h("p", { class: "disclosure" }, words.disclosure), this.#messages.node, ...this.#extras.nodes);
    const pointerdown = (/** @type {PointerEvent} */ event) => {
      this.#touched = event.pointerType === "touch";
    };
    const keydown = (/** @type {KeyboardEvent} */ event) => {
      this.#touched = false;
      if (event.key === "Escape" && !event.isComposing) toggle(false);
    };
    const dialog = { class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", hidden: true };
    const parts = [h("header", {}, heading, this.person, close), this.#banner, this.#scroll, this.#composer.node];
    return h("div", { ...dialog, keydown, pointerdown }, ...parts);
  }

  #renderLauncher() {
    const words = this.#words;
    const news = this.#open ? 0 : unread(this.#chat.log, this.#chat.read);
    this.#badge.hidden = news === 0;
    this.#badge.textContent = String(news);
    const label = this.#open ? words.close : news ? words.launcherUnread(news) : words.launcher;
    this.launcher.setAttribute("aria-label", label);
    this.launcher.setAttribute("aria-expanded", String(this.#open));
  }

  #renderHeader() {
    const { log, status } = this.#chat;
    const words = this.#words;
    this.#who.ariaLive = log.told ? "off" : "polite"; // the line below the messages says it then
    write(this.#who, this.#holder());
    this.person.hidden = log.state === "agent" || status === "stopped";
    write(this.person, log.state === "queued" ? words.cancel : words.person);
    const banner = this.#trouble();
    this.#banner.hidden = !banner;
    write(this.#banner, banner);
  }

  #holder() {
    const { log } = this.#chat;
    const words = this.#words;
    if (log.state === "closed") return words.closed;
    return log.state === "queued" ? placeText(this.#chat, words) : partyName(log.holder, words);
  }

  /** To the end, but not past the beginning of the last message: a long one is read from there. */
  #toEnd() {
    const scroll = this.#scroll;
    const last = this.#messages.node.lastElementChild;
    const begins = last ? last.getBoundingClientRect().top - scroll.getBoundingClientRect().top + scroll.scrollTop : 0;
    scroll.scrollTop = last ? begins - ABOVE_PX : scroll.scrollHeight;
    this.#left = scroll.scrollTop;
  }

  /** The first connection is no news as long as it has not failed. A refused contact is told beside its form. */
  #trouble() {
    const { status, met, outbox, refused, unreachable } = this.#chat;
    const words = this.#words;
    if (status === "stopped") return words.unavailable;
    const away = status === "waiting" || (status === "connecting" && met);
    if (!unreachable && !away) return refused && refused !== "contact" ? words.refused : "";
    return (unreachable ? words.unreachable : words.reconnecting) + (outbox.waiting ? ` ${words.kept}` : "");
  }

  #person() {
    if (this.#chat.log.state === "queued") this.#chat.cancelHuman();
    else this.#chat.callHuman();
  }
}
