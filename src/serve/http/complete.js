// Completes the names of tables, columns and functions in the editor of SQL. The names are those that the page lists; without this script
// they are read there. While names are offered, arrows choose one, Enter takes it and Escape closes the list; Tab always leaves the field.
(() => {
  "use strict";
  const field = document.querySelector("form.editor textarea");
  if (!field) return;
  const texts = (selector, within = document) => [...within.querySelectorAll(selector)].map((one) => one.textContent);
  const tables = new Map(
    [...document.querySelectorAll("[data-table]")].map((one) => [one.dataset.table, texts("li code", one)]),
  );
  const columns = [...new Set([...tables.values()].flat())];
  const functions = texts(".functions code");
  const words = ["SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "DISTINCT", "COUNT", "CASE", "BETWEEN", "DESC"];
  const most = 10;

  const list = document.createElement("ul");
  Object.assign(list, { id: "names", className: "names", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Names");
  field.after(list);
  for (const [name, value] of Object.entries({ "aria-autocomplete": "list", "aria-controls": "names", "aria-haspopup": "listbox" })) {
    field.setAttribute(name, value);
  }
  const help = document.getElementById("editor-help");
  if (help) help.textContent += " Names are offered while you type: arrows choose, Enter takes, Escape closes. Ctrl and Enter ask.";

  let from = 0;
  let at = -1;
  const close = () => {
    list.hidden = true;
    at = -1;
    field.removeAttribute("aria-activedescendant");
  };
  // What can stand before the caret: after `TABLE.` a column of that table or of the table with that alias, else any name.
  const offered = () => {
    const before = field.value.slice(0, field.selectionStart);
    const [, owner, typed] = /(?:(\w+)\.)?(\w*)$/.exec(before);
    from = before.length - typed.length;
    if (!owner && !typed) return [];
    const starts = (name) => name.toLowerCase().startsWith(typed.toLowerCase()) && name.toLowerCase() !== typed.toLowerCase();
    if (owner) {
      const named = new RegExp(`\\b(\\w+)\\s+(?:AS\\s+)?${owner}\\b`, "i").exec(field.value);
      const own = tables.get(owner) ?? (named && tables.get(named[1])) ?? [];
      return own.filter(starts).map((name) => [name, "column"]);
    }
    const kinds = [[[...tables.keys()], "table"], [columns, "column"], [functions, "function"], [words, "word"]];
    return kinds.flatMap(([names, kind]) => names.filter(starts).map((name) => [name, kind]));
  };
  const show = () => {
    const names = offered().slice(0, most);
    if (!names.length) return close();
    list.replaceChildren(
      ...names.map(([name, kind], n) => {
        const option = document.createElement("li");
        option.id = `name-${n}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.name = name;
        option.append(name, " ");
        const small = document.createElement("span");
        small.textContent = kind;
        option.append(small);
        // Before the field loses the focus.
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(name);
        });
        return option;
      }),
    );
    at = -1;
    list.hidden = false;
    field.removeAttribute("aria-activedescendant");
  };
  const take = (name) => {
    field.setRangeText(name, from, field.selectionStart, "end");
    close();
  };
  const choose = (next) => {
    const options = [...list.children];
    at = (next + options.length) % options.length;
    options.forEach((option, n) => option.setAttribute("aria-selected", String(n === at)));
    options[at].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", options[at].id);
  };
  field.addEventListener("input", show);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      field.form.requestSubmit();
      return;
    }
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      show();
      return;
    }
    if (list.hidden) return;
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at < 0 ? -1 : at - 1);
    else if (event.key === "Enter" && at >= 0) take(list.children[at].dataset.name);
    else return;
    event.preventDefault();
  });
})();
