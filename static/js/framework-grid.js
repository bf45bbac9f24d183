/* The grid of required levels: arrows move between the cells, each cell is saved by itself. What could not be sent stays on
   the page, is tried again, and closing the page is warned of. Without this file one button saves the whole grid. */
(() => {
  "use strict";

  const table = document.getElementById("grid");
  if (!table) return;
  const text = table.dataset;
  const form = document.getElementById("grid-form");
  const token = form.querySelector("input[name=csrfmiddlewaretoken]").value;
  const count = document.getElementById("grid-count");
  const state = document.getElementById("grid-state");
  const confirmButton = document.getElementById("grid-confirm");
  const conflicts = document.getElementById("grid-conflicts");
  const waits = [1000, 2000, 5000, 10000, 20000, 30000];
  const cells = new Map();
  let current = null;
  let leaving = false;
  let savedAt = null;

  document.querySelectorAll("[data-without-js]").forEach((element) => { element.hidden = true; });

  class Cell {
    constructor(box) {
      this.box = box;
      this.pk = box.dataset.cell;
      this.input = box.querySelector(".matrix__input");
      this.shown = box.querySelector("input[type=hidden]");
      this.words = document.getElementById(`state-${this.pk}`);
      const [level, version] = this.shown.value.split("@");
      this.stored = level;
      this.version = version;
      this.failures = 0;
      this.sending = false;
      this.confirming = false;
      this.conflict = null;
      this.timer = 0;
    }

    get isDefault() {
      return this.box.classList.contains("is-default");
    }

    get isValid() {
      return /^[0-3]$/.test(this.input.value);
    }

    get isDirty() {
      return this.input.value !== this.stored || this.confirming;
    }

    get name() {
      return this.input.getAttribute("aria-labelledby").split(" ")
        .map((id) => document.getElementById(id).textContent.trim()).join(" × ");
    }

    /** Full-width digits count; anything else is marked and not sent. */
    tidy() {
      const value = this.input.value.normalize("NFKC").trim();
      if (value !== this.input.value) this.input.value = value;
      if (this.isValid) this.input.removeAttribute("aria-invalid");
      else this.input.setAttribute("aria-invalid", "true");
      this.say();
      this.paint();
    }

    /** What is wrong, or that the level is a default: in words that belong to the cell; what is wrong can be seen too. */
    say() {
      const calm = this.isDefault ? text.textDefault : "";
      this.words.textContent = this.isValid ? calm : text.textRange;
      this.words.classList.toggle("visually-hidden", this.isValid);
      this.words.classList.toggle("matrix__error", !this.isValid);
    }

    paint() {
      const level = this.isValid ? this.input.value : this.stored;
      for (const step of "0123") this.box.classList.toggle(`matrix__cell--${step}`, step === level);
    }

    restore() {
      this.input.value = this.stored;
      this.tidy();
      draw();
    }

    confirm() {
      if (!this.isDefault || this.sending || this.conflict) return;
      this.confirming = true;
      this.save();
    }

    /** Send what differs from the stored value; one request at a time, the newest entry wins. */
    async save() {
      clearTimeout(this.timer);
      if (this.sending || this.conflict || !this.isDirty || !this.isValid) {
        draw();
        return;
      }
      const level = this.input.value;
      const body = new URLSearchParams({ version: this.version, level });
      this.sending = true;
      draw();
      let response = null;
      try {
        response = await fetch(this.box.dataset.url, {
          method: "POST",
          headers: { Accept: "application/json", "X-CSRFToken": token },
          body,
          keepalive: true,
          redirect: "error",
        });
      } catch {
        this.sending = false;
        this.fail();
        return;
      }
      this.sending = false;
      const answer = response.headers.get("Content-Type")?.startsWith("application/json") ? await response.json() : {};
      if (response.ok) this.taken(answer, level);
      else if (response.status === 409 && "level" in answer) this.differ(answer);
      else if (response.status === 401 || response.status === 403) this.fail(text.textSignedOut);
      else if (response.status < 500 && answer.message) this.refused(answer.message);
      else this.fail();
    }

    taken(answer, level) {
      this.failures = 0;
      this.confirming = false;
      this.stored = String(answer.level);
      this.version = String(answer.version);
      this.shown.value = `${this.stored}@${this.version}`;
      this.box.classList.remove("is-unsaved", "is-conflict");
      this.box.classList.toggle("is-default", answer.is_default);
      this.say();
      const button = table.querySelector(`[data-confirm="${this.pk}"]`);
      if (button && !answer.is_default) button.disabled = true;
      draw(new Date());
      if (this.input.value !== level) this.save();
    }

    fail(message) {
      this.failures += 1;
      this.box.classList.add("is-unsaved");
      this.timer = setTimeout(() => this.save(), waits[Math.min(this.failures, waits.length) - 1]);
      draw();
      if (this.failures === 1) window.skillmap.announce(message || state.textContent);
      if (message) window.skillmap.tell(message, "warn", { href: document.body.dataset.urlSignIn, text: document.body.dataset.textSignIn });
    }

    /** The rules say no, such as for a version that was published meanwhile: no further try by itself. */
    refused(message) {
      this.confirming = false;
      this.input.value = this.stored;
      this.tidy();
      window.skillmap.tell(message, "bad");
      draw();
    }

    /** Somebody else set this cell: show both and let the person choose. */
    differ(answer) {
      this.box.classList.add("is-conflict");
      const line = document.createElement("div");
      line.className = "grid-conflict";
      const words = document.createElement("p");
      words.textContent = `${this.name}: ${text.textConflict.replace("{theirs}", answer.level).replace("{mine}", this.input.value)}`;
      const settle = (mine) => {
        this.stored = String(answer.level);
        this.version = String(answer.version);
        this.shown.value = `${this.stored}@${this.version}`;
        this.conflict = null;
        this.confirming = mine;
        this.box.classList.remove("is-conflict", "is-unsaved");
        line.remove();
        if (!mine) this.input.value = this.stored;
        this.tidy();
        this.input.focus();
        this.save();
      };
      line.append(words, button(text.textMine, () => settle(true)), button(text.textTheirs, () => settle(false)));
      this.conflict = line;
      conflicts.append(line);
      draw();
      window.skillmap.announce(words.textContent);
    }
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

  function all() {
    return [...cells.values()];
  }

  /** The one place that says how many defaults are left and whether all is stored. */
  function draw(at) {
    savedAt = at || savedAt;
    const left = all().filter((cell) => cell.isDefault).length;
    count.textContent = left ? text.textLeft.replace("{n}", left).replace("{total}", text.total) : text.textNoneLeft;
    table.querySelectorAll("[data-left]").forEach((element) => {
      const own = all().filter((cell) => cell.isDefault && cell.input.getAttribute("aria-labelledby").endsWith(` job-${element.dataset.left}`));
      element.textContent = own.length;
    });
    const open = all().filter((cell) => cell.isDirty);
    const undecided = open.filter((cell) => cell.conflict).length;
    const waiting = open.filter((cell) => cell.failures > 0 && !cell.conflict).length;
    const unreadable = open.some((cell) => !cell.isValid);
    state.classList.toggle("is-waiting", unreadable || undecided + waiting > 0);
    if (unreadable) state.textContent = text.textRange;
    else if (undecided) state.textContent = text.textUndecided.replace("{n}", undecided);
    else if (waiting) state.textContent = text.textWaiting.replace("{n}", waiting);
    else if (open.some((cell) => cell.sending)) state.textContent = text.textSaving;
    else if (open.length === 0) state.textContent = savedAt ? text.textSaved.replace("{time}", clock(savedAt)) : "";
    confirmButton.disabled = !current?.isDefault;
  }

  table.querySelectorAll("[data-cell]").forEach((box) => cells.set(box.dataset.cell, new Cell(box)));
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("[data-cell]")].map((box) => cells.get(box.dataset.cell)));
  const cellOf = (element) => cells.get(element.closest?.("[data-cell]")?.dataset.cell);

  function go(cell, down, right) {
    const y = rows.findIndex((row) => row.includes(cell));
    const next = rows[y + down]?.[rows[y].indexOf(cell) + right];
    next?.input.focus();
    return Boolean(next);
  }

  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  table.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      event.preventDefault();
      go(cell, ...moves[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (cell.input.value === cell.stored) cell.confirm();
      if (!go(cell, 1, 0)) cell.save();
    } else if (event.key === "Escape") {
      event.preventDefault();
      cell.restore();
      cell.input.select();
    }
  });
  table.addEventListener("focusin", (event) => {
    const cell = cellOf(event.target);
    if (!cell) return;
    current = cell;
    cell.input.select();
    draw();
  });
  table.addEventListener("input", (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.isComposing) return;
    cell.tidy();
    cell.input.select();
    draw();
    if (!cell.isValid) window.skillmap.announce(`${cell.name}: ${text.textRange}`);
  });
  table.addEventListener("focusout", (event) => {
    const cell = cellOf(event.target);
    if (!cell) return;
    cell.tidy();
    cell.save();
  });
  table.addEventListener("click", (event) => {
    const one = event.target.closest("[data-confirm]");
    if (!one) return;
    event.preventDefault();
    cells.get(one.dataset.confirm).confirm();
  });
  confirmButton.addEventListener("click", () => {
    current?.confirm();
    current?.input.focus();
  });

  // A column's button sends the whole grid; what is on the way must not warn of itself.
  form.addEventListener("submit", () => { leaving = true; });
  window.addEventListener("online", () => all().forEach((cell) => cell.isDirty && cell.save()));
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && all().some((cell) => cell.isDirty)) event.preventDefault();
  });

  // A grid that came back from the server with the person's own entries in it waits for a decision by the button.
  if (all().some((cell) => cell.isDirty)) document.querySelectorAll("[data-without-js]").forEach((element) => { element.hidden = false; });
  draw();
})();
