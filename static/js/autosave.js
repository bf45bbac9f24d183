/* What pages share that store their parts by themselves (self-check, 1on1, grid of required levels). One request at a time a
   part, the newest entry wins. What could not be sent stays on the page and is tried again; nothing is kept in browser
   storage. What somebody else stored meanwhile is shown beside the own entry, never overwritten unseen. */
(() => {
  "use strict";

  const waits = [1000, 2000, 5000, 10000, 20000, 30000]; // ms
  const keepable = 16384; // characters; a browser sends at most 64 KiB after its page was closed, all requests together
  const parts = [];

  const tokens = () => document.querySelectorAll("input[name=csrfmiddlewaretoken]");

  /** Signing in again, in another tab, gave the browser another token: put it into this page. */
  async function renewTokens() {
    const response = await fetch(document.body.dataset.urlSignIn, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("input[name=csrfmiddlewaretoken]")?.value;
    if (!fresh) return false;
    tokens().forEach((input) => { input.value = fresh; });
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": fresh }));
    return true;
  }

  /** The status of the answer and what it holds, read to its end; status 0 where none came. */
  async function post(url, values, again = true) {
    const body = JSON.stringify(values);
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": tokens()[0].value };
    try {
      const keepalive = body.length < keepable;
      const response = await fetch(url, { method: "POST", headers, body, keepalive, redirect: "error" });
      if (response.status === 403 && again && await renewTokens()) return await post(url, values, false);
      const readable = response.headers.get("Content-Type")?.startsWith("application/json");
      return { status: response.status, answer: readable ? await response.json() : {} };
    } catch {
      return { status: 0, answer: {} };
    }
  }

  /** One part of a page. Its class says: `dirty`, `sendable`, `draft()`, `remember(now)`, `show(now)`, `ask(now, buttons)`,
      `say(message, link)`, `focus()`, and how the page sums up: `sumUp(at)`. */
  class Autosave {
    constructor(root, text) {
      this.root = root;
      this.text = text;
      this.way = null; // the request on its way, with all that follows from its answer
      this.failures = 0;
      this.timer = 0;
      this.stopped = root.classList.contains("is-conflict"); // no further try by itself
      parts.push(this);
    }

    get sending() {
      return this.way !== null;
    }

    get failing() {
      return this.failures > 0 && !this.stopped;
    }

    get sendable() {
      return this.dirty;
    }

    plan(delay) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), delay);
      this.sumUp();
    }

    /** Send what differs from what is stored; done when nothing of this part is on its way any more. */
    save() {
      clearTimeout(this.timer);
      if (!this.sending && !this.stopped && this.sendable) this.way = this.send(this.draft());
      this.sumUp();
      return this.way;
    }

    async send(draft) {
      const { status, answer } = await post(this.root.dataset.url, draft.body);
      this.way = null;
      if (status === 200) {
        await this.take({ ...draft.now, ...answer });
      } else if (status === 409 && "version" in answer) {
        this.differ(answer);
      } else if (status === 0 || status === 429 || status >= 500) {
        this.fail(this.text.textUnsent);
      } else if (status === 401) {
        this.fail(this.text.textSignedOut, { href: document.body.dataset.urlSignIn, text: document.body.dataset.textSignIn });
      } else {
        this.refuse(answer.message || this.text.textGone);
      }
    }

    take(now) {
      this.failures = 0;
      this.remember(now);
      this.root.classList.remove("is-unsaved", "is-conflict");
      this.say("");
      this.sumUp(new Date());
      return this.save();
    }

    fail(message, link) {
      this.failures += 1;
      this.root.classList.add("is-unsaved");
      this.say(message, link);
      if (this.failures === 1) window.skillmap.announce(message);
      this.plan(waits[Math.min(this.failures, waits.length) - 1]);
    }

    /** The rules say no, the step is over, or it is somebody else's turn. */
    refuse(message) {
      this.stopped = true;
      this.root.classList.add("is-unsaved");
      this.say(message);
      this.sumUp();
      window.skillmap.announce(message);
    }

    /** Somebody else was first: the person sees both and decides. */
    differ(now) {
      this.stopped = true;
      this.root.classList.add("is-conflict");
      const settle = (mine) => {
        this.stopped = false;
        this.failures = 0;
        this.root.classList.remove("is-conflict", "is-unsaved");
        this.remember(now);
        if (mine) this.insist();
        else this.show(now);
        this.say("");
        this.focus();
        this.save();
      };
      this.ask(now, [button(this.text.textKeepMine, () => settle(true)), button(this.text.textTakeTheirs, () => settle(false))]);
      this.sumUp();
    }

    /** The person keeps the own entry although another one is stored. */
    insist() {}
  }

  function button(words, act) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "button button--small";
    element.textContent = words;
    element.addEventListener("click", act);
    return element;
  }

  function clock(at) {
    return at.toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Tokyo" });
  }

  const saveAll = () => parts.forEach((part) => part.save());
  window.addEventListener("online", saveAll);
  document.addEventListener("visibilitychange", saveAll);

  Object.assign(window.skillmap, { Autosave, clock });
})();
