// What makes a page that is complete without a script more convenient: tabs, tables that sort, tooltips that follow pointer
// and keyboard, and bars, points and rows that lead to their cases. Texts are only ever written as texts.
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

  const tabs = (within) => {
    const nav = within.querySelector(".tabs");
    const panels = all(".tab", within);
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

  const box = element("div", { class: "tooltip", "aria-live": "polite" });
  document.body.append(box);
  const tooltips = (within) => {
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
    for (const picture of all(".chart svg", within)) {
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
      const choose = (spot) => spot.dispatchEvent(new Event("choose", { bubbles: true }));
      picture.addEventListener("click", (event) => {
        const spot = event.target.closest(".spots rect");
        if (spot) choose(spot);
      });
      picture.addEventListener("pointerleave", hide);
      picture.addEventListener("blur", hide);
      picture.addEventListener("focus", () => picture.matches(":focus-visible") && showAt(at));
      picture.addEventListener("keydown", (event) => {
        const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: spots.length - 1 }[event.key];
        if (event.key === "Escape") hide();
        if (event.key === "Enter") choose(spots[at]);
        if (next === undefined) return;
        event.preventDefault();
        showAt(next);
      });
    }
  };

  // The commands of a widget for a part of it.
  const narrowed = (commands, { range, filters, commands: own }) => {
    const lines = own.length ? own : commands;
    const added = filters.map((filter) => ` --where ${filter}`).join("");
    return lines.map((line) => {
      const within = range === null ? line : line.replace(/ --range \S+/, () => ` --range ${range}`);
      return within.replace(/ --cases$/, () => `${added} --cases`);
    });
  };
  // Where a number of the table leads to a page of its cases, a bar, a point or a cell leads there, too.
  const leads = (card, numbers, columns) => {
    const rows = [...numbers.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.querySelector("a[href]")));
    if (!rows.flat().some(Boolean)) return false;
    card.classList.add("leads");
    card.addEventListener("choose", (event) => {
      const at = [...event.target.parentNode.children].indexOf(event.target);
      const isCell = event.target.closest(".cells");
      const cells = isCell ? rows[Math.floor(at / columns.length)] : rows[at];
      const link = isCell ? cells?.[1 + (at % columns.length)] : cells?.[0];
      if (link) link.click();
    });
    return true;
  };
  // A bar, a point or a row shows those of the listed cases that are behind it, and the commands that list all of them.
  const cases = (card) => {
    const list = card.querySelector(".behind");
    if (!list) return;
    const [rows, columns] = [list.dataset.rows, list.dataset.columns].map((parts) => JSON.parse(parts ?? "[]"));
    const numbers = all("table", card).find((table) => !list.contains(table));
    const names = numbers ? [...numbers.tBodies[0].rows].map((row) => row.cells[0].textContent) : [];
    const headings = numbers ? [...numbers.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent) : [];
    if (numbers && leads(card, numbers, columns)) return;
    const [table, code] = [list.querySelector(".scroll"), list.querySelector("code")];
    if (!code) return;
    const commands = code.textContent.split("\n");
    const note = element("p", { class: "narrowed", tabindex: "-1" });
    const shows = (row, place) => Object.entries(place).every(([name, at]) => at === undefined || row.dataset[name] === String(at));
    const show = (place) => {
      const parts = [rows[place.row], columns[place.column]].filter(Boolean);
      const listed = all("tbody tr", table);
      listed.forEach((row) => (row.hidden = !shows(row, place)));
      const count = listed.filter((row) => !row.hidden).length;
      const name = [names[place.row], headings[place.column]].filter(Boolean).join(" · ");
      note.textContent = count ? `${name}: ${count} of the listed cases. ` : `${name}: none of the listed cases; the command lists all. `;
      const button = element("button", { type: "button" }, "Show all");
      button.addEventListener("click", () => {
        listed.forEach((row) => (row.hidden = false));
        table.hidden = false;
        code.textContent = commands.join("\n");
        note.remove();
        list.querySelector("summary").focus();
      });
      note.append(button);
      table.hidden = !count;
      code.textContent = parts.reduce(narrowed, commands).join("\n");
      list.querySelector("summary").after(note);
      list.open = true;
      note.focus();
      list.scrollIntoView({ block: "nearest" });
    };
    card.classList.add("leads");
    card.addEventListener("choose", (event) => {
      const spots = [...event.target.parentNode.children];
      const at = spots.indexOf(event.target);
      const isCell = event.target.closest(".cells");
      show(isCell ? { row: Math.floor(at / columns.length), column: at % columns.length } : { row: at });
    });
    // What has one part only is the whole list.
    if (rows.length < 2) return;
    const button = (within, name, place) => {
      const text = within.textContent;
      const label = text === name ? `${name}: cases` : `${text}, ${name}: cases`;
      const made = element("button", { type: "button", "aria-label": label }, text);
      made.addEventListener("click", () => show(place));
      within.replaceChildren(made);
    };
    [...(numbers?.tBodies[0].rows ?? [])].forEach((row, at) => {
      button(row.cells[0], names[at], { row: at });
      [...row.cells].slice(1).forEach((cell, column) => {
        cell.addEventListener("click", () => {
          if (getSelection().isCollapsed) show(columns.length ? { row: at, column } : { row: at });
        });
      });
    });
    all(".figure", card).forEach((figure, at) => button(figure.querySelector(".value"), names[at], { row: at }));
  };
  const openCase = (named) => {
    if (named?.matches("details.case")) named.open = true;
    return named;
  };
  const timelines = () => {
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#case-"]');
      if (link) openCase(document.getElementById(decodeURIComponent(link.hash.slice(1))));
    });
    const follow = () => target()?.matches("details.case") && openCase(target()).scrollIntoView();
    follow();
    addEventListener("hashchange", follow);
  };

  const prepare = (within) => {
    all("article", within).forEach(cases);
    tabs(within);
    all("table.sortable", within).forEach(sortable);
    tooltips(within);
  };
  prepare(document);
  timelines();
  // Where a page is served, parts of it are replaced when there are new figures.
  document.addEventListener("casebook:replaced", ({ detail }) => prepare(detail));
})();
