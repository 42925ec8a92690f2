/** The cases that the help centre and the replies are held to in Python; here, what a chat shows of them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parse } from "../../widget/markdown.js";

const BASE = "https://help.example/";
const CASES = JSON.parse(readFileSync(new URL("../data/markdown_cases.json", import.meta.url), "utf8"));

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The form of tests/harness/html_form.py. */
function html(node) {
  if (typeof node === "string") return escaped(node);
  if (node.tag === "br") return "<br>";
  const attributes = (node.href ? ` href="${escaped(node.href)}"` : "") + (node.tag === "ol" && node.start !== 1 ? ` start="${node.start}"` : "");
  return `<${node.tag}${attributes}>${node.children.map(html).join("")}</${node.tag}>`;
}
const shown = (text) => parse(text, BASE).map(html).join("").replace(/ +(?=<br>|\n)/g, "");

for (const { name, markdown, page, chat, reply, shown: drawn } of CASES) {
  test(`a chat shows ${name}`, () => assert.equal(shown(markdown), chat ?? page));
  test(`a chat shows ${name} in a reply`, () => assert.equal(shown(reply ?? markdown), drawn ?? page));
}
