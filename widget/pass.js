/**
 * Who this browser is to the server: the visitor's token, the conversation, and how far it was read.
 *
 * It is stored from the moment a command leaves. Before that the server keeps nothing of the visitor either; after it
 * the command may be committed although its acknowledgement is lost, and must not be sent as another visitor's.
 *
 * @import {Store} from "./store.js"
 * @import {Welcome} from "./wire.js"
 *
 * @typedef {object} Content
 * @property {string} token
 * @property {string} conversation_id
 * @property {number} read  The last event that was in view.
 */

const STORED_PASS = "pass";

export class Pass {
  #store;
  /** @type {Content | null} */
  #content;
  #kept;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
    this.#content = this.#stored();
    this.#kept = this.#content !== null;
  }

  /** Whether this visitor has ever sent anything. */
  get kept() {
    return this.#kept;
  }

  get token() {
    return this.#content?.token;
  }

  get conversation_id() {
    return this.#content?.conversation_id;
  }

  /** @param {Welcome} welcome */
  admit({ token, conversation_id }) {
    this.#content = { token, conversation_id, read: this.read(conversation_id) };
    this.#write();
  }

  /** A command leaves. */
  keep() {
    if (this.#kept) return;
    this.#kept = true;
    this.#write();
  }

  /**
   * The last event of the conversation that was in view.
   * @param {string} conversation_id
   */
  read(conversation_id) {
    return this.#content?.conversation_id === conversation_id ? this.#content.read : 0;
  }

  /**
   * Everything up to `seq` is in view.
   * @param {string} conversation_id
   * @param {number} seq
   */
  seen(conversation_id, seq) {
    if (!this.#content || this.read(conversation_id) === seq) return;
    this.#content = { ...this.#content, conversation_id, read: seq };
    this.#write();
  }

  /**
   * Becomes the visitor that another page of this browser has become, if this page has not sent anything yet.
   * @returns {boolean} whether that is so
   */
  follow() {
    if (this.#kept) return false;
    this.#take(this.#stored());
    return this.#kept;
  }

  /**
   * The server refuses the token. Another page may have got a newer one; that one is tried before none.
   * @returns {boolean} whether there was a token to refuse
   */
  drop() {
    const refused = this.token;
    const stored = this.#stored();
    this.#take(stored && stored.token !== refused ? stored : null);
    if (!this.#kept) this.#store.drop(STORED_PASS);
    return refused !== undefined;
  }

  /** @param {Content | null} content */
  #take(content) {
    this.#content = content;
    this.#kept = content !== null;
  }

  #write() {
    if (this.#kept && this.#content) this.#store.set(STORED_PASS, this.#content);
  }

  /**
   * Storage belongs to the host page as well, so its content is checked.
   * @returns {Content | null}
   */
  #stored() {
    const { token, conversation_id, read } = /** @type {Partial<Content>} */ (this.#store.get(STORED_PASS) ?? {});
    if (typeof token !== "string" || typeof conversation_id !== "string") return null;
    return { token, conversation_id, read: typeof read === "number" ? read : 0 };
  }
}
