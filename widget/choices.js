/**
 * What the visitor may press below a reply of the bot, in its order: an article of which the reply tells more than the
 * title is a card, everything else a small button. To press one says its label.
 *
 * @import {Choice, Citation, Event} from "./wire.js"
 */
import { h } from "./dom.js";

const VERDICTS = ["helped", "not_helped"]; // quieter than what leads on

/**
 * @param {Event} reply
 * @returns {readonly Choice[]}
 */
export function choicesOf({ choices, suggestions = [] }) {
  return choices ?? suggestions.map((label) => ({ kind: "", label }));
}

/**
 * @param {Event} reply
 * @param {string} name  Of the whole, for those who do not see it.
 * @param {(label: string) => void} say
 */
export function drawChoices(reply, name, say) {
  const buttons = choicesOf(reply).map(({ kind, label, article_id }, index) => {
    const click = () => say(label);
    const citation = article_id && reply.citations?.find((each) => each.article_id === article_id);
    if (citation) return card(`card${index}`, label, citation, click);
    return h("button", { class: !VERDICTS.includes(kind) && "chip", click }, label);
  });
  return h("div", { class: "row", role: "group", "aria-label": name }, ...buttons);
}

/**
 * One button, called like the article; where in it, and what stands there, is the description.
 * @param {string} id
 * @param {string} title
 * @param {Citation} citation
 * @param {() => void} click
 */
function card(id, title, { heading, quote }, click) {
  const about = [heading !== title && heading, quote].filter(Boolean).join(" · ");
  const line = h("span", { id, "aria-hidden": "true" }, about); // no part of the name
  return h("button", { class: "card", "aria-describedby": id, click }, h("b", {}, title), line);
}
