// Elements by text alone: nothing anybody wrote is ever parsed as HTML. Replies and links are drawn as in the widget.

import { grow, link as beside } from "./widget/dom.js";
import { safeUrl } from "./widget/inline.js";
import { parse } from "./widget/markdown.js";

const NEW_TAB = "opens in a new tab";

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, any>} [properties] set on the element; `class`, `role` and `aria-*` as attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class" || key === "role" || key.startsWith("aria-")) element.setAttribute(key, String(value));
    else Reflect.set(element, key, value);
  }
  element.append(...children);
  return element;
}

/** @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** A link, or plain text where the address is not one a reader should follow. @param {string} url @param {string} text */
export function link(url, text) {
  const href = safeUrl(url, document.baseURI);
  return href ? beside(href, NEW_TAB, undefined, text) : make("span", {}, text);
}

/** The Markdown of a bot as the visitor sees it. @param {string} text */
export const fromMarkdown = (text) => grow(parse(text, document.baseURI), NEW_TAB);
