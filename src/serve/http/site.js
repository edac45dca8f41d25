// What makes the pages of a process quicker to use; every page is complete without it.
(() => {
  "use strict";
  // Forms whose choices take effect at once.
  for (const form of document.querySelectorAll("form[data-at-once]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }

  // An open page follows the log: when there is a new state, the page is asked for again, and its content replaced where it differs.
  if (!document.body.dataset.live || !window.EventSource) return;
  let known = null;
  let asked = false;
  let again = false;
  let tag = null;
  const status = document.querySelector(".fresh");
  const isBusy = () => {
    const active = document.activeElement;
    return (active && active.matches("input, select, textarea")) || !window.getSelection().isCollapsed;
  };
  const ask = async () => {
    if (asked) { again = true; return; }
    asked = true;
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {} });
      if (answer.status === 200) {
        tag = answer.headers.get("etag");
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["header.head", "main"]) {
          const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
          if (!old || !fresh || old.innerHTML === fresh.innerHTML) continue;
          const open = [...old.querySelectorAll("details[open]")].map((one, n) => one.id || n);
          const tab = document.querySelector("[aria-selected=true]");
          old.replaceWith(fresh);
          for (const one of fresh.querySelectorAll("details[id]")) one.open = open.includes(one.id);
          document.dispatchEvent(new CustomEvent("casebook:replaced", { detail: tab && tab.id }));
          if (status) { status.hidden = false; status.textContent = "New events: the page was brought up to date."; }
        }
      }
    } finally {
      asked = false;
      if (again) { again = false; ask(); }
    }
  };
  const source = new EventSource("/live");
  source.addEventListener("state", (event) => {
    const isNew = known !== null && known !== event.data;
    known = event.data;
    if (!isNew || document.hidden) { again = isNew || again; return; }
    if (isBusy()) {
      if (status) { status.hidden = false; status.textContent = "There are new events. Reload the page to see them."; }
      return;
    }
    ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && again) { again = false; ask(); }
  });
})();
