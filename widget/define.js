/**
 * Registers the element and puts one on the page, unless the page has placed it itself. The script's `data-`
 * attributes become the element's.
 */
import { HandrailChat } from "./element.js";

const TAG = "handrail-chat";

const script = document.currentScript;
if (script instanceof HTMLScriptElement && script.src) HandrailChat.server = new URL(script.src).origin;
if (!customElements.get(TAG)) {
  customElements.define(TAG, HandrailChat);
  whenParsed(() => place(script instanceof HTMLScriptElement ? script.dataset : {}));
}

/** @param {DOMStringMap} dataset */
function place(dataset) {
  if (document.querySelector(TAG)) return;
  const element = document.createElement(TAG);
  Object.assign(element.dataset, dataset);
  document.body.append(element);
}

/** @param {() => void} run */
function whenParsed(run) {
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", run, { once: true });
  else run();
}
