/**
 * `<handrail-chat>`: joins the chat, what it looks like, and the page around it.
 *
 * Attributes: `data-site` (default `default`), `data-title`, `data-locale` (default: the page's language),
 * `data-identity-claims` with `data-identity-signature` (a signed-in customer; both made by the page's own server).
 * Methods: `open()`, `close()`. The attribute `open` tells whether the panel is open.
 */
import { Chat } from "./chat.js";
import { Store, localArea } from "./store.js";
import { CSS } from "./style.js";
import { inherit, live } from "./tabs.js";
import { View } from "./view.js";
import { wordsFor } from "./words.js";

export class HandrailChat extends HTMLElement {
  /** The server's origin: where the script came from. */
  static server = location.origin;

  /** @type {ShadowRoot | null} */
  #root = null;
  /** @type {Chat | null} */
  #chat = null;
  /** @type {View | null} */
  #view = null;
  #tab = newId();
  #lockPrefix = "";
  #alive = false;
  #queued = false;
  #gone = new AbortController();

  connectedCallback() {
    const server = HandrailChat.server;
    const site = this.dataset["site"] ?? "default";
    this.#lockPrefix = `handrail:${server}:${site}:`;
    const store = new Store(localArea(), this.#lockPrefix);
    this.#chat = new Chat(this.#options(server, site), {
      store,
      tab: this.#tab,
      changed: () => this.#changed(),
      env: environment(),
      today: () => Date.now(),
      newId,
    });
    this.#view = this.#draw(this.#chat, server);
    this.#listen(this.#chat);
    this.#resume(this.#chat);
  }

  disconnectedCallback() {
    this.#gone.abort();
    this.#gone = new AbortController();
    this.#chat?.stop();
    this.#chat = this.#view = null;
    this.removeAttribute("open");
  }

  open() {
    if (this.#chat) this.#start(this.#chat);
    this.toggleAttribute("open", true);
    this.#view?.show(true);
    this.#look();
  }

  close() {
    this.removeAttribute("open");
    this.#view?.show(false);
  }

  /**
   * @param {string} server
   * @param {string} site
   */
  #options(server, site) {
    const { locale, identityClaims: claims, identitySignature: signature } = this.dataset;
    return {
      url: new URL("/v1/chat", server.replace(/^http/, "ws")).href,
      site,
      locale: locale ?? (document.documentElement.lang || navigator.language),
      // Without query and fragment, which may hold what is no one's business.
      page: { url: location.origin + location.pathname, title: document.title },
      ...(claims && signature ? { identity: { claims, signature } } : {}),
    };
  }

  /**
   * @param {Chat} chat
   * @param {string} server
   */
  #draw(chat, server) {
    const root = (this.#root ??= this.attachShadow({ mode: "open" }));
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    const { words, language } = wordsFor(this.dataset["locale"] ?? document.documentElement.lang);
    this.lang = language;
    const title = this.dataset["title"] ?? words.title;
    const view = new View(root, chat, { words, language, base: server }, title, (open) => (open ? this.open() : this.close()));
    view.render();
    return view;
  }

  /** @param {Chat} chat */
  #listen(chat) {
    const { signal } = this.#gone;
    for (const name of ["online", "offline"]) window.addEventListener(name, () => chat.wake(), { signal });
    document.addEventListener("visibilitychange", () => this.#visible(chat), { signal });
    window.addEventListener("storage", () => chat.follow(), { signal });
    // Keys typed here are no shortcuts of the page around it.
    const stay = (/** @type {Event} */ event) => event.stopPropagation();
    for (const name of ["keydown", "keypress", "keyup"]) this.#root?.addEventListener(name, stay, { signal });
  }

  /** @param {Chat} chat */
  #visible(chat) {
    if (document.visibilityState !== "visible") return;
    chat.wake();
    this.#look();
  }

  /**
   * A page that is only looked at opens no line, unless this visitor has a conversation that may have news.
   * @param {Chat} chat
   */
  #resume(chat) {
    if (chat.returning) this.#start(chat);
    inherit(chat.outbox, this.#lockPrefix, navigator.locks, () => {
      this.#start(chat);
      this.#changed();
    });
  }

  /** @param {Chat} chat */
  #start(chat) {
    if (!this.#alive) live(this.#lockPrefix + this.#tab, navigator.locks);
    this.#alive = true;
    chat.start();
  }

  /** Draws once for all that happens in one go. */
  #changed() {
    if (this.#queued) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      this.#view?.render();
      this.#look();
    });
  }

  #look() {
    if (this.hasAttribute("open") && document.visibilityState === "visible") this.#chat?.seen();
  }
}

/** @returns {import("./socket.js").Environment} */
function environment() {
  return {
    WebSocket,
    later: (run, wait_ms) => setTimeout(run, wait_ms),
    cancel: (timer) => clearTimeout(/** @type {number} */ (timer)),
    now: () => performance.now(),
    random: Math.random,
  };
}

/** A version 4 UUID; `crypto.randomUUID` is missing on pages that are not served over https. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
