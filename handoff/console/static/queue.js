// The left column: who waits (longest first within a priority), what is mine, what others and the bot have.

import { make } from "./dom.js";
import { ago, waited, waitsWords, whereWords } from "./words.js";

/** @type {Record<string, number>} */
const URGENCY = { urgent: 0, high: 1, normal: 2, low: 3 };

/** @param {any} item */
const since = (item) => Date.parse(item.waiting_since ?? item.updated_at);

/** The order in which those who wait are served, as the server has it (`waiting.py`): who lost their agent comes first, who waits rises. @param {{nowMs: number, raiseEveryMs: number}} how */
function byWaiting({ nowMs, raiseEveryMs }) {
  /** @param {any} item */
  const rank = (item) => Math.max(0, (URGENCY[item.priority] ?? 2) - Math.max(0, Math.floor((nowMs - since(item)) / raiseEveryMs)));
  return (/** @type {any} */ one, /** @type {any} */ other) => Number(other.dropped) - Number(one.dropped) || rank(one) - rank(other) || since(one) - since(other);
}

/** @param {any} one @param {any} other */
const byNews = (one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at);

/** @param {any[]} items @param {{me: string, nowMs: number, raiseEveryMs: number}} how */
export function sections(items, how) {
  const { me } = how;
  const open = items.filter((item) => item.state !== "closed");
  const mine = open.filter((item) => item.state === "agent" && item.holder.id === me);
  return [
    { title: "Waiting for a person", items: open.filter((item) => item.state === "queued").sort(byWaiting(how)), empty: "Nobody waits." },
    { title: "Yours", items: mine.sort(byNews), empty: "You hold no chat." },
    { title: "To follow up", items: open.filter((item) => item.state === "bot" && item.contact).sort(byNews), empty: "" },
    { title: "With the bot", items: open.filter((item) => item.state === "bot" && !item.contact).sort(byNews), empty: "" },
    { title: "With others", items: open.filter((item) => item.state === "agent" && item.holder.id !== me).sort(byNews), empty: "" },
  ];
}

/** @param {any} item @param {{selected: string | null, unread: boolean, me: string, nowMs: number, choose: (id: string) => void}} how */
function card(item, { selected, unread, me, nowMs, choose }) {
  const urgent = (URGENCY[item.priority] ?? 2) < 2 ? [make("span", { class: "urgent" }, `${item.priority} · `)] : [];
  const why = item.state === "queued" ? waitsWords(item, me) : item.contact || whereWords(item, me);
  const time = item.waiting_since ? `waits ${waited(item.waiting_since, nowMs)}` : ago(item.updated_at, nowMs);
  return make(
    "button",
    { type: "button", class: unread ? "card unread" : "card", "aria-current": item.conversation_id === selected, onclick: () => choose(item.conversation_id) },
    make("span", { class: "preview" }, item.preview || "(nothing said yet)"),
    make("span", { class: "facts" }, make("span", {}, ...urgent, unread ? `new · ${why}` : why), make("span", { class: "time" }, time)),
  );
}

/**
 * Draw the column anew, keeping focus and scroll.
 * @param {HTMLElement} place
 * @param {any[]} items
 * @param {{selected: string | null, unread: (item: any) => boolean, me: string, nowMs: number, raiseEveryMs: number, choose: (id: string) => void}} how
 */
export function drawQueue(place, items, how) {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["conversation"] : undefined;
  const drawn = sections(items, how).flatMap(({ title, items: listed, empty }) => {
    if (!listed.length && !empty) return [];
    const cards = listed.map((item) => {
      const button = card(item, { ...how, unread: how.unread(item) });
      button.dataset["conversation"] = item.conversation_id;
      return make("li", {}, button);
    });
    const heading = make("h2", {}, listed.length ? `${title} (${listed.length})` : title);
    return [make("section", {}, heading, listed.length ? make("ul", {}, ...cards) : make("p", { class: "hint" }, empty))];
  });
  const scrolled = place.scrollTop;
  place.replaceChildren(...drawn);
  place.scrollTop = scrolled;
  if (focused) /** @type {HTMLElement | null} */ (place.querySelector(`[data-conversation="${CSS.escape(focused)}"]`))?.focus();
}
