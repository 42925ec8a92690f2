// The buttons that open the chat. Without JavaScript there is no chat, so they are hidden until this runs.
for (const offer of document.querySelectorAll("[data-ask]")) {
  offer.querySelector("button").addEventListener("click", () => document.querySelector("handrail-chat")?.open());
  offer.hidden = false;
}
