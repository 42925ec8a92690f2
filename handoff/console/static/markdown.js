// The bot's Markdown as DOM: paragraphs, lists, code, emphasis and links. What it does not know stays text.

import { link, make } from "./dom.js";

const INLINE =
  /\\([!-/:-@[-`{-~])|`([^`]+)`|\*\*((?:\\.|[^*\\])+)\*\*|\*((?:\\.|[^*\s\\])(?:\\.|[^*\\])*)\*|\[((?:\\.|[^\]\\])+)\]\(([^()\s]+)\)/;
const ESCAPED = /\\([!-/:-@[-`{-~])/g;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;

/** @param {string} text */
const bare = (text) => text.replace(ESCAPED, "$1");

/** @param {string} text @returns {Node[]} */
function inline(text) {
  /** @type {Node[]} */
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, escaped, code, strong, emphasis, words, url] = found;
    nodes.push(document.createTextNode(rest.slice(0, found.index)));
    if (escaped !== undefined) nodes.push(document.createTextNode(escaped));
    else if (code !== undefined) nodes.push(make("code", {}, code));
    else if (strong !== undefined) nodes.push(make("strong", {}, bare(strong)));
    else if (emphasis !== undefined) nodes.push(make("em", {}, bare(emphasis)));
    else nodes.push(link(url ?? "", bare(words ?? "")));
    rest = rest.slice(found.index + whole.length);
  }
  nodes.push(document.createTextNode(rest));
  return nodes;
}

/** @param {string[]} lines */
function paragraph(lines) {
  const heading = lines.length === 1 ? /^#{1,6}\s+(.*)$/.exec(lines[0] ?? "") : null;
  if (heading) return make("p", {}, make("strong", {}, ...inline(heading[1] ?? "")));
  const nodes = lines.flatMap((line, at) => (at ? [make("br"), ...inline(line)] : inline(line)));
  return make("p", {}, ...nodes);
}

/** @param {string[]} lines the first is an item */
function list(lines) {
  const first = ITEM.exec(lines[0] ?? "");
  const items = /** @type {string[]} */ ([]);
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item) items.push(item[2] ?? "");
    else items.push(`${items.pop()} ${line.trim()}`);
  }
  const entries = items.map((item) => make("li", {}, ...inline(item)));
  return first?.[1] === undefined ? make("ul", {}, ...entries) : make("ol", { start: Number(first[1]) }, ...entries);
}

/** @param {string} text @returns {HTMLElement[]} */
function prose(text) {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const lines = block.split("\n").filter((line) => line.trim());
    const begins = lines.findIndex((line) => ITEM.test(line));
    if (begins < 0) return lines.length ? [paragraph(lines)] : [];
    return [...(begins ? [paragraph(lines.slice(0, begins))] : []), list(lines.slice(begins))];
  });
}

/** @param {string} text @returns {HTMLElement[]} */
export function render(text) {
  return text.split(/^```.*$/m).flatMap((part, at) =>
    at % 2 ? [make("pre", {}, make("code", {}, part.replace(/^\n|\n$/g, "")))] : prose(part),
  );
}
