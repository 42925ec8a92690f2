// The way in: address and password.

import { Api } from "./api.js";
import { byId } from "./dom.js";
import { explain } from "./words.js";

const form = byId("sign-in");
form.addEventListener("submit", async (/** @type {SubmitEvent} */ submitted) => {
  submitted.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  byId("problem").textContent = "";
  try {
    await new Api("").request("POST", "/v1/session", { email: byId("email").value, password: byId("password").value });
    location.assign("/console");
  } catch (error) {
    byId("problem").textContent = explain(error);
    byId("password").select();
  } finally {
    button.disabled = false;
  }
});
