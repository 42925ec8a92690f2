/** Keeps small JSON values in `localStorage`, or in memory where the browser refuses it (private mode, full, blocked). */
export class Store {
  /** @type {Map<string, string>} */
  #memory = new Map();
  #area;
  #prefix;

  /**
   * @param {Storage | null} area
   * @param {string} prefix  Sets our names apart from the host page's.
   */
  constructor(area, prefix) {
    this.#area = area;
    this.#prefix = prefix;
  }

  /**
   * The value kept as `name`; null if there is none or it cannot be read.
   * @param {string} name
   * @returns {unknown}
   */
  get(name) {
    const key = this.#prefix + name;
    try {
      return JSON.parse(this.#memory.get(key) ?? this.#area?.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  set(name, value) {
    const key = this.#prefix + name;
    const text = JSON.stringify(value);
    this.#memory.delete(key);
    try {
      /** @type {Storage} */ (this.#area).setItem(key, text); // without one this throws too
    } catch {
      this.#memory.set(key, text);
    }
  }

  /** @param {string} name */
  drop(name) {
    const key = this.#prefix + name;
    this.#memory.delete(key);
    try {
      this.#area?.removeItem(key);
    } catch {
      // Blocked since the page was loaded: memory was all there was.
    }
  }

  /**
   * All names that begin with `start`.
   * @param {string} start
   */
  names(start) {
    const from = this.#prefix + start;
    const keys = new Set([...this.#memory.keys(), ...areaKeys(this.#area)]);
    return [...keys].filter((key) => key.startsWith(from)).map((key) => key.slice(this.#prefix.length));
  }
}

/** The page's `localStorage`, or null where even touching it is refused. */
export function localArea() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/**
 * @param {Storage | null} area
 * @returns {string[]}
 */
function areaKeys(area) {
  try {
    return area ? Array.from({ length: area.length }, (_, index) => area.key(index) ?? "") : [];
  } catch {
    return [];
  }
}
