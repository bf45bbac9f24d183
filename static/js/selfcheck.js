/* Each answer of the self-check is stored by itself (autosave.js); closing the page is warned of while something is on its way.
   Without this file the page works with its save button. */
(() => {
  "use strict";

  const root = document.getElementById("check");
  if (!root) return;
  const { Autosave, clock } = window.skillmap;
  const text = root.dataset;
  const state = document.getElementById("check-state");
  const count = document.getElementById("check-count");
  const progress = document.querySelector(".action-bar progress");
  const total = Number(text.items);
  const items = new Map();
  let show = "all";
  let byPointer = false;

  document.querySelectorAll("[data-without-js]").forEach((element) => element.remove());

  class Item extends Autosave {
    constructor(field) {
      super(field, text);
      this.code = field.dataset.item;
      this.version = Number(field.dataset.version);
      this.stored = field.dataset.level;
      this.last = field.dataset.last;
      this.target = Number(field.dataset.target);
      this.line = field.querySelector("[data-state]");
      this.wishBox = field.querySelector("[data-wish]");
      this.storedWish = this.wish;
    }

    get chosen() {
      return this.root.querySelector("input[type=radio]:checked")?.value ?? "";
    }

    get wish() {
      return this.wishBox?.checked ?? false;
    }

    get dirty() {
      return this.chosen !== this.stored || this.wish !== this.storedWish;
    }

    choose(level) {
      const radio = this.root.querySelector(`input[type=radio][value="${level}"]`);
      if (radio) radio.checked = true;
      else this.root.querySelectorAll("input[type=radio]").forEach((one) => { one.checked = false; });
      this.drawGap();
    }

    draft() {
      const now = { level: this.chosen === "" ? null : Number(this.chosen), wish: this.wish };
      const body = { version: this.version };
      if (this.chosen !== this.stored) body.level = now.level;
      if (this.wish !== this.storedWish) body.wish = now.wish;
      return { body, now };
    }

    /** Where somebody answers for another person, a conflict does not tell what that person chose: it stays unknown. */
    remember(now) {
      this.version = now.version;
      this.stored = "level" in now ? words(now.level) : null;
      if ("wish" in now) this.storedWish = now.wish;
      const hidden = this.root.querySelector("input[type=hidden][name^=version-]");
      if (hidden) hidden.value = now.version;
    }

    show(now) {
      if (!("level" in now)) {
        this.stored = this.chosen; // given up: nothing to warn of
        window.location.reload();
        return;
      }
      this.choose(words(now.level));
      if (this.wishBox) this.wishBox.checked = now.wish;
    }

    ask(now, buttons) {
      const name = (level) => (level === "" ? text.textUnanswered : `Lv.${level}`);
      const sentence = "level" in now ? text.textConflict.replace("{theirs}", name(words(now.level))) : text.textConflictUnseen;
      this.line.textContent = sentence.replace("{mine}", name(this.chosen));
      window.skillmap.announce(this.line.textContent);
      this.line.append(...buttons);
    }

    say(message, link) {
      this.line.textContent = message;
      if (!link) return;
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.target = "_blank";
      anchor.rel = "noopener";
      anchor.textContent = link.text;
      this.line.append(" ", anchor);
    }

    focus() {
      this.root.querySelector("input[type=radio]:checked, input[type=radio]")?.focus();
    }

    sumUp(at) {
      drawBar(at);
    }

    drawGap() {
      const gap = this.root.querySelector("[data-gap]");
      if (!gap) return;
      const held = this.chosen === "" ? Number(this.last || 0) : Number(this.chosen);
      const missing = Math.max(0, this.target - held);
      gap.textContent = missing ? text.textGap.replace("{n}", missing) : text.textMet;
      gap.className = missing ? "fact--gap" : "fact--met";
    }
  }

  /** A level as the page's inputs and attributes write it; "" is not answered. */
  function words(level) {
    return level === null || level === undefined ? "" : String(level);
  }

  function unsent() {
    return [...items.values()].filter((item) => item.dirty || item.sending);
  }

  /** The one place that says how far the check is and whether all is stored. */
  function drawBar(at) {
    const answered = [...items.values()].filter((item) => item.chosen !== "").length;
    count.textContent = text.textCount.replace("{answered}", answered).replace("{items}", total);
    progress.value = answered;
    root.querySelectorAll("[data-group]").forEach((group) => {
      const own = [...group.querySelectorAll("[data-item]")].map((field) => items.get(field.dataset.item));
      const done = own.filter((item) => item.chosen !== "").length;
      const line = root.querySelector(`[data-group-line="${group.dataset.group}"]`);
      line.querySelector("[data-answered]").textContent = done;
      line.classList.toggle("is-complete", done === own.length);
    });
    const open = unsent();
    const undecided = open.filter((item) => item.stopped).length;
    const failing = open.filter((item) => item.failing).length;
    state.classList.toggle("is-waiting", failing + undecided > 0);
    if (undecided) state.textContent = text.textUndecided.replace("{n}", undecided);
    else if (failing) state.textContent = text.textWaiting.replace("{n}", failing);
    else if (open.some((item) => item.sending)) state.textContent = text.textSaving;
    else if (open.length) state.textContent = text.textPending;
    else if (at) state.textContent = text.textSaved.replace("{time}", clock(at));
  }

  function applyFilter() {
    let any = false;
    items.forEach((item) => {
      const keep = show === "all"
        || (show === "open" && item.chosen === "")
        || (show === "changed" && item.chosen !== "" && item.chosen !== item.last);
      item.root.hidden = !keep;
      any = any || keep;
    });
    root.querySelectorAll("[data-group]").forEach((group) => {
      group.hidden = !group.querySelector("[data-item]:not([hidden])");
    });
    root.querySelector("[data-nothing-shown]").hidden = any;
  }

  root.querySelectorAll("[data-item]").forEach((field) => items.set(field.dataset.item, new Item(field)));
  const itemOf = (element) => items.get(element.closest?.("[data-item]")?.dataset.item);

  // The pointer decides at once; the keyboard decides when the focus leaves the item, so that arrows save nothing on the way.
  root.addEventListener("pointerdown", () => { byPointer = true; });
  root.addEventListener("keydown", () => { byPointer = false; });
  root.addEventListener("change", (event) => {
    const item = itemOf(event.target);
    if (!item || !event.target.matches("input[type=radio], [data-wish]")) return;
    item.drawGap();
    if (byPointer || event.target.matches("[data-wish]")) item.save();
    else drawBar();
  });
  root.addEventListener("focusout", (event) => {
    const item = itemOf(event.target);
    if (item && !item.root.contains(event.relatedTarget)) item.save();
  });
  root.addEventListener("click", (event) => {
    const same = event.target.closest("[data-same]");
    if (same) {
      event.preventDefault();
      const item = itemOf(same);
      item.choose(item.last);
      item.save();
      return;
    }
    const filter = event.target.closest("[data-show]");
    if (filter) {
      event.preventDefault();
      show = filter.dataset.show;
      root.querySelectorAll("[data-show]").forEach((one) => {
        one.classList.toggle("is-current", one === filter);
        if (one === filter) one.setAttribute("aria-current", "true");
        else one.removeAttribute("aria-current");
      });
      history.replaceState(null, "", filter.href);
      applyFilter();
      return;
    }
    const cancel = event.target.closest("[data-cancel-evidence]");
    if (cancel) {
      event.preventDefault();
      leaveEvidence(cancel.closest("form"));
    }
  });

  /* ---------- the form of a piece of evidence ---------- */

  /** It goes, and the focus goes back to what opened it: the piece's own link, or the one that adds. */
  function leaveEvidence(form) {
    const place = form.closest(".evidence");
    const opener = [...place.querySelectorAll("a.evidence__act")].find((link) => link.href === form.action);
    form.remove();
    place.querySelectorAll("[data-evidence-again]").forEach((again) => { again.hidden = false; });
    (opener || place.querySelector(".evidence__add"))?.focus();
  }

  /** Something in it was written and not stored; what was refused was not stored either. */
  function isTouched(form) {
    if (form.querySelector(".error-summary")) return true;
    return [...form.elements].some((field) => {
      if (field instanceof HTMLSelectElement) {
        const before = [...field.options].findIndex((option) => option.defaultSelected);
        return field.selectedIndex !== Math.max(before, 0);
      }
      return "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;
    });
  }

  const unsavedEvidence = () => [...root.querySelectorAll(".evidence__form")].filter(isTouched);

  // Escape leaves a form as it was opened; what was written in it goes only by its own button.
  root.addEventListener("keydown", (event) => {
    const form = event.target.closest?.(".evidence__form");
    if (event.key !== "Escape" || event.isComposing || !form || isTouched(form)) return;
    event.preventDefault();
    leaveEvidence(form);
  });

  // 提出へ進む goes on only when everything is stored.
  document.querySelector("[data-next]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const target = event.currentTarget.dataset.next;
    await Promise.all(unsent().map((item) => item.save())); // each ends when its newest choice is stored, or could not be
    const left = unsent();
    if (!left.length) {
      window.location.assign(target); // beforeunload asks about evidence that is written and not saved
      return;
    }
    left[0].root.scrollIntoView({ block: "center" });
    left[0].root.querySelector("input")?.focus();
    drawBar();
  });

  window.addEventListener("beforeunload", (event) => {
    if (unsent().length || unsavedEvidence().length) event.preventDefault();
  });

  show = new URLSearchParams(window.location.search).get("show") || "all";
  drawBar();
  applyFilter();
  unsent().forEach((item) => item.save());
})();
