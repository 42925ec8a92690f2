// What the agent should know first: what is wanted, what was tried, why a person was called, and the mood.

import { byId, make } from "./dom.js";

const LABELLED = /^(\p{Lu}\p{L}*): (.*)$/u;

/** The lines of the last call for a person; none, and the panel is gone. @param {string} detail */
export function drawHandover(detail) {
  const rows = detail.split("\n").filter(Boolean).map((line) => {
    const [, label = "Why", words = line] = LABELLED.exec(line) ?? [];
    return make("div", {}, make("dt", {}, label), make("dd", { dir: "auto" }, words));
  });
  byId("handover").hidden = !rows.length;
  byId("handover").querySelector("dl").replaceChildren(...rows);
}
