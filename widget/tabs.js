/**
 * Which page sends what. Each page holds a lock with its own name; when that lock becomes free the page is gone, and
 * another takes over what it could not send. Without locks (pages that are not served over https) a new page takes
 * over at once; the commands' `client_id` keeps a message that two pages send from being stored twice.
 *
 * @import {Outbox} from "./outbox.js"
 */

/**
 * Tells other pages, as long as this page lives, that it sends its commands itself.
 * @param {string} name
 * @param {LockManager | undefined} locks
 */
export function live(name, locks) {
  void locks?.request(name, () => new Promise(() => {}));
}

/**
 * Takes over what pages that are gone have left.
 * @param {Outbox} outbox
 * @param {string} prefix  Of the locks' names; the page's own follows.
 * @param {LockManager | undefined} locks
 * @param {() => void} adopted
 */
export function inherit(outbox, prefix, locks, adopted) {
  for (const tab of outbox.strangers()) {
    const take = () => {
      if (outbox.adopt(tab)) adopted();
    };
    if (locks) void locks.request(prefix + tab, take);
    else take();
  }
}
