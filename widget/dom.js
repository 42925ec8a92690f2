/**
 * Elements by construction only: text becomes text nodes, and no attribute that could run anything is ever set.
 *
 * @import {Node as Tree} from "./markdown.js"
 *
 * @typedef {Record<string, string | number | boolean | undefined | ((event: never) => void)>} Attributes
 */

/**
 * A new element. A function among the attributes listens to the event of that name; false and undefined are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A link that opens beside the page and tells the other side nothing of it.
 * @param {string} href  Checked by `safeUrl`.
 * @param {string} hint  Says aloud that a new tab opens.
 * @param {string} [title]
 * @param {...(Node | string)} children
 */
export function link(href, hint, title, ...children) {
  const to = { href, target: "_blank", rel: "noopener noreferrer", title };
  return h("a", to, ...children, h("span", { class: "sr" }, ` (${hint})`));
}

/**
 * Leaves the node alone if it says so already, so that nothing is read aloud twice.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * The nodes of a Markdown tree.
 * @param {readonly Tree[]} trees
 * @param {string} hint  See `link`.
 * @returns {(Node | string)[]}
 */
export function grow(trees, hint) {
  return trees.map((tree) => {
    if (typeof tree === "string") return tree;
    const children = grow(tree.children, hint);
    if (tree.tag === "a") return link(tree.href ?? "", hint, undefined, ...children);
    return h(tree.tag, { start: tree.start }, ...children);
  });
}

/**
 * An icon of one stroke, which takes the colour of the text around it.
 * @param {string} path
 */
export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const shape = document.createElementNS(space, "path");
  const look = {
    viewBox: "0 0 24 24",
    width: "28",
    height: "28",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
  };
  for (const [name, value] of Object.entries(look)) svg.setAttribute(name, value);
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
