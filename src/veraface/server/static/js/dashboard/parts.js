// What every part of the dashboard is built from: a card, a figure with its table, a table.
import { element } from "../dom.js";
import { text } from "../language.js";

// The keyboard stops at a table only where there is something to move.
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const wider = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
    if (wider) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

/** A section with a heading; `id` is its place in the address, "#roc". */
export function part(id, heading, ...children) {
  return element(
    "section",
    { class: "part", id, "aria-labelledby": `${id}-heading` },
    element("h2", { id: `${id}-heading`, tabindex: "-1" }, heading),
    children,
  );
}

/** Where a card of a model lacks what would be shown here. */
export function lacking(words) {
  return element("p", { class: "lacking" }, words);
}

/** A plot, in words what it shows, and the same as a table. */
export function plotFigure(plot, caption, table) {
  return element("figure", { class: "plot-figure" }, element("figcaption", {}, caption), plot, asTable(table));
}

export function asTable(table) {
  return element("details", { class: "as-table" }, element("summary", {}, text("dashboard.asTable")), table);
}

/**
 * columns: names, or { name, note } with a note under it. rows: cells, the first of which heads its row. A cell is
 * text or a node. Wider than the screen it is moved sideways by itself, by keyboard too.
 */
export function table(label, columns, rows) {
  const head = columns.map((column) => {
    const { name, note, ...attributes } = typeof column === "string" ? { name: column } : column;
    return element("th", { scope: "col", ...attributes }, name, note ? element("small", {}, note) : null);
  });
  const body = rows.map(([first, ...rest]) =>
    element("tr", {}, element("th", { scope: "row" }, first), rest.map((cell) => element("td", {}, cell))),
  );
  const node = element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body));
  const box = element("div", { class: "sideways", role: "group", "aria-label": label }, node);
  widths.observe(box);
  return box;
}

/** A group of radio buttons that looks like one switch; `choices` are [value, words]. */
export function choice(name, label, choices, chosen, choose) {
  const options = choices.map(([value, words]) => {
    const input = element("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) });
    return element("label", {}, input, element("span", {}, words));
  });
  return element("fieldset", { class: "choice" }, element("legend", {}, label), element("div", {}, options));
}
