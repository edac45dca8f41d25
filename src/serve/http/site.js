// What makes the pages of a process quicker to use; every page is complete without it.
(() => {
  "use strict";
  // An open page follows the log: when there is a new state, the page is asked for again, and its content replaced where it differs.
  if (!document.body.dataset.live || !window.EventSource) return;
  const status = document.querySelector(".fresh");
  const state = (text) => {
    if (!status) return;
    status.hidden = false;
    status.textContent = text;
  };
  const isBusy = () => {
    const active = document.activeElement;
    return (active && active.matches("input, select, textarea")) || !window.getSelection().isCollapsed;
  };
  const focusable = (within) => [...within.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const details = (within) => [...within.querySelectorAll("details")];
  // What a reader has opened stays open, and the focus stays where it is.
  const replace = (old, fresh) => {
    const open = details(old).map((one) => one.open);
    const opened = details(fresh);
    if (opened.length === open.length) opened.forEach((one, at) => (one.open = open[at]));
    const at = focusable(old).indexOf(document.activeElement);
    old.replaceWith(fresh);
    document.dispatchEvent(new CustomEvent("casebook:replaced", { detail: fresh }));
    if (at >= 0) focusable(fresh)[at]?.focus({ preventScroll: true });
  };

  // What the server has sent, before the other script changes what is shown.
  const parts = ["header.head", "main"];
  const sent = new Map(parts.map((part) => [part, document.querySelector(part)?.innerHTML]));
  let known = document.body.dataset.live;
  let asked = false;
  let again = false;
  let tag = null;
  const ask = async () => {
    if (asked) {
      again = true;
      return;
    }
    asked = true;
    try {
      const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {} });
      if (answer.status !== 200 || answer.redirected) return;
      tag = answer.headers.get("etag");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
        if (!old || !fresh || sent.get(part) === fresh.innerHTML) continue;
        sent.set(part, fresh.innerHTML);
        replace(old, fresh);
        state("New events: the page was brought up to date.");
      }
    } catch {
      // The process is not reached; the next state comes when it is.
    } finally {
      asked = false;
      if (again) {
        again = false;
        ask();
      }
    }
  };
  // A page that is not shown has no connection, because a browser has only a few of them for all pages of a site.
  let source = null;
  const leave = () => {
    source?.close();
    source = null;
  };
  const follow = () => {
    if (source || document.hidden) return;
    source = new EventSource("/live");
    source.addEventListener("state", ({ data }) => {
      const isNew = known !== data;
      known = data;
      if (!isNew) return;
      if (isBusy()) state("There are new events. Reload the page to see them.");
      else ask();
    });
  };
  addEventListener("pagehide", leave);
  addEventListener("pageshow", follow);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
  follow();
})();
