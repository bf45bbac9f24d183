/* Saves each answer of the self-check by itself. What could not be sent stays on the page, is tried again, and closing the
   page is warned of; nothing is kept in browser storage. Without this file the page works with its save button. */
(() => {
  "use strict";

  const root = document.getElementById("check");
  if (!root) return;
  const text = root.dataset;
  const state = document.getElementById("check-state");
  const count = document.getElementById("check-count");
  const progress = document.querySelector(".action-bar progress");
  const token = document.querySelector("#check-form input[name=csrfmiddlewaretoken]").value;
  const total = Number(text.items);
  const waits = [1000, 2000, 5000, 10000, 20000, 30000];
  const items = new Map();
  let show = "all";
  let byPointer = false;

  document.querySelectorAll("[data-without-js]").forEach((element) => element.remove());

  class Item {
    constructor(field) {
      this.field = field;
      this.code = field.dataset.item;
      this.version = Number(field.dataset.version);
      this.stored = field.dataset.level;
      this.last = field.dataset.last;
      this.target = Number(field.dataset.target);
      this.line = field.querySelector("[data-state]");
      this.wishBox = field.querySelector("[data-wish]");
      this.storedWish = this.wishBox?.checked ?? false;
      this.sending = false;
      this.failures = 0;
      this.timer = 0;
      this.conflicted = field.classList.contains("is-conflict");
    }

    get chosen() {
      return this.field.querySelector("input[type=radio]:checked")?.value ?? "";
    }

    get dirty() {
      return this.chosen !== this.stored || (this.wishBox?.checked ?? false) !== this.storedWish;
    }

    choose(level) {
      const radio = this.field.querySelector(`input[type=radio][value="${level}"]`);
      if (radio) radio.checked = true;
      else this.field.querySelectorAll("input[type=radio]").forEach((one) => { one.checked = false; });
    }

    /** Send what differs from the stored values; one request at a time, the newest choice wins. */
    async save() {
      clearTimeout(this.timer);
      this.drawGap();
      if (this.sending || this.conflicted || !this.dirty) {
        drawBar();
        return;
      }
      const body = { version: this.version };
      const level = this.chosen;
      const wish = this.wishBox?.checked ?? false;
      if (level !== this.stored) body.level = level === "" ? null : Number(level);
      if (wish !== this.storedWish) body.wish = wish;
      this.sending = true;
      drawBar();
      let response = null;
      try {
        response = await fetch(this.field.dataset.url, {
          method: "POST",
          headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
          body: JSON.stringify(body),
          keepalive: true,
          redirect: "error",
        });
      } catch {
        this.sending = false;
        this.fail(text.textWaitingItem);
        return;
      }
      this.sending = false;
      if (response.ok) {
        this.taken(await response.json(), level, wish);
      } else if (response.status === 409) {
        this.conflict(await response.json());
      } else if (response.status === 401 || response.status === 403) {
        this.fail(text.textSignedOut, { href: text.urlSignIn });
      } else if (response.status === 422 || response.status === 400) {
        this.refused((await response.json()).message);
      } else {
        this.fail(text.textWaitingItem);
      }
    }

    taken(answer, level, wish) {
      this.failures = 0;
      this.version = answer.version;
      this.stored = level;
      this.storedWish = wish;
      const hidden = this.field.querySelector("input[type=hidden][name^=version-]");
      if (hidden) hidden.value = answer.version;
      this.say("");
      this.field.classList.remove("is-unsaved");
      saved();
      if (this.dirty) this.save();
    }

    fail(message, link) {
      this.failures += 1;
      this.field.classList.add("is-unsaved");
      this.say(message, link);
      this.timer = setTimeout(() => this.save(), waits[Math.min(this.failures, waits.length) - 1]);
      drawBar();
      if (this.failures === 1) window.skillmap.announce(message);
    }

    refused(message) {
      this.conflicted = true; // no further try by itself: the step is over or somebody else's turn
      this.field.classList.add("is-unsaved");
      this.say(message);
      drawBar();
      window.skillmap.announce(message);
    }

    conflict(now) {
      this.conflicted = true;
      const theirs = now.level === null ? "" : String(now.level);
      const words = (level) => (level === "" ? text.textUnanswered : `Lv.${level}`);
      this.field.classList.add("is-conflict");
      this.line.textContent = text.textConflict.replace("{mine}", words(this.chosen)).replace("{theirs}", words(theirs));
      const settle = (mine) => {
        this.version = now.version;
        this.stored = theirs;
        this.storedWish = now.wish;
        this.conflicted = false;
        this.field.classList.remove("is-conflict");
        if (!mine) {
          this.choose(theirs);
          if (this.wishBox) this.wishBox.checked = now.wish;
        }
        this.say("");
        this.field.querySelector("input[type=radio]:checked, input[type=radio]")?.focus();
        this.save();
      };
      this.line.append(
        button(text.textKeepMine, () => settle(true)),
        button(text.textTakeTheirs, () => settle(false)),
      );
      drawBar();
      window.skillmap.announce(this.line.textContent);
    }

    say(message, link) {
      this.line.textContent = message;
      if (!link) return;
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.target = "_blank";
      anchor.rel = "noopener";
      anchor.textContent = document.body.dataset.textSignIn;
      this.line.append(" ", anchor);
    }

    drawGap() {
      const gap = this.field.querySelector("[data-gap]");
      if (!gap) return;
      const held = this.chosen === "" ? Number(this.last || 0) : Number(this.chosen);
      const missing = Math.max(0, this.target - held);
      gap.textContent = missing ? text.textGap.replace("{n}", missing) : text.textMet;
      gap.className = missing ? "fact--gap" : "fact--met";
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

  function unsent() {
    return [...items.values()].filter((item) => item.dirty || item.sending);
  }

  function saved() {
    drawBar(new Date());
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
    const undecided = open.filter((item) => item.conflicted).length;
    const failing = open.filter((item) => item.failures > 0 && !item.conflicted).length;
    state.classList.toggle("is-waiting", failing + undecided > 0);
    if (undecided) state.textContent = text.textUndecided.replace("{n}", undecided);
    else if (failing) state.textContent = text.textWaiting.replace("{n}", failing);
    else if (open.some((item) => item.sending)) state.textContent = text.textSaving;
    else if (open.length) state.textContent = text.textPending;
    else if (at) state.textContent = text.textSaved.replace("{time}", clock(at));
  }

  function clock(at) {
    return at.toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Tokyo" });
  }

  function applyFilter() {
    let any = false;
    items.forEach((item) => {
      const keep = show === "all"
        || (show === "open" && item.chosen === "")
        || (show === "changed" && item.chosen !== "" && item.chosen !== item.last);
      item.field.hidden = !keep;
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
    if (item && !item.field.contains(event.relatedTarget)) item.save();
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
      cancel.closest("form").remove();
      const opener = document.querySelector(`#evidence-${cancel.dataset.cancelEvidence} .evidence__add`);
      if (opener) opener.focus();
      else document.querySelector(`#skill-${cancel.dataset.cancelEvidence} input`)?.focus();
    }
  });

  // 提出へ進む goes on only when everything is stored.
  document.querySelector("[data-next]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const target = event.currentTarget.dataset.next;
    await Promise.all(unsent().map((item) => item.save()));
    const left = unsent();
    if (!left.length) {
      window.location.assign(target);
      return;
    }
    left[0].field.scrollIntoView({ block: "center" });
    left[0].field.querySelector("input")?.focus();
    drawBar();
  });

  window.addEventListener("online", () => unsent().forEach((item) => item.save()));
  document.addEventListener("visibilitychange", () => unsent().forEach((item) => { if (!item.conflicted) item.save(); }));
  window.addEventListener("beforeunload", (event) => {
    if (unsent().length) event.preventDefault();
  });

  show = new URLSearchParams(window.location.search).get("show") || "all";
  drawBar();
  applyFilter();
  unsent().forEach((item) => item.save());
})();
