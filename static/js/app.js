/* What every page does beside its links and forms. Everything works without this file, less comfortably.
   Nothing is kept in browser storage. Words come from data attributes of <body>, so that they are translated. */
(() => {
  "use strict";

  const words = document.body.dataset;
  const announcer = document.getElementById("announcer");
  let announceTimer = 0;

  /** Say a sentence once to screen readers; the last one within a moment wins. */
  function announce(text) {
    if (!text || !announcer) return;
    clearTimeout(announceTimer);
    announcer.textContent = "";
    announceTimer = setTimeout(() => { announcer.textContent = text; }, 120);
  }

  /** Show a sentence in the message region (once, replacing the last one of its kind) and say it. */
  function tell(text, tone = "warn", link = null) {
    const region = document.getElementById("messages");
    if (!region) return;
    region.querySelectorAll("[data-told]").forEach((old) => old.remove());
    const box = document.createElement("div");
    box.className = `notice notice--${tone}`;
    box.dataset.told = "";
    const body = document.createElement("div");
    body.className = "notice__body";
    const line = document.createElement("p");
    line.textContent = text;
    body.append(line);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.text;
      anchor.target = "_blank";
      anchor.rel = "noopener";
      body.append(anchor);
    }
    box.append(document.createElement("span"), body);
    region.prepend(box);
    box.scrollIntoView({ block: "nearest" });
    announce(text);
  }

  /** Take the told sentence away again: the next try went well. */
  function untell() {
    document.querySelectorAll("#messages [data-told]").forEach((old) => old.remove());
  }

  /** Move the focus to an element that may not be focusable by itself. */
  function focusOn(element) {
    if (!element) return;
    if (!element.matches("a[href], button, input, select, textarea, summary, [tabindex]")) {
      element.setAttribute("tabindex", "-1");
    }
    element.focus();
  }

  window.skillmap = { announce, tell, untell, focusOn };

  /* ---------- menu on a phone: a link to #site-menu, made a button ---------- */

  function setUpMenu() {
    const link = document.getElementById("menu-button");
    const menu = document.getElementById("site-menu");
    if (!link || !menu) return;
    const button = document.createElement("button");
    button.type = "button";
    button.id = link.id;
    button.className = link.className;
    button.append(...link.childNodes);
    button.setAttribute("aria-controls", menu.id);
    link.replaceWith(button);
    const show = (open) => {
      menu.classList.toggle("is-open", open);
      button.setAttribute("aria-expanded", String(open));
    };
    show(window.location.hash === `#${menu.id}`);
    button.addEventListener("click", () => show(!menu.classList.contains("is-open")));
    document.addEventListener("keydown", (event) => {
      const at = document.activeElement;
      if (event.key !== "Escape" || !menu.classList.contains("is-open") || !(at === button || menu.contains(at))) return;
      show(false);
      button.focus();
    });
  }

  /* ---------- the account menu closes as a menu does ---------- */

  function setUpAccountMenu() {
    const account = document.querySelector("details.account");
    if (!account) return;
    document.addEventListener("click", (event) => {
      if (account.open && !account.contains(event.target)) account.open = false;
    });
    // Whoever tabs on leaves it behind: open, it would lie over what has the focus next.
    account.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !account.contains(event.relatedTarget)) account.open = false;
    });
    account.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !account.open) return;
      event.stopPropagation(); // on a phone it lies in the menu, which stays
      account.open = false;
      account.querySelector("summary").focus();
    });
  }

  /* ---------- small buttons, by delegation so that swapped parts have them too ---------- */

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;

    const opener = target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (dialog instanceof HTMLDialogElement) {
        event.preventDefault();
        dialog.showModal(); // the browser gives the focus back to the opener on close
      }
      return;
    }
    if (target.closest("[data-dialog-close]")) {
      event.preventDefault();
      target.closest("dialog")?.close();
      return;
    }
    if (target.closest("[data-print]")) {
      window.print();
      return;
    }
    const copier = target.closest("[data-copy]");
    if (copier) {
      const text = copier.dataset.copy || window.location.href;
      navigator.clipboard?.writeText(text).then(() => tell(words.textCopied, "good"), () => window.prompt("", text));
    }
  });

  // A form is sent once; a download leaves the page as it is, so the lock is lifted after a while.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post" || form.matches("[hx-post], [hx-put], [hx-patch]")) return;
    if (event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  });

  /* ---------- a list of sections shows where the reader is ---------- */

  function setUpSpy(root) {
    root.querySelectorAll("[data-spy]:not([data-spy-on])").forEach((list) => {
      list.dataset.spyOn = "";
      const links = new Map();
      list.querySelectorAll('a[href^="#"]').forEach((link) => {
        const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
        if (section) links.set(section, link);
      });
      if (!("IntersectionObserver" in window) || !links.size) return;
      const observer = new IntersectionObserver((entries) => {
        const entry = entries.find((one) => one.isIntersecting);
        if (!entry) return;
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target).setAttribute("aria-current", "true");
      }, { rootMargin: "-15% 0px -75% 0px" });
      links.forEach((_, section) => observer.observe(section));
    });
  }

  /* ---------- buttons that only JavaScript can carry out ---------- */

  function revealScripted(root) {
    root.querySelectorAll("[data-needs-js][hidden]").forEach((element) => { element.hidden = false; });
  }

  /* ---------- htmx ---------- */

  const lastFocus = new WeakMap();

  function regionOf(event) {
    return event.detail.target instanceof Element ? event.detail.target : null;
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    const region = regionOf(event);
    if (!region || region === document.body) return;
    if (!event.detail.elt?.hasAttribute("data-quiet")) region.setAttribute("aria-busy", "true");
    lastFocus.set(event.detail.xhr, region.contains(document.activeElement));
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    regionOf(event)?.removeAttribute("aria-busy");
    if (event.detail.successful) untell();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const region = event.detail.elt instanceof Element ? event.detail.elt : regionOf(event);
    if (!region) return;
    setUpSpy(region);
    revealScripted(region);
    const spoken = region.matches("[data-announce]") ? region : region.querySelector("[data-announce]");
    if (spoken) announce(spoken.dataset.announce);

    if (region.matches("[data-job-ended]") && region.closest("[data-job-reload]")) {
      window.location.reload();
      return;
    }
    const summary = region.querySelector(".error-summary");
    if (summary) {
      summary.focus();
      return;
    }
    // htmx gives the focus back to an element with the same id; where that is gone, go to the new part's heading.
    const lost = !document.activeElement || document.activeElement === document.body;
    if (lost && lastFocus.get(event.detail.xhr)) {
      const entry = "form[data-enter] :is(input:not([type=hidden]), select, textarea)"; // a form that was asked for
      focusOn(region.querySelector(entry) || region.querySelector("[autofocus], h1, h2, h3, legend, caption") || region);
    }
  });

  // The server may say a sentence with the header HX-Trigger: {"announce": "…"}.
  document.addEventListener("announce", (event) => announce(event.detail?.value));

  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (event.detail.xhr.getResponseHeader("HX-Redirect")) return; // htmx goes there by itself
    if (status === 401) {
      tell(words.textSignedOut, "warn", { href: words.urlSignIn, text: words.textSignIn });
    } else if (status === 403 || status === 404) {
      tell(words.textRefused, "bad");
    } else if (status === 429) {
      tell(words.textBusy, "warn");
    } else {
      tell(words.textFailed, "bad");
    }
  });

  document.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.elt?.hasAttribute("data-quiet")) tell(words.textOffline, "warn");
  });
  document.addEventListener("htmx:timeout", () => tell(words.textOffline, "warn"));

  /* ---------- start ---------- */

  setUpMenu();
  setUpAccountMenu();
  setUpSpy(document);
  revealScripted(document);
  document.querySelector(".error-summary")?.focus();
})();
