/* The parts of a 1on1 page are stored by themselves (autosave.js): each view, the shared note, the memo, the person's words.
   Closing the page is warned of while something is not stored. Without this file the buttons save the page. */
(() => {
  "use strict";

  const form = document.querySelector("form[data-meeting]");
  if (!form) return;
  const { Autosave, clock } = window.skillmap;
  const text = form.dataset;
  const line = document.getElementById("meeting-state");
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
      details.onkeydown = (key) => {
        if (key.key !== "Escape" || key.isComposing) return;
        details.open = false; // what was written in it stays
        link.focus();
      };
    });
  });

  class Part extends Autosave {
    constructor(root) {
      super(root, text);
      this.version = root.querySelector("input[type=hidden][name*=version]");
      this.state = root.querySelector("[data-state]");
      this.stored = this.key(this.values());
    }

    get dirty() {
      return this.key(this.values()) !== this.stored;
    }

    draft() {
      const now = this.values();
      return { body: { version: Number(this.version.value), ...now }, now };
    }

    remember(now) {
      this.version.value = now.version;
      this.stored = this.key(now);
    }

    ask(now, buttons) {
      const head = document.createElement("span");
      head.textContent = `${text.textConflict} `;
      const theirs = document.createElement("span");
      theirs.className = "autotext__stored autotext__stored--script";
      theirs.textContent = this.describe(now);
      this.state.replaceChildren(head, theirs, ...buttons);
      window.skillmap.announce(`${head.textContent} ${theirs.textContent}`);
    }

    say(message) {
      this.state.textContent = message;
    }

    sumUp(at) {
      draw(at);
    }
  }

  class View extends Part {
    constructor(root) {
      super(root);
      this.reason.addEventListener("input", () => this.plan(1200));
      this.reason.addEventListener("change", () => this.plan(0));
      // Enter would send the whole page, and begin it again at its top.
      this.reason.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        this.save();
      });
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

    key(now) {
      return JSON.stringify([now.level, now.reason]);
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

    key(now) {
      return JSON.stringify(now.text);
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

  let lastSaved = text.textAuto;
  function draw(at) {
    if (!line) return;
    if (at) lastSaved = text.textSaved.replace("{time}", clock(at));
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
})();
