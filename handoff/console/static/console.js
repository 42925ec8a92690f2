// The console: puts socket, queue, chat and outbox together.

import { Api, Refused } from "./api.js";
import { Chat, drawSuggestions } from "./chat.js";
import { byId } from "./dom.js";
import { Link } from "./link.js";
import { Outbox } from "./outbox.js";
import { drawQueue } from "./queue.js";
import { withoutErased } from "./transcript.js";
import { explain, tookBack } from "./words.js";

const CLOCK_MS = 15_000; // waiting times are shown in minutes
const DRAW_AFTER_MS = 30; // too short to notice, long enough for hundreds of frames
const { csrf = "", agentId: me = "", role = "", raiseEveryS } = document.body.dataset;
const raiseEveryMs = 1000 * Number(raiseEveryS);

/** @type {Map<string, any>} */ const items = new Map();
/** @type {Map<string, any[]>} */ const logs = new Map();
/** @type {Map<string, number>} */ const seen = new Map();
/** @type {string | null} */ let selected = null;
let drawing = false;

const api = new Api(csrf);
const outbox = new Outbox(api, sessionStorage, me, { changed: () => chat.drawUnsent(), explain });
const chat = new Chat({ me, role, outbox, storage: sessionStorage, act, typing: (on) => selected && socket.typing(selected, on) });
const socket = new Link({ frame: hear, status: showStatus });

/** @param {any} frame */
function hear(frame) {
  switch (frame.type) {
    case "welcome": byId("presence").value = frame.status; beginAnew(); break;
    case "conversation": note(frame); break;
    case "ready": forgetClosed(); tellLost(); void outbox.flush(); break;
    case "event": follow(frame); break;
    case "typing": if (frame.conversation_id === selected) chat.visitorTyping(frame.on); break;
    case "error": complain(frame.message); break;
  }
  draw();
}

/** @type {Set<string>} */ let confirmed = new Set();

function beginAnew() {
  confirmed = new Set();
}

/** Whoever comes back learns which chats were taken from them meanwhile. */
function tellLost() {
  const lost = [...items.values()].filter((item) => isLost(item)).length;
  if (lost) complain(tookBack(lost));
}

/** @param {any} item */
const isLost = (item) => item.dropped && item.let_go.at(-1) === me && item.holder.id !== me;

/** What was closed while we were away is not among what is open. */
function forgetClosed() {
  for (const id of items.keys()) if (!confirmed.has(id) && id !== selected) items.delete(id);
}

/** @param {any} item */
function note(item) {
  const id = item.conversation_id;
  confirmed.add(id);
  if (items.get(id)?.holder.id === me && isLost(item)) complain(tookBack(1));
  if (item.state === "closed" && id !== selected) items.delete(id);
  else items.set(id, item);
  if (id === selected) chat.update(item);
}

/** @param {any} event */
function follow(event) {
  const log = [...(logs.get(event.conversation_id) ?? []), event];
  const left = event.kind === "redacted" ? withoutErased(log, event.seqs) : log;
  logs.set(event.conversation_id, left);
  if (event.client_id && event.by.id === me) outbox.remove(event.client_id);
  if (event.conversation_id !== selected) return;
  chat.append(event);
  if (event.kind === "redacted") chat.redact(left);
  if (event.kind === "visitor_said") void suggest(event.conversation_id);
}

/** @param {string} id */
function choose(id) {
  if (selected && selected !== id) leave(selected);
  selected = id;
  logs.set(id, []);
  complain("");
  chat.open(items.get(id), []);
  socket.watch(id, 0);
  void suggest(id);
  draw();
}

/** @param {string} id */
function leave(id) {
  socket.unwatch(id);
  logs.delete(id);
  if (items.get(id)?.state === "closed") items.delete(id);
}

/** @param {string} id */
async function suggest(id) {
  try {
    const { items: found } = await api.request("GET", `/v1/conversations/${encodeURIComponent(id)}/suggestions`);
    if (id === selected) chat.transcript.keepingPlace(() => drawSuggestions(found, (text) => chat.insert(text)));
  } catch {
    // help that does not come is no reason to interrupt; whatever else fails says so itself
  }
}

/** @param {string} command */
async function act(command) {
  if (!selected) return;
  complain("");
  try {
    await api.command(selected, command, {});
  } catch (error) {
    complain(explain(error));
  }
}

/** @param {any} item */
const unread = (item) => item.state === "agent" && item.holder.id === me && item.seq > (seen.get(item.conversation_id) ?? 0);

function markSeen() {
  const item = selected && document.visibilityState === "visible" ? items.get(selected) : null;
  if (item) seen.set(item.conversation_id, item.seq);
}

/** Once for all changes that come together: a desk begins with a frame for every open chat. Hidden tabs count calls too. */
function draw() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    markSeen();
    drawQueue(byId("queue"), [...items.values()], { selected, unread, me, nowMs: Date.now(), raiseEveryMs, choose });
    const calls = [...items.values()].filter((item) => item.state === "queued" || unread(item)).length;
    document.title = calls ? `(${calls}) Handrail console` : "Handrail console";
  }, DRAW_AFTER_MS);
}

/** @param {string} message */
function complain(message) {
  byId("problem").hidden = !message;
  byId("problem").querySelector("p").textContent = message;
}

/** @param {"connecting" | "online" | "waiting" | "signed_out"} status */
function showStatus(status) {
  const lost = "Connection lost. Trying again; what you write is kept and sent afterwards.";
  byId("connection").textContent = { connecting: "", online: "", waiting: lost, signed_out: "" }[status];
  if (status === "signed_out") complain(explain(new Refused(401, { code: "not_signed_in" })));
}

byId("presence").addEventListener("change", async (/** @type {any} */ { target }) => {
  try {
    await api.request("PUT", "/v1/presence", { status: target.value });
  } catch (error) {
    complain(explain(error));
  }
});
byId("sign-out").addEventListener("click", async () => {
  try {
    await api.request("DELETE", "/v1/session");
    sessionStorage.clear();
    location.assign("/console");
  } catch (error) {
    complain(explain(error));
  }
});
byId("problem").querySelector("button").addEventListener("click", () => complain(""));
document.addEventListener("visibilitychange", draw);
setInterval(draw, CLOCK_MS);
byId("presence").disabled = !["agent", "lead", "admin"].includes(role);
draw();
socket.connect();
