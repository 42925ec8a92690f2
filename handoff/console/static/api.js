// The HTTP API as the console uses it: commands that either answer with an event or say why not.

const TIMEOUT_MS = 15_000; // the server's own limit for a commit is far below

/** The server said no, and why: a problem document. */
export class Refused extends Error {
  /** @param {number} status @param {Record<string, any>} problem */
  constructor(status, problem) {
    super(problem.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = String(problem.code ?? "");
    this.problem = problem;
  }

  /** Whether the same request may succeed a little later. */
  get passing() {
    return this.status === 503 || this.status === 429 || this.status >= 500;
  }
}

/** Nobody answered: it is unknown whether the command arrived. */
export class Unreachable extends Error {}

export class Api {
  /** @param {string} csrf */
  constructor(csrf) {
    this.csrf = csrf;
  }

  /** @param {string} conversationId @param {string} command @param {object} body */
  command(conversationId, command, body) {
    return this.request("POST", `/v1/conversations/${encodeURIComponent(conversationId)}/${command}`, body);
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async request(method, path, body) {
    const answer = await this.#fetch(method, path, body);
    if (answer.status === 204) return null;
    const content = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(answer.status, content);
    return content;
  }

  /** @param {string} method @param {string} path @param {object} [body] */
  async #fetch(method, path, body) {
    try {
      return await fetch(path, {
        method,
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.csrf },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new Unreachable();
    }
  }
}
