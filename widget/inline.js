/**
 * What stands within a paragraph: emphasis, code, links and line breaks. Every character is looked at a bounded number
 * of times, so hostile text takes no longer than any other.
 *
 * @import {Element, Node} from "./markdown.js"
 *
 * @typedef {object} Frame  What stands behind a delimiter that is still open.
 * @property {string} mark  `*`, `_`, `[` or `![`.
 * @property {number} width  How many of them.
 * @property {number} length  How many of them there were.
 * @property {boolean} both  Whether they might close as well.
 * @property {Node[]} children
 */

const MAX_OPEN = 32; // open delimiters; a reply has a few, a hostile one thousands
const MAX_WIDTH = 3; // bold italic; a longer run of marks is a drawn line
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const TARGET =
  /\(\s{0,9}(?:<((?:\\.|[^<>\n\\]){0,2000})>|((?:\\.|[^\s()<\\]|\((?:\\.|[^\s()\\]|\((?:\\.|[^\s()\\]){0,500}\)){0,500}\)){0,2000}))(?:\s{1,9}(?:"(?:\\.|[^"\\]){0,500}"|'(?:\\.|[^'\\]){0,500}'|\((?:\\.|[^()\\]){0,500}\)))?\s{0,9}\)/suy;
const AUTOLINK = /<((?:[a-z][a-z0-9+.-]{1,31}:|[\w.+-]{1,64}@\w)[^\s<>]{0,2000})>/iy;
const NAMED = new Map(Object.entries({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" })); // replies need no others
const PUNCTUATION = /[\p{P}\p{S}]/u;
const SPECIAL = /!\[|&#?\w+;|[\\`*_[\]<\n]/g;

/**
 * The address if it may be linked, made absolute; null otherwise.
 * @param {string} href
 * @param {string} base  What a relative address is relative to.
 */
export function safeUrl(href, base) {
  try {
    const url = new URL(href, base);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Emphasis, code, links and line breaks of one paragraph.
 * @param {string} text
 * @param {string} base
 * @returns {Node[]}
 */
export function inline(text, base) {
  return new Inline(text, base).run();
}

class Inline {
  #text;
  #base;
  #at = 0;
  /** @type {Frame[]} */
  #frames = [{ mark: "", width: 0, length: 0, both: false, children: [] }];
  /** Starts of the runs of backticks, by their width, last first. @type {Map<number, number[]> | null} */
  #ticks = null;

  /**
   * @param {string} text
   * @param {string} base
   */
  constructor(text, base) {
    this.#text = text;
    this.#base = base;
  }

  run() {
    while (this.#at < this.#text.length) this.#step();
    while (this.#frames.length > 1) this.#collapse();
    return this.#top.children;
  }

  get #top() {
    return /** @type {Frame} */ (this.#frames.at(-1));
  }

  #step() {
    SPECIAL.lastIndex = this.#at;
    const match = SPECIAL.exec(this.#text);
    const next = match?.index ?? this.#text.length;
    this.#write(this.#text.slice(this.#at, next));
    this.#at = next;
    const char = match?.[0];
    if (char === "\\") this.#escape();
    else if (char === "`") this.#code();
    else if (char === "*" || char === "_") this.#emphasis(char);
    else if (char?.endsWith("[")) this.#openLink(char);
    else if (char === "]") this.#closeLink();
    else if (char === "<") this.#autolink();
    else if (char === "\n") this.#newline();
    else if (char) this.#entity(char);
  }

  #escape() {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "\n") this.#top.children.push({ tag: "br", children: [] });
    else this.#write(/[!-/:-@[-`{-~]/.test(next) ? next : `\\${next}`);
    this.#at += 2;
  }

  #code() {
    const width = this.#run("`");
    const start = this.#at + width;
    const end = this.#closing(width, start);
    if (end < 0) this.#write("`".repeat(width));
    else this.#top.children.push({ tag: "code", children: [trimCode(this.#text.slice(start, end))] });
    this.#at = end < 0 ? start : end + width;
  }

  /**
   * Where the next run of exactly `width` backticks begins; -1 if there is none.
   * @param {number} width
   * @param {number} from
   */
  #closing(width, from) {
    this.#ticks ??= ticks(this.#text);
    const starts = this.#ticks.get(width) ?? [];
    while (starts.length && /** @type {number} */ (starts.at(-1)) < from) starts.pop();
    return starts.at(-1) ?? -1;
  }

  /** @param {string} mark */
  #emphasis(mark) {
    const width = this.#run(mark);
    const before = this.#text[this.#at - 1] ?? " ";
    const after = this.#text[this.#at + width] ?? " ";
    const { opens, closes } = flanks(mark, before, after);
    /** @type {Frame} */
    const run = { mark, width, length: width, both: opens && closes, children: [] };
    this.#at += width;
    const plain = width > MAX_WIDTH;
    while (closes && !plain && this.#wrap(run));
    if (run.width && opens && !plain && this.#frames.length <= MAX_OPEN) this.#frames.push(run);
    else this.#write(mark.repeat(run.width));
  }

  /**
   * Makes what stands behind the nearest open mark bold (two marks) or italic (one). Brackets bind tighter.
   * @param {Frame} run  The closing marks, of which those used are taken.
   * @returns {boolean} whether one was open
   */
  #wrap(run) {
    const index = this.#frames.findLastIndex((frame) => isBracket(frame) || isPair(frame, run));
    if (!run.width || index < 0 || isBracket(this.#frames[index])) return false;
    while (this.#frames.length > index + 1) this.#collapse();
    const frame = this.#top;
    const used = Math.min(2, run.width, frame.width);
    const made = /** @type {Element} */ ({ tag: used === 2 ? "strong" : "em", children: frame.children });
    frame.width -= used;
    run.width -= used;
    frame.children = [made];
    if (!frame.width) this.#collapse();
    return true;
  }

  /** @param {string} mark */
  #openLink(mark) {
    if (this.#frames.length > MAX_OPEN) this.#write(mark);
    else this.#frames.push({ mark, width: 1, length: 1, both: false, children: [] });
    this.#at += mark.length;
  }

  #closeLink() {
    this.#at += 1;
    const index = this.#frames.findLastIndex(isBracket);
    if (index < 0) {
      this.#write("]");
      return;
    }
    while (this.#frames.length > index + 1) this.#collapse();
    TARGET.lastIndex = this.#at;
    const match = TARGET.exec(this.#text);
    if (match) {
      this.#at = TARGET.lastIndex;
      this.#link(unescaped(match[1] ?? match[2] ?? ""));
    } else {
      this.#collapse();
      this.#write("]");
    }
  }

  /**
   * A link holds no other link: brackets still open before it are text. Of a picture, and of a link that may not be one,
   * the words stay.
   * @param {string} target
   */
  #link(target) {
    const { mark, children } = /** @type {Frame} */ (this.#frames.pop());
    const href = mark === "[" && target && !target.startsWith("//") && safeUrl(target, this.#base);
    if (href) this.#top.children.push({ tag: "a", href, children });
    else this.#add(children);
    if (mark !== "[") return;
    for (const frame of this.#frames) if (frame.mark === "[") Object.assign(frame, { mark: "", children: ["[", ...frame.children] });
  }

  #autolink() {
    AUTOLINK.lastIndex = this.#at;
    const address = AUTOLINK.exec(this.#text)?.[1];
    const href = address && safeUrl((/^[\w.+-]+@/.test(address) ? "mailto:" : "") + address.replaceAll("\\", "%5C"), this.#base);
    if (href) this.#top.children.push({ tag: "a", href, children: [address] });
    else this.#write(address ?? "<");
    this.#at += address ? address.length + 2 : 1;
  }

  /** @param {string} written */
  #entity(written) {
    this.#write(meant(written));
    this.#at += written.length;
  }

  #newline() {
    const hard = this.#text.slice(Math.max(0, this.#at - 2), this.#at) === "  ";
    if (hard) this.#top.children.push({ tag: "br", children: [] });
    else this.#write("\n");
    this.#at += 1;
  }

  /** @param {string} mark */
  #run(mark) {
    let end = this.#at;
    while (this.#text[end] === mark) end += 1;
    return end - this.#at;
  }

  /** The innermost open delimiter turns out to be text. */
  #collapse() {
    const { mark, width, children } = /** @type {Frame} */ (this.#frames.pop());
    this.#write(mark.repeat(width));
    this.#add(children);
  }

  /** @param {Node[]} children */
  #add(children) {
    for (const child of children) {
      if (typeof child === "string") this.#write(child);
      else this.#top.children.push(child);
    }
  }

  /** @param {string} text */
  #write(text) {
    const { children } = this.#top;
    const last = children.length - 1;
    if (!text) return;
    if (typeof children[last] === "string") children[last] += text;
    else children.push(text);
  }
}

/**
 * Whether a run of `*` or `_` may open or close emphasis (CommonMark 0.31, section 6.2).
 * @param {string} mark
 * @param {string} before
 * @param {string} after
 */
function flanks(mark, before, after) {
  const [blankBefore, blankAfter] = [!before.trim(), !after.trim()];
  const [signBefore, signAfter] = [PUNCTUATION.test(before), PUNCTUATION.test(after)];
  const left = !blankAfter && (!signAfter || blankBefore || signBefore);
  const right = !blankBefore && (!signBefore || blankAfter || signAfter);
  if (mark === "*") return { opens: left, closes: right };
  return { opens: left && (!right || signBefore), closes: right && (!left || signAfter) };
}

/**
 * Whether one run of marks may close the other: lengths that add up to a multiple of three mean two kinds of emphasis,
 * where either might open as well as close (CommonMark 0.31, section 6.2, rules 9 and 10).
 * @param {Frame} open
 * @param {Frame} run
 */
function isPair(open, run) {
  return open.mark === run.mark && (!(open.both || run.both) || (open.length + run.length) % 3 !== 0 || run.length % 3 === 0);
}

/** @param {Frame | undefined} frame */
function isBracket(frame) {
  return frame?.mark.endsWith("[");
}

/**
 * Text with its escapes and entities read. A backslash that escapes nothing is none of the slashes browsers make of it.
 * @param {string} target
 */
function unescaped(target) {
  return target.replace(/\\([!-/:-@[-`{-~])?|&#?\w+;/g, (written, sign) => (sign === "\\" || written === "\\" ? "%5C" : (sign ?? meant(written))));
}

/**
 * The character that `&lt;`, `&#60;` or `&#x3c;` means; what means none, as it is written.
 * @param {string} entity
 */
function meant(entity) {
  const name = entity.slice(1, -1);
  const code = Number(name.replace(/^#x/i, "0x").replace("#", ""));
  return NAMED.get(name) ?? (code > 0 && code < 0x110000 && name.startsWith("#") ? String.fromCodePoint(code) : entity);
}

/** @param {string} text */
function ticks(text) {
  /** @type {Map<number, number[]>} */
  const runs = new Map();
  for (const { 0: run, index } of [...text.matchAll(/`+/g)].reverse()) {
    const starts = runs.get(run.length);
    if (starts) starts.push(index);
    else runs.set(run.length, [index]);
  }
  return runs;
}

/**
 * One space on either side is for the eye only, as in `` ` `` (CommonMark 0.31, section 6.1).
 * @param {string} code
 */
function trimCode(code) {
  const line = code.replaceAll("\n", " ");
  return line.startsWith(" ") && line.endsWith(" ") && line.trim() ? line.slice(1, -1) : line;
}
