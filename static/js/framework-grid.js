/* The grid of required levels: arrows move between the cells, each cell is stored by itself (autosave.js); closing the page is
   warned of while something is not stored. Without this file one button saves the whole grid. */
(() => {
  "use strict";

  const table = document.getElementById("grid");
  if (!table) return;
  const { Autosave, clock } = window.skillmap;
  const text = table.dataset;
  const form = document.getElementById("grid-form");
  const count = document.getElementById("grid-count");
  const state = document.getElementById("grid-state");
  const confirmButton = document.getElementById("grid-confirm");
  const conflicts = document.getElementById("grid-conflicts");
  const cells = new Map();
  let current = null;
  let leaving = false;
  let savedAt = null;

  document.querySelectorAll("[data-without-js]").forEach((element) => { element.hidden = true; });

  class Cell extends Autosave {
    constructor(box) {
      super(box, text);
      this.pk = box.dataset.cell;
      this.input = box.querySelector(".matrix__input");
      this.shown = box.querySelector("input[type=hidden]");
      this.words = document.getElementById(`state-${this.pk}`);
      const [level, version] = this.shown.value.split("@");
      this.stored = level;
      this.version = version;
      this.confirming = false;
      this.conflict = null;
    }

    get isDefault() {
      return this.root.classList.contains("is-default");
    }

    get isValid() {
      return /^[0-3]$/.test(this.input.value);
    }

    get dirty() {
      return this.input.value !== this.stored || this.confirming;
    }

    get name() {
      return this.input.getAttribute("aria-labelledby").split(" ")
        .map((id) => document.getElementById(id).textContent.trim()).join(" × ");
    }

    get sendable() {
      return this.dirty && this.isValid;
    }

    /** Full-width digits count; anything else is marked and not sent. */
    tidy() {
      const value = this.input.value.normalize("NFKC").trim();
      if (value !== this.input.value) this.input.value = value;
      if (this.isValid) this.input.removeAttribute("aria-invalid");
      else this.input.setAttribute("aria-invalid", "true");
      this.describe();
      this.paint();
    }

    /** What is wrong, or that the level is a default: in words that belong to the cell; what is wrong can be seen too. */
    describe() {
      const calm = this.isDefault ? text.textDefault : "";
      this.words.textContent = this.isValid ? calm : text.textRange;
      this.words.classList.toggle("visually-hidden", this.isValid);
      this.words.classList.toggle("matrix__error", !this.isValid);
    }

    paint() {
      const level = this.isValid ? this.input.value : this.stored;
      for (const step of "0123") this.root.classList.toggle(`matrix__cell--${step}`, step === level);
    }

    restore() {
      this.input.value = this.stored;
      this.tidy();
      this.sumUp();
    }

    confirm() {
      if (!this.isDefault || this.sending || this.stopped) return;
      this.confirming = true;
      this.save();
    }

    draft() {
      return { body: { version: Number(this.version), level: Number(this.input.value) }, now: {} };
    }

    remember(now) {
      this.stored = String(now.level);
      this.version = String(now.version);
      this.shown.value = `${this.stored}@${this.version}`;
      this.confirming = false;
      this.root.classList.toggle("is-default", now.is_default);
      this.describe();
      const button = table.querySelector(`[data-confirm="${this.pk}"]`);
      if (button && !now.is_default) button.disabled = true;
    }

    show(now) {
      this.input.value = String(now.level);
      this.tidy();
    }

    insist() {
      this.confirming = true;
    }

    ask(now, buttons) {
      const line = document.createElement("div");
      line.className = "grid-conflict";
      const words = document.createElement("p");
      words.textContent = `${this.name}: ${text.textConflict.replace("{theirs}", now.level).replace("{mine}", this.input.value)}`;
      line.append(words, ...buttons);
      this.conflict = line;
      conflicts.append(line);
      window.skillmap.announce(words.textContent);
    }

    /** A cell has no room for a sentence: the bar below sums up; what asks for an act stands above the page. */
    say(message, link) {
      this.conflict?.remove();
      this.conflict = null;
      if (link) window.skillmap.tell(message, "warn", link);
      else if (!message) window.skillmap.untell();
    }

    focus() {
      this.input.focus();
    }

    sumUp(at) {
      draw(at);
    }

    /** The rules say no, such as for a version that was published meanwhile: what is stored stands again. */
    refuse(message) {
      this.confirming = false;
      this.restore();
      window.skillmap.tell(message, "bad");
    }
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
    const open = all().filter((cell) => cell.dirty);
    const undecided = open.filter((cell) => cell.conflict).length;
    const waiting = open.filter((cell) => cell.failing).length;
    const unreadable = open.find((cell) => !cell.isValid);
    state.classList.toggle("is-waiting", Boolean(unreadable) || undecided + waiting > 0);
    if (unreadable) state.textContent = `${unreadable.name}: ${text.textRange}`; // where it is: it may be out of sight
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

  /** The ends of a row, as in a spreadsheet; with Ctrl those of the whole grid. */
  function goToEnd(cell, key, whole) {
    const at = key === "Home" ? 0 : -1;
    const row = whole ? rows.at(at) : rows.find((one) => one.includes(cell));
    const input = row.at(at)?.input;
    input?.focus({ preventScroll: true }); // that would put the cell into the middle, and the heads out of sight
    input?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  table.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.isComposing || event.metaKey || event.altKey) return;
    if (["Home", "End"].includes(event.key) && !event.shiftKey) {
      event.preventDefault();
      goToEnd(cell, event.key, event.ctrlKey);
    } else if (event.ctrlKey) {
      return;
    } else if (event.key in moves) {
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
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && all().some((cell) => cell.dirty)) event.preventDefault();
  });

  // A grid that came back from the server with the person's own entries in it waits for a decision by the button.
  if (all().some((cell) => cell.dirty)) document.querySelectorAll("[data-without-js]").forEach((element) => { element.hidden = false; });
  draw();
})();
