// The tools above the history: search, filters, order, and what is done with the results that are chosen or shown.
import { element } from "./dom.js";
import { download, entriesAsCsv, entriesAsJson } from "./export.js";
import { number, text } from "./language.js";
import { VerdictFilters } from "./verdictFilters.js";
import { suspicion } from "./worklist.js";

// Lasts from visit to visit of the view, so that the way back from a result leads to the same place.
const wanted = { query: "", verdicts: new Set(), sort: "newest" };

export class HistoryTools {
  /** `look()` is called when other results are to be shown, `sort()` for another order; the rest when a button is pressed. */
  constructor({ look, sort, chooseAll, chosen, remove }) {
    this.look = look;
    this.search = this.#searchField();
    this.filters = new VerdictFilters(wanted.verdicts, () => this.look());
    const orders = ["newest", "suspicion"].map((name) => element("option", { value: name, selected: name === wanted.sort, "data-text": `worklist.sort.${name}` }));
    const order = element("select", { id: "sort" }, orders);
    order.addEventListener("change", () => {
      wanted.sort = order.value;
      sort();
    });
    this.count = element("p", { class: "history-count", id: "history-count", role: "status" });
    this.selectAll = quietButton("", chooseAll);
    this.saving = [
      quietButton("", () => save(entriesAsJson(chosen()), "json"), { "data-text": "history.json" }),
      quietButton("", () => save(entriesAsCsv(chosen()), "csv"), { "data-text": "history.csv" }),
    ];
    this.delete = quietButton("", remove, { id: "delete" });
    const sortBy = element("label", { class: "sort-by" }, element("span", { "data-text": "worklist.sort.label" }), order);
    this.node = element(
      "div",
      { class: "history-tools" },
      element("div", { class: "history-find" }, this.search, this.filters.node),
      element("div", { class: "history-acts" }, this.count, element("div", { class: "links" }, sortBy, this.selectAll, this.saving, this.delete)),
    );
  }

  /** Whether the results are in the order of their days. */
  get byDay() {
    return wanted.sort === "newest";
  }

  /** All entries, which come newest first, in the order that is wanted. */
  sorted(entries) {
    if (this.byDay) return entries;
    return [...entries].sort((one, other) => suspicion(other) - suspicion(one));
  }

  /** The entries that search and filters leave, in order. */
  shown(entries) {
    return this.sorted(entries).filter((entry) => fits(entry) && this.filters.fits(entry));
  }

  /** Search for nothing and filter nothing. */
  clear() {
    this.search.value = wanted.query = "";
    wanted.verdicts.clear();
    this.look();
    this.search.focus();
  }

  /** Set texts and counts in the current language; `chosen` are the ids of the entries that are selected. */
  render(entries, shown, chosen) {
    this.search.placeholder = text("history.search");
    this.filters.render(entries.filter(fits));
    const found = shown.length === entries.length ? text("history.count", { count: entries.length }) : text("history.countOf", { count: entries.length, shown: number(shown.length) });
    this.count.textContent = chosen.size ? text("history.selected", { count: chosen.size }) : found;
    const every = shown.length > 0 && shown.every(({ id }) => chosen.has(id));
    this.selectAll.textContent = text(every ? "history.selectNone" : "history.selectAll");
    this.selectAll.disabled = !shown.length;
    for (const button of this.saving) button.disabled = !chosen.size && !shown.length;
    this.delete.textContent = chosen.size ? text("history.deleteSelected", { count: chosen.size }) : text("history.deleteAll");
  }

  #searchField() {
    const attributes = { type: "search", id: "search", "data-label": "history.search", autocomplete: "off", spellcheck: "false", dir: "auto" };
    const field = element("input", attributes);
    field.value = wanted.query;
    field.addEventListener("input", () => {
      wanted.query = field.value;
      this.look();
    });
    return field;
  }
}

/** A button of the history. */
export function quietButton(words, press, attributes = {}) {
  return element("button", { type: "button", class: "quiet", ...attributes, onclick: () => press() }, words);
}

function fits({ name, hash }) {
  const query = plain(wanted.query.trim());
  return plain(name || text("unnamed")).includes(query) || Boolean(hash?.startsWith(query));
}

// Compared regardless of case and of how accents are written.
function plain(words) {
  return words.normalize("NFC").toLowerCase();
}

function save(content, ending) {
  download(content, `veraface-history-${new Date().toISOString().slice(0, 10)}.${ending}`);
}
