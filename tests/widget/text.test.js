import assert from "node:assert/strict";
import { test } from "node:test";

import { count, shorten, wellFormed } from "../../widget/text.js";

test("length is counted in code points", () => assert.equal(count("a🙂é"), 3));

test("text is cut between characters", () => assert.equal(shorten("a🙂b", 2), "a🙂"));

test("half a surrogate pair is replaced, a whole one stays", () => {
  assert.equal(wellFormed("a\uD800b\uDC00🙂"), "a\uFFFDb\uFFFD🙂");
});
