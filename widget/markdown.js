/**
 * The bot's Markdown as a tree: paragraphs, emphasis, code, lists and links. Everything else, HTML and images
 * included, stays the text it is. A tree holds no markup, so whoever draws it with `createElement` and text nodes
 * cannot be made to run anything. Time grows with the length of the text, whatever the text.
 *
 * @typedef {string | Element} Node
 *
 * @typedef {object} Element
 * @property {"p" | "em" | "strong" | "code" | "pre" | "ul" | "ol" | "li" | "a" | "br"} tag
 * @property {Node[]} children
 * @property {string} [href]  Of an `a`: absolute, http, https or mailto.
 * @property {number} [start]  Of an `ol`: the number of its first item.
 *
 * @typedef {object} Level  An open list.
 * @property {string} sign  `-`, `*` or `+`, or what follows a number: another sign begins another list.
 * @property {number} least  Leftmost column of its markers.
 * @property {number} marker  Column of the item's marker.
 * @property {number} content  Column where the item's text begins.
 * @property {Element} list
 * @property {Element} item
 */
import { inline } from "./inline.js";

const MAX_DEPTH = 8; // deeper lists do not fit a chat window
const MARKER = /^( *)([-*+]|\d{1,9}[.)])(?: +|$)(.*)$/;
const FENCE = /^( *)(`{3,}(?=[^`]*$)|~{3,})/;

/**
 * The blocks of `text`.
 * @param {string} text
 * @param {string} base  What relative links are relative to.
 * @returns {Element[]}
 */
export function parse(text, base) {
  const blocks = new Blocks(base);
  const lines = text.split(/\r\n?|\n/);
  if (!lines.at(-1)) lines.pop();
  for (const line of lines) blocks.add(line);
  return blocks.end();
}

class Blocks {
  /** @type {Element[]} */
  #root = [];
  /** @type {Level[]} */
  #levels = [];
  /** @type {string[]} */
  #paragraph = [];
  /** @type {{fence: string, indent: number, lines: string[]} | null} */
  #code = null;
  #blank = false;
  #base;

  /** @param {string} base */
  constructor(base) {
    this.#base = base;
  }

  /** @param {string} line */
  add(line) {
    if (this.#code) this.#addCode(this.#code, line);
    else if (!line.trim()) this.#space();
    else this.#addText(line.replace(/^\s+/, (blank) => blank.replaceAll("\t", "    ")));
  }

  end() {
    this.#flush();
    if (this.#code) this.#shut(this.#code);
    return this.#root;
  }

  #space() {
    this.#flush();
    this.#blank = true;
  }

  /** @param {string} line */
  #addText(line) {
    const fence = FENCE.exec(line);
    const marker = this.#marker(line);
    const indent = line.length - line.trimStart().length;
    if (!marker && this.#blank) this.#leave(indent);
    this.#blank = false;
    if (fence) this.#open(fence[2] ?? "", indent);
    else if (marker) this.#addItem(marker);
    else this.#paragraph.push(line.trimStart());
  }

  /**
   * A number other than 1 in the midst of a paragraph is a number, a lone sign a sign (CommonMark 0.31, section 5.3).
   * @param {string} line
   */
  #marker(line) {
    const match = MARKER.exec(line);
    const within = this.#paragraph.length > 0 && this.#levels.length === 0;
    return within && (!match?.[3] || /^ *(?!0*1[.)])\d/.test(line)) ? null : match;
  }

  /**
   * @param {string} fence
   * @param {number} indent
   */
  #open(fence, indent) {
    this.#flush();
    this.#leave(indent);
    this.#code = { fence, indent, lines: [] };
  }

  /**
   * @param {{fence: string, indent: number, lines: string[]}} code
   * @param {string} line
   */
  #addCode(code, line) {
    const bare = line.trim();
    const closes = bare.startsWith(code.fence) && bare === code.fence.charAt(0).repeat(bare.length);
    if (closes) this.#shut(code);
    else code.lines.push(line.replace(RegExp(`^\\s{0,${code.indent}}`), ""));
  }

  /** @param {{lines: string[]}} code */
  #shut(code) {
    this.#code = null;
    this.#place({ tag: "pre", children: [{ tag: "code", children: [code.lines.join("\n")] }] });
  }

  /** @param {RegExpExecArray} match */
  #addItem([line, indent = "", mark = "", rest = ""]) {
    this.#flush();
    const marker = indent.length;
    this.#leave(marker + 1);
    const content = line.length - rest.length;
    const above = this.#levels.at(-1);
    const sign = mark.slice(-1);
    const item = /** @type {Element} */ ({ tag: "li", children: [] });
    const beside = above && marker < Math.min(above.content, above.marker + 2);
    if (beside && above.sign === sign) {
      above.list.children.push(item);
      Object.assign(above, { least: Math.min(above.least, marker), marker, content, item });
    } else {
      if (beside || this.#levels.length >= MAX_DEPTH) this.#levels.pop();
      const list = this.#list(/\d/.test(mark) ? "ol" : "ul", mark, item);
      this.#place(list);
      this.#levels.push({ sign, least: marker, marker, content, list, item });
    }
    if (!rest) return;
    if (this.#levels.length < MAX_DEPTH) this.#addText(" ".repeat(content) + rest);
    else this.#paragraph.push(rest);
  }

  /**
   * @param {"ol" | "ul"} tag
   * @param {string} mark
   * @param {Element} item
   * @returns {Element}
   */
  #list(tag, mark, item) {
    return { tag, children: [item], ...(tag === "ol" ? { start: Number.parseInt(mark, 10) } : {}) };
  }

  /**
   * Closes the lists that a line at column `indent` is no part of.
   * @param {number} indent
   */
  #leave(indent) {
    while (this.#levels.length && indent <= (this.#levels.at(-1)?.least ?? 0)) this.#levels.pop();
  }

  #flush() {
    if (!this.#paragraph.length) return;
    const children = inline(this.#paragraph.join("\n").trimEnd(), this.#base);
    this.#paragraph = [];
    this.#place({ tag: "p", children });
  }

  /** @param {Element} block */
  #place(block) {
    (this.#levels.at(-1)?.item.children ?? this.#root).push(block);
  }
}
