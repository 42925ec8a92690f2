// What the agent wrote and the server has not acknowledged: kept over reloads, sent again with the same client_id.

import { Refused } from "./api.js";

const AGAIN_MS = 3_000;

/** @typedef {{client_id: string, conversation_id: string, command: "say" | "note", text: string, problem: string}} Unsent */

export class Outbox {
  /** @type {Unsent[]} */ #unsent;
  #sending = false;
  #again = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {Storage} storage
   * @param {string} agentId whose messages these are; another agent in the same tab does not send them
   * @param {{changed: () => void, explain: (error: unknown) => string}} told
   */
  constructor(api, storage, agentId, told) {
    this.api = api;
    this.storage = storage;
    this.key = `handrail.outbox.${agentId}`;
    this.told = told;
    this.#unsent = JSON.parse(storage.getItem(this.key) ?? "[]");
  }

  /** @param {string} conversationId */
  of(conversationId) {
    return this.#unsent.filter((message) => message.conversation_id === conversationId);
  }

  /** @param {string} conversationId @param {"say" | "note"} command @param {string} text */
  add(conversationId, command, text) {
    const client_id = crypto.randomUUID?.() ?? randomId();
    this.#keep([...this.#unsent, { client_id, conversation_id: conversationId, command, text, problem: "" }]);
    void this.flush();
  }

  /** Take a refused message back. @param {string} clientId */
  remove(clientId) {
    this.#keep(this.#unsent.filter((message) => message.client_id !== clientId));
  }

  /** Send what waits, one at a time and in order; what the server refuses stays, with the reason. */
  async flush() {
    clearTimeout(this.#again);
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) await this.#send(next);
    } catch {
      this.#again = setTimeout(() => void this.flush(), AGAIN_MS);
    } finally {
      this.#sending = false;
    }
  }

  #next() {
    return this.#unsent.find((message) => !message.problem);
  }

  /** Rejects where the same message is to be sent again later. @param {Unsent} message */
  async #send({ client_id, conversation_id, command, text }) {
    try {
      await this.api.command(conversation_id, command, { client_id, text });
    } catch (error) {
      if (!(error instanceof Refused) || error.passing) throw error;
      const problem = this.told.explain(error);
      this.#keep(this.#unsent.map((other) => (other.client_id === client_id ? { ...other, problem } : other)));
      return;
    }
    this.remove(client_id);
  }

  /** @param {Unsent[]} unsent */
  #keep(unsent) {
    this.#unsent = unsent;
    this.storage.setItem(this.key, JSON.stringify(unsent));
    this.told.changed();
  }
}

/** `crypto.randomUUID` exists on https and localhost only. */
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
