/** Text as the server counts and accepts it. */

/**
 * Length in code points.
 * @param {string} text
 */
export function count(text) {
  let points = 0;
  for (const _ of text) points += 1;
  return points;
}

/**
 * The first `most` code points.
 * @param {string} text
 * @param {number} most
 */
export function shorten(text, most) {
  return Array.from(text).slice(0, most).join("");
}

/**
 * The server refuses a frame with half a surrogate pair; a truncated paste or title may hold one.
 * @param {string} text
 */
export function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}
