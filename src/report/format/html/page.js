// What makes a page that is complete without a script more convenient: tabs, tables that sort, and tooltips that follow
// pointer and keyboard. Texts are only ever written as texts.
(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const element = (name, attributes, text = "") => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };

  // The element that the fragment of the address names.
  const target = () => {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null;
    }
  };

  const tabs = () => {
    const nav = document.querySelector(".tabs");
    const panels = all("main > .tab");
    if (!nav || panels.length < 2) return;
    const list = element("div", { role: "tablist", "aria-label": nav.getAttribute("aria-label") });
    const buttons = panels.map((panel) => {
      const id = `${panel.id}-button`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", id);
      const attributes = { id, type: "button", role: "tab", "aria-controls": panel.id };
      return element("button", attributes, panel.querySelector(".tab-title").textContent);
    });
    const show = (chosen) =>
      panels.forEach((panel, at) => {
        // A browser that knows the value finds text in tabs that are not shown, too.
        if (at === chosen) panel.removeAttribute("hidden");
        else panel.setAttribute("hidden", "until-found");
        buttons[at].setAttribute("aria-selected", String(at === chosen));
        buttons[at].tabIndex = at === chosen ? 0 : -1;
      });
    const choose = (chosen) => {
      show(chosen);
      try {
        history.replaceState(null, "", `#${panels[chosen].id}`);
      } catch {
        // A page inside another may have no address of its own.
      }
    };
    const follow = () => {
      const named = target();
      const at = panels.findIndex((panel) => panel.contains(named));
      if (at < 0) return;
      show(at);
      (named === panels[at] ? nav : named).scrollIntoView();
    };
    buttons.forEach((button, at) => {
      button.addEventListener("click", () => choose(at));
      panels[at].addEventListener("beforematch", () => choose(at));
    });
    list.addEventListener("keydown", (event) => {
      const at = buttons.indexOf(document.activeElement);
      const last = buttons.length - 1;
      const next = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
      if (at < 0 || next === undefined) return;
      event.preventDefault();
      choose(next);
      buttons[next].focus();
    });
    list.append(...buttons);
    nav.replaceChildren(list);
    show(0);
    follow();
    addEventListener("hashchange", follow);
  };

  // A cell as what it is sorted by: a number, a text, or null where there is no value.
  const key = (cell) => {
    const value = cell.dataset.value;
    if (value === undefined) return cell.textContent;
    return value === "" ? null : Number(value);
  };
  const { compare } = new Intl.Collator("en", { numeric: true });
  // What has no value is last in both directions, texts are after numbers.
  const rank = (value) => (value === null ? 2 : typeof value === "string" ? 1 : 0);
  const order = (one, other, direction) => {
    const ranks = rank(one) - rank(other);
    if (ranks || one === null) return ranks;
    return direction * (typeof one === "string" ? compare(one, other) : one - other);
  };
  const sortable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      // Of numbers the largest is first, of texts and times the first. The third time restores the order of the page.
      const orders = ["ascending", "descending", "none"];
      if (heading.classList.contains("number")) orders.splice(0, 2, "descending", "ascending");
      const button = element("button", { type: "button" }, heading.textContent);
      button.addEventListener("click", () => {
        const next = orders[(orders.indexOf(heading.getAttribute("aria-sort")) + 1) % 3];
        headings.forEach((one) => one.setAttribute("aria-sort", one === heading ? next : "none"));
        const direction = { ascending: 1, descending: -1, none: 0 }[next];
        const keyed = rows.map((row) => [key(row.cells[column]), row]);
        if (direction) keyed.sort(([one], [other]) => order(one, other, direction));
        table.tBodies[0].append(...keyed.map(([, row]) => row));
      });
      heading.setAttribute("aria-sort", "none");
      heading.replaceChildren(button);
    });
  };

  const tooltips = () => {
    const box = element("div", { class: "tooltip", "aria-live": "polite" });
    document.body.append(box);
    const hide = () => {
      all(".shown").forEach((shown) => shown.classList.remove("shown"));
    };
    const show = (spot, x, y) => {
      hide();
      box.textContent = spot.dataset.text;
      const left = Math.max(8, Math.min(x - box.offsetWidth / 2, document.documentElement.clientWidth - box.offsetWidth - 8));
      const above = y - box.offsetHeight - 12;
      box.style.left = `${left + scrollX}px`;
      box.style.top = `${(above < 4 ? y + 20 : above) + scrollY}px`;
      [box, spot].forEach((shown) => shown.classList.add("shown"));
    };
    for (const picture of all(".chart svg")) {
      const spots = all(".spots rect", picture);
      if (!spots.length) continue;
      for (const spot of spots) {
        spot.dataset.text = spot.textContent;
        spot.replaceChildren();
      }
      let at = 0;
      const showAt = (next) => {
        at = Math.max(0, Math.min(next, spots.length - 1));
        const area = spots[at].getBoundingClientRect();
        show(spots[at], area.left + area.width / 2, area.top);
      };
      picture.setAttribute("tabindex", "0");
      picture.addEventListener("pointermove", (event) => {
        const spot = event.target.closest(".spots rect");
        if (spot) show(spot, event.clientX, event.clientY);
        else hide();
      });
      picture.addEventListener("pointerleave", hide);
      picture.addEventListener("blur", hide);
      picture.addEventListener("focus", () => picture.matches(":focus-visible") && showAt(at));
      picture.addEventListener("keydown", (event) => {
        const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: spots.length - 1 }[event.key];
        if (event.key === "Escape") hide();
        if (next === undefined) return;
        event.preventDefault();
        showAt(next);
      });
    }
  };

  tabs();
  all("table.sortable").forEach(sortable);
  tooltips();
})();
