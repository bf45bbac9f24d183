/* Saves the parts of a 1on1 page by themselves: each view, the shared note, the memo, the person's words. What could not be
   sent stays on the page, is tried again, and closing the page is warned of; nothing is kept in browser storage. What somebody
   else changed meanwhile is shown beside the own text, never overwritten unseen. Without this file the buttons save the page. */
(() => {
  "use strict";

  const form = document.querySelector("form[data-meeting]");
  if (!form) return;
  const text = form.dataset;
  const line = document.getElementById("meeting-state");
  const token = form.querySelector("input[name=csrfmiddlewaretoken]").value;
  const waits = [1000, 2000, 5000, 10000, 20000, 30000];
  const parts = [];
  let leaving = false;

  document.querySelectorAll("[data-without-js]").forEach((element) => element.remove());

  document.querySelectorAll("[data-open-details]").forEach((link) => {
    link.addEventListener("click", (event) => {
      const details = document.getElementById(link.dataset.openDetails);
      if (!details) return;
      event.preventDefault(); // its fragment would stay in the address, and pull the focus away from the page's next errors
      details.open = true;
      setTimeout(() => details.querySelector("textarea, button")?.focus(), 0);
    });
  });

  class Part {
    constructor(root) {
      this.root = root;
      this.version = root.querySelector("input[type=hidden][name*=version]");
      this.state = root.querySelector("[data-state]");
      this.stored = this.key();
      this.sending = false;
      this.stopped = root.classList.contains("is-conflict");
      this.failures = 0;
      this.timer = 0;
    }

    key() {
      return JSON.stringify(this.values());
    }

    get dirty() {
      return this.key() !== this.stored;
    }

    plan(delay) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), delay);
      draw();
    }

    /** Send what differs from the stored values; one request at a time, the newest entry wins. */
    async save() {
      clearTimeout(this.timer);
      if (this.sending || this.stopped || !this.dirty) {
        draw();
        return;
      }
      const values = this.values();
      this.sending = true;
      draw();
      let response = null;
      try {
        response = await fetch(this.root.dataset.url, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
          body: JSON.stringify({ version: Number(this.version.value), ...values }),
          redirect: "error",
        });
      } catch {
        this.sending = false;
        this.fail(text.textWaitingPart);
        return;
      }
      this.sending = false;
      if (response.ok) {
        this.taken(await response.json(), values);
      } else if (response.status === 409) {
        this.conflict(await response.json());
      } else if (response.status === 401) {
        this.fail(text.textSignedOut);
      } else if (response.status === 403 || response.status === 404) {
        this.refuse(text.textGone);
      } else if (response.status === 422 || response.status === 400) {
        this.refuse((await response.json()).message);
      } else {
        this.fail(text.textWaitingPart);
      }
    }

    taken(answer, values) {
      this.failures = 0;
      this.version.value = answer.version;
      this.stored = JSON.stringify(values);
      this.root.classList.remove("is-unsaved");
      this.say("");
      saved();
      if (this.dirty) this.plan(0);
    }

    fail(message) {
      this.failures += 1;
      this.root.classList.add("is-unsaved");
      this.say(message);
      if (this.failures === 1) window.skillmap.announce(message);
      this.plan(waits[Math.min(this.failures, waits.length) - 1]);
    }

    /** The rules say no, or the check is gone: no further try by itself. */
    refuse(message) {
      this.stopped = true;
      this.root.classList.add("is-unsaved");
      this.say(message);
      window.skillmap.announce(message);
      draw();
    }

    conflict(now) {
      this.stopped = true;
      this.root.classList.add("is-conflict");
      this.state.replaceChildren();
      const head = document.createElement("span");
      head.textContent = `${text.textConflict} `;
      const theirs = document.createElement("span");
      theirs.className = "autotext__stored autotext__stored--script";
      theirs.textContent = this.describe(now);
      const settle = (mine) => {
        this.version.value = now.version;
        this.stored = this.keyOf(now);
        this.stopped = false;
        this.root.classList.remove("is-conflict", "is-unsaved");
        if (!mine) this.show(now);
        this.say("");
        this.focus();
        this.save();
      };
      this.state.append(head, theirs, button(text.textKeepMine, () => settle(true)), button(text.textTakeTheirs, () => settle(false)));
      window.skillmap.announce(`${head.textContent} ${theirs.textContent}`);
      draw();
    }

    say(message) {
      this.state.textContent = message;
    }
  }

  class View extends Part {
    constructor(root) {
      super(root);
      this.reason.addEventListener("input", () => this.plan(1200));
      this.reason.addEventListener("change", () => this.plan(0));
      // Arrows pass over levels: a choice is sent when it has rested, or when the focus leaves the item.
      root.addEventListener("change", (event) => { if (event.target.type === "radio") this.plan(700); });
      root.addEventListener("focusout", (event) => { if (!root.contains(event.relatedTarget)) this.save(); });
    }

    get reason() {
      return this.root.querySelector("input[name^=reason-]");
    }

    values() {
      const level = this.root.querySelector("input[type=radio]:checked")?.value ?? "";
      return { level: level === "" ? null : Number(level), reason: this.reason.value.trim() };
    }

    keyOf(now) {
      return JSON.stringify({ level: now.level, reason: now.reason });
    }

    describe(now) {
      const level = now.level === null ? text.textNone : `Lv.${now.level}`;
      return now.reason ? `${level} – ${now.reason}` : level;
    }

    show(now) {
      const value = now.level === null ? "" : String(now.level);
      this.root.querySelector(`input[type=radio][value="${value}"]`).checked = true;
      this.reason.value = now.reason;
    }

    focus() {
      this.root.querySelector("input[type=radio]:checked")?.focus();
    }
  }

  class Words extends Part {
    constructor(root) {
      super(root);
      this.area.addEventListener("input", () => this.plan(1500));
      this.area.addEventListener("change", () => this.save());
    }

    get area() {
      return this.root.querySelector("textarea");
    }

    values() {
      return { kind: this.root.dataset.kind, text: this.area.value };
    }

    keyOf(now) {
      return JSON.stringify({ kind: this.root.dataset.kind, text: now.text });
    }

    describe(now) {
      return now.text;
    }

    show(now) {
      this.area.value = now.text;
    }

    focus() {
      this.area.focus();
    }
  }

  function button(words, press) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "button button--small";
    element.textContent = words;
    element.addEventListener("click", press);
    return element;
  }

  function saved() {
    const now = new Date();
    const time = `${String(now.getHours()).padStart(2, "0")}:${String(now.getMinutes()).padStart(2, "0")}`;
    draw(text.textSaved.replace("{time}", time));
  }

  let lastSaved = text.textAuto;
  function draw(message) {
    if (!line) return;
    if (message) lastSaved = message;
    const undecided = parts.filter((part) => part.root.classList.contains("is-conflict")).length;
    const waiting = parts.filter((part) => part.root.classList.contains("is-unsaved")).length;
    const busy = parts.some((part) => part.sending || (part.dirty && !part.stopped));
    line.classList.toggle("is-waiting", undecided + waiting > 0);
    let words = busy ? text.textSaving : lastSaved;
    if (waiting) words = text.textWaiting.replace("{n}", waiting);
    if (undecided) words = text.textUndecided.replace("{n}", undecided);
    if (line.textContent !== words) line.textContent = words;
  }

  form.querySelectorAll("[data-part=view]").forEach((root) => parts.push(new View(root)));
  form.querySelectorAll("[data-part=text]").forEach((root) => parts.push(new Words(root)));

  // What has no saving of its own (day, way, a new goal, a reason to return) is sent by a button.
  const rest = () => JSON.stringify([...new FormData(form)].filter(([name]) => !/^(version-|level-|reason-|note|memo|words|csrf)/.test(name)));
  const untouched = rest();
  form.addEventListener("submit", () => {
    leaving = true;
    parts.forEach((part) => clearTimeout(part.timer));
  });
  window.addEventListener("beforeunload", (event) => {
    if (leaving || (!parts.some((part) => part.dirty || part.sending) && rest() === untouched)) return;
    parts.forEach((part) => part.save());
    event.preventDefault();
  });
  window.addEventListener("pageshow", () => { leaving = false; });
  draw();
  window.addEventListener("online", () => parts.forEach((part) => part.dirty && part.save()));
})();
