/* Says in words what went wrong with a passkey; allauth's own scripts only write to the console. */
(() => {
  "use strict";
  const text = document.currentScript.dataset.text;
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    window.skillmap?.tell(text, "warn");
  });
})();
