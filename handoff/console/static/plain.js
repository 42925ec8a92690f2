// A bot's Markdown as plain text, for a message of an agent: those are shown as they were typed.

/** @import { Node } from "./widget/markdown.js" */
import { parse } from "./widget/markdown.js";

/** @param {string} markdown */
export const toPlain = (markdown) => parse(markdown, document.baseURI).map(written).join("\n\n");

/** @param {Node} node @returns {string} */
function written(node) {
  if (typeof node === "string") return node;
  const { tag, children, href, start = 1 } = node;
  switch (tag) {
    case "br": return "\n";
    case "ol": return children.map((item, index) => listed(item, `${start + index}. `)).join("\n");
    case "ul": return children.map((item) => listed(item, "- ")).join("\n");
    case "li": return children.map(written).join("\n");
  }
  const words = children.map(written).join("");
  return tag === "a" && words !== href ? `${words} (${href})` : words;
}

/** @param {Node} item @param {string} sign */
const listed = (item, sign) => sign + written(item).replaceAll("\n", `\n${" ".repeat(sign.length)}`);
