import assert from "node:assert/strict";
import { test } from "node:test";

import { safeUrl } from "../../widget/inline.js";
import { parse } from "../../widget/markdown.js";

const BASE = "https://help.example/";
const TAGS = new Set(["p", "em", "strong", "code", "pre", "ul", "ol", "li", "a", "br"]);

/** A readable form, for comparison only: angle brackets of text are doubled, so they cannot pass for tags. */
function show(tree) {
  if (typeof tree === "string") return tree.replaceAll("<", "<<");
  const extra = (tree.href ? ` ${tree.href}` : "") + (tree.start > 1 ? ` ${tree.start}` : "");
  return `<${tree.tag}${extra}>${tree.children.map(show).join("")}</>`;
}
const shown = (text) => parse(text, BASE).map(show).join("");

function* walk(trees) {
  for (const tree of trees) {
    yield tree;
    if (typeof tree !== "string") yield* walk(tree.children);
  }
}

const CASES = {
  "": "",
  "one\ntwo": "<p>one\ntwo</>",
  "one\n\ntwo": "<p>one</><p>two</>",
  "a  \nb": "<p>a  <br></>b</>",
  "a\\\nb": "<p>a<br></>b</>",
  "*a* _b_ **c** __d__": "<p><em>a</> <em>b</> <strong>c</> <strong>d</></>",
  "***a***": "<p><em><strong>a</></></>",
  "**a *b* c**": "<p><strong>a <em>b</> c</></>",
  "*a **b*": "<p>*a *<em>b</></>",
  "2 * 3 * 4": "<p>2 * 3 * 4</>",
  "snake_case_name": "<p>snake_case_name</>",
  "un*frigging*believable": "<p>un<em>frigging</>believable</>",
  "*****": "<p>*****</>",
  "\\*a\\*": "<p>*a*</>",
  "`a *b* <c>`": "<p><code>a *b* <<c></></>",
  "`` a ` b ``": "<p><code>a ` b</></>",
  "`open": "<p>`open</>",
  "```js\n<b>\n  x\n```\nafter": "<pre><code><<b>\n  x</></><p>after</>",
  "~~~\nnever closed": "<pre><code>never closed</></>",
  "- a\n- b": "<ul><li><p>a</></><li><p>b</></></>",
  "3. a\n4. b": "<ol 3><li><p>a</></><li><p>b</></></>",
  "- a\n  - b\n  - c\n- d": "<ul><li><p>a</><ul><li><p>b</></><li><p>c</></></></><li><p>d</></></>",
  "1. a\n   - b\n2. c": "<ol><li><p>a</><ul><li><p>b</></></></><li><p>c</></></>",
  "1. a\n  - b": "<ol><li><p>a</><ul><li><p>b</></></></></>",
  "- a\n\n  b\n\nc": "<ul><li><p>a</><p>b</></></><p>c</>",
  "- a\nlazy": "<ul><li><p>a\nlazy</></></>",
  "- a\n  ```\n  code\n  ```": "<ul><li><p>a</><pre><code>code</></></></>",
  "- a\n1. b": "<ul><li><p>a</></></><ol><li><p>b</></></>",
  "in\n2019. That": "<p>in\n2019. That</>",
  "-no list": "<p>-no list</>",
  "# no heading": "<p># no heading</>",
  "[a](https://x.example/p?q=1)": "<p><a https://x.example/p?q=1>a</></>",
  "[a](/help/x#y \"title\")": "<p><a https://help.example/help/x#y>a</></>",
  "[a](<https://x.example/b c>)": "<p><a https://x.example/b%20c>a</></>",
  "[a](https://x.example/f_(g))": "<p><a https://x.example/f_(g)>a</></>",
  "[*a*](https://x.example/)": "<p><a https://x.example/><em>a</></></>",
  "*a [b*](https://x.example/)": "<p>*a <a https://x.example/>b*</></>",
  "[a [b](https://x.example/) c](https://y.example/)": "<p>[a <a https://x.example/>b</> c](https://y.example/)</>",
  "[a] (b)": "<p>[a] (b)</>",
  "a]b": "<p>a]b</>",
  "<https://x.example/>": "<p><a https://x.example/>https://x.example/</></>",
  "<mailto:a@x.example>": "<p><a mailto:a@x.example>mailto:a@x.example</></>",
  "![a](https://x.example/a.png)": "<p>a</>",
  "<b>bold</b>": "<p><<b>bold<</b></>",
  "&lt;b&gt; &amp;": "<p><<b> &</>",
};

for (const [text, expected] of Object.entries(CASES)) {
  test(`${JSON.stringify(text)} becomes ${expected}`, () => assert.equal(shown(text), expected));
}

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x]( javascript:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](<java\tscript:alert(1)>)",
  "[x](\u0001javascript:alert(1))",
  "[x](javascript&colon;alert(1))",
  "[x](java\\script:alert(1))",
  "[x](javascript\\:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:msgbox(1))",
  "[x](blob:https://help.example/1)",
  "[x](file:///etc/passwd)",
  "[x](about:blank)",
  "[x](view-source:https://x.example)",
  "![x](javascript:alert(1))",
  "<javascript:alert(1)>",
  "<data:text/html,x>",
  '[x](https://x.example/"onmouseover="alert(1))',
  "[x](https://x.example/ 'a' onclick=alert(1))",
  "[x]: javascript:alert(1)\n[x]",
  "`<script>alert(1)</script>`",
  "```html\n<script>alert(1)</script>\n```",
  "- <iframe srcdoc='<script>alert(1)</script>'>",
  "[<img src=x onerror=alert(1)>](https://x.example/)",
];

for (const text of HOSTILE) {
  test(`${JSON.stringify(text)} yields only known elements and harmless addresses`, () => {
    for (const node of walk(parse(text, BASE))) {
      if (typeof node === "string") continue;
      assert.ok(TAGS.has(node.tag), node.tag);
      assert.deepEqual(Object.keys(node).filter((key) => !["tag", "children", "href", "start"].includes(key)), []);
      if (node.tag === "a") assert.match(node.href, /^(https?:\/\/|mailto:)/);
    }
  });
}

test("script addresses stay text, whatever their spelling", () => {
  for (const text of HOSTILE.filter((each) => /script|data:|blob:|file:|about:|view-source:/i.test(each))) {
    const links = [...walk(parse(text, BASE))].filter((node) => node.tag === "a").map((node) => new URL(node.href).protocol);
    assert.ok(links.every((protocol) => protocol === "https:"), text);
  }
});

test("no character of a text is lost where nothing in it is markup", () => {
  const text = "5 < 6 & 7 > 3 “quotes” 🙂 ]] )) }} ~ ^ | # $ %";
  assert.deepEqual(parse(text, BASE), [{ tag: "p", children: [text] }]);
});

test("an address is made absolute or refused", () => {
  assert.equal(safeUrl("/help/a", BASE), "https://help.example/help/a");
  assert.equal(safeUrl("https://x.example", BASE), "https://x.example/");
  assert.equal(safeUrl("javascript:0", BASE), null);
  assert.equal(safeUrl("https://", BASE), null);
});

const many = (text, times) => text.repeat(times);
const PATHOLOGICAL = {
  "open brackets": many("[", 50_000),
  "brackets opened and closed": many("[", 25_000) + many("]", 25_000),
  "open emphasis": many("*a ", 30_000),
  "closing emphasis": many("a* ", 30_000),
  "alternating emphasis": many("*a _b ", 20_000),
  "nested emphasis": many("*a **a ", 10_000) + many("b** b* ", 10_000),
  "runs of backticks of every length": Array.from({ length: 300 }, (_, n) => many("`", n + 1)).join("a"),
  "backticks that never close": many("` `` ", 20_000),
  "link targets that never end": many("[a](b", 30_000),
  "link targets with parentheses that never end": many("[a](b(c(d)e)", 10_000),
  "titles that never end": many('[a](b "c', 10_000),
  "pictures that never end": many("![", 25_000),
  "lists in one line": many("- 1. ", 10_000),
  "emphasis of every length": many("*a**b***c", 5_000),
  "ampersands": many("&a", 25_000),
  "nested parentheses": many("[a](", 10_000) + many("(", 10_000),
  "angle brackets": many("<http://a", 20_000),
  "deep lists": Array.from({ length: 500 }, (_, n) => `${many("  ", n)}- a`).join("\n"),
  "markers in one line": many("- ", 20_000),
  "blank lines": many("\n", 50_000),
  "spaces": `\`${many(" ", 50_000)}a${many(" ", 50_000)}`,
  "stars": many("*", 50_000),
  "escapes": many("\\", 50_000),
};

for (const [name, text] of Object.entries(PATHOLOGICAL)) {
  test(`${name} take less than half a second`, () => {
    const start = performance.now();
    const trees = parse(text, BASE);
    assert.ok(performance.now() - start < 500, `${performance.now() - start} ms`);
    assert.ok(depth(trees) < 100);
  });
}

function depth(trees) {
  return trees.reduce((most, tree) => (typeof tree === "string" ? most : Math.max(most, 1 + depth(tree.children))), 0);
}
