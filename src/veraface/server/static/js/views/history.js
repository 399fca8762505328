// What this browser remembers: search, filter, open again, export, delete, and the switch that ends it.
import { byId, element, icon, localPath } from "../dom.js";
import * as history from "../history.js";
import { cardOfEntry, dayText, showThumbnail, updateEntry, updateTime } from "../historyCard.js";
import { DeleteDialog } from "../historyDialog.js";
import { HistoryStats } from "../historyStats.js";
import { HistoryTools, quietButton } from "../historyTools.js";
import { UndoBar } from "../historyUndo.js";
import { addKeys } from "../keys.js";
import { text } from "../language.js";
import { ARROWS, moveFocus } from "../rovingTabindex.js";
import { loadStyle } from "../styles.js";

await loadStyle("history");

const SETTLE = 120; // ms: a batch changes the history many times in a row
const MINUTE = 60_000;
const FRAMES_TO_SETTLE = 4; // after which cards near the window have their own height
const NEAR = "400px"; // distance from the viewport at which images are loaded

// Lasts from visit to visit of the view, so that the way back from a result leads to the same place.
const place = { id: null, top: 0, back: false }; // of the first card in sight: its id, and px from the top of the window
addEventListener("popstate", () => (place.back = localPath() === "/history"));

/** Fills root with the history. */
export function open(root) {
  const view = new HistoryView(root);
  return { title: "history.title", render: () => view.render(), close: () => view.close() };
}

class HistoryView {
  constructor(root) {
    this.entries = null; // not read yet
    this.cards = new Map();
    this.days = new Map(); // heading of each day by what dayOf() returns
    this.chosen = new Set(); // ids
    this.closing = new AbortController();
    this.near = new IntersectionObserver((seen) => this.#showNear(seen), { rootMargin: NEAR });
    this.#build(root);
    const { signal } = this.closing;
    history.changes.addEventListener("change", () => this.#readSoon(), { signal });
    this.list.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.list.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.list.addEventListener("change", (event) => this.#choose(cardAt(event).dataset.id, event.target.checked), { signal });
    this.clock = setInterval(() => this.#shown().forEach((entry) => updateTime(this.cards.get(entry.id), entry)), MINUTE);
    this.removeKeys = addKeys({
      "/": { label: "history.keys.search", run: () => this.tools.search.focus() },
      z: { label: "history.keys.undo", run: () => this.undo.undo() },
      ArrowRight: { label: "keys.nextResult", run: ({ key }) => moveFocus(this.list, key) },
      ArrowLeft: { label: "keys.previousResult", run: ({ key }) => moveFocus(this.list, key) },
      // These, and arrows once a card has the focus, are for that card: #pressed() sees to them.
      x: { label: "history.keys.select", run: () => {} },
      Delete: { label: "history.keys.delete", run: () => {} },
    });
    this.returnTo = place.back ? { ...place } : null;
    place.back = false;
    this.#read();
  }

  render() {
    for (const entry of this.entries ?? []) updateEntry(this.cards.get(entry.id), entry);
    this.undo.render();
    this.stats.render();
    this.#renderState();
  }

  close() {
    const first = [...this.list.querySelectorAll(".past:not([hidden])")].find((card) => card.getBoundingClientRect().bottom > 0);
    place.id = first?.dataset.id ?? null;
    place.top = first?.getBoundingClientRect().top ?? 0;
    this.closing.abort();
    clearInterval(this.clock);
    clearTimeout(this.settling);
    this.undo.end();
    this.near.disconnect();
    this.stats.close();
    this.removeKeys();
    this.dialog.close();
    byId("live").textContent = "";
  }

  // ---- What there is

  #readSoon() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.#read(), SETTLE);
  }

  async #read() {
    const entries = await history.list();
    if (this.closing.signal.aborted) return;
    this.entries = entries;
    this.#layCards();
    this.#renderState();
    this.stats.render();
    if (this.returnTo) this.#scrollBack(this.returnTo);
    this.returnTo = null;
  }

  // Heights of cards are estimates until they are drawn, so one look at where the card has come to is not enough.
  async #scrollBack({ id, top }) {
    for (let frame = 0; frame < FRAMES_TO_SETTLE && this.cards.has(id) && !this.closing.signal.aborted; frame += 1) {
      scrollBy({ top: this.cards.get(id).getBoundingClientRect().top - top, behavior: "instant" });
      await new Promise((drawn) => requestAnimationFrame(drawn));
    }
  }

  // Cards that stay are not rebuilt: they keep focus, image and selection.
  #layCards() {
    const known = new Set(this.entries.map(({ id }) => id));
    for (const [id, card] of this.cards) if (!known.has(id)) this.#dropCard(id, card);
    let next = this.list.firstElementChild;
    const lay = (node) => {
      if (node === next) next = next.nextElementSibling;
      else this.list.insertBefore(node, next);
    };
    const days = new Map();
    let day;
    for (const entry of this.tools.sorted(this.entries)) {
      if (this.tools.byDay && dayOf(entry) !== day) {
        day = dayOf(entry);
        days.set(day, this.days.get(day) ?? element("li", { class: "day" }, element("h2")));
        lay(days.get(day));
      }
      lay(this.cards.get(entry.id) ?? this.#newCard(entry));
    }
    for (const [one, heading] of this.days) if (!days.has(one)) heading.remove();
    this.days = days;
  }

  #newCard(entry) {
    const card = cardOfEntry(entry);
    this.cards.set(entry.id, card);
    updateEntry(card, entry);
    this.near.observe(card);
    return card;
  }

  #dropCard(id, card) {
    this.near.unobserve(card);
    this.cards.delete(id);
    this.chosen.delete(id);
    card.remove();
  }

  #showNear(seen) {
    for (const { target, isIntersecting } of seen) {
      const entry = isIntersecting && this.entries.find(({ id }) => id === target.dataset.id);
      if (!entry) continue;
      showThumbnail(target, entry);
      this.near.unobserve(target);
    }
  }

  #shown() {
    return this.tools.shown(this.entries ?? []);
  }

  // ---- Texts

  #renderState() {
    const all = this.entries;
    const shown = this.#shown();
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, card] of this.cards) card.hidden = !ids.has(id);
    const shownDays = new Set(shown.map(dayOf));
    for (const [day, heading] of this.days) {
      heading.hidden = !shownDays.has(day);
      heading.firstChild.textContent = day === null ? text("history.undated") : dayText(day);
    }
    this.#renderChosen(shown);
    const state = this.#state(shown);
    document.body.dataset.state = state;
    this.root.dataset.state = state;
    this.tools.node.hidden = !all?.length;
    this.bones.hidden = all !== null;
    this.keep.checked = history.isOn() && state !== "unavailable";
    this.keep.disabled = state === "unavailable";
    this.full.hidden = !history.isFull();
    this.still.hidden = history.isOn() || !all?.length;
    this.stillWords.textContent = text("history.stillThere", { count: all?.length ?? 0 });
    this.#renderEmpty(state);
  }

  #state(shown) {
    if (this.entries === null) return "reading";
    if (!history.isAvailable()) return "unavailable";
    if (this.entries.length) return shown.length ? "list" : "noMatch";
    return history.isOn() ? "empty" : "off";
  }

  #renderEmpty(state) {
    const words = {
      empty: () => [text("history.empty.name"), text("history.empty.detail"), element("a", { class: "button primary", href: "/" }, text("history.toStart"))],
      off: () => [text("history.off.name"), text("history.off.detail"), quietButton(text("history.turnOn"), () => this.#switch(true), { class: "primary" })],
      noMatch: () => [text("history.noMatch.name"), text("history.noMatch.detail"), quietButton(text("history.showAll"), () => this.tools.clear())],
      unavailable: () => [text("history.unavailable.name"), text("history.unavailable.detail")],
    }[state]?.();
    this.nothing.hidden = !words;
    if (!words || this.nothing.dataset.shown === words[0]) return; // what stays keeps the focus
    const [name, detail, act] = words;
    this.nothing.dataset.shown = name;
    this.nothing.replaceChildren(element("h2", {}, name), element("p", {}, detail), ...(act ? [element("p", { class: "links" }, act)] : []));
  }

  #renderChosen(shown) {
    for (const [id, card] of this.cards) {
      card.querySelector("input").checked = this.chosen.has(id);
      card.classList.toggle("chosen", this.chosen.has(id));
    }
    this.tools.render(this.entries ?? [], shown, this.chosen);
    this.root.classList.toggle("choosing", this.chosen.size > 0);
  }

  // ---- What the person does

  #look() {
    // What is out of sight must not be deleted or exported with the rest.
    const ids = new Set(this.#shown().map(({ id }) => id));
    for (const id of this.chosen) if (!ids.has(id)) this.chosen.delete(id);
    this.#renderState();
  }

  #choose(id, wanted) {
    if (wanted) this.chosen.add(id);
    else this.chosen.delete(id);
    this.#renderChosen(this.#shown());
  }

  #chooseAll() {
    const ids = this.#shown().map(({ id }) => id);
    const every = ids.every((id) => this.chosen.has(id));
    this.chosen = new Set(every ? [] : ids);
    this.#renderChosen(this.#shown());
  }

  #chosenOrShown() {
    const shown = this.#shown();
    return this.chosen.size ? shown.filter(({ id }) => this.chosen.has(id)) : shown;
  }

  #clicked(event) {
    const card = cardAt(event);
    if (card && event.target.closest(".card-close")) this.#delete([this.#entry(card)]);
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = this.#entry(cardAt(event));
    const onLink = event.target.matches(".card-link");
    if (ARROWS.includes(event.key) && onLink) moveFocus(this.list, event.key);
    else if (event.key === "Delete" || (event.key === "Backspace" && onLink)) this.#delete([entry]);
    else if (event.key === "x") this.#choose(entry.id, !this.chosen.has(entry.id));
    else return;
    event.preventDefault();
  }

  #entry(card) {
    return this.entries.find(({ id }) => id === card.dataset.id);
  }

  // ---- Deleting

  async #delete(entries) {
    const ids = entries.map(({ id }) => id);
    const focusLost = ids.some((id) => this.cards.get(id).contains(document.activeElement));
    const next = this.#neighbor(ids);
    this.entries = this.entries.filter(({ id }) => !ids.includes(id));
    this.#layCards();
    this.#renderState();
    if (!this.entries.length || (focusLost && !next)) this.heading.focus();
    else if (focusLost) next.focus();
    this.undo.offer(entries);
    await history.forget(ids);
  }

  // The link of the card that comes after those, or else before.
  #neighbor(ids) {
    const shown = this.#shown();
    const last = shown.findLastIndex(({ id }) => ids.includes(id));
    const staying = (part) => part.filter(({ id }) => !ids.includes(id));
    const next = staying(shown.slice(last + 1))[0] ?? staying(shown.slice(0, last)).at(-1);
    return next && this.cards.get(next.id).querySelector(".card-link");
  }

  async #bringBack(entries) {
    await history.restore(entries);
    await this.#read();
    this.cards.get(entries[0].id)?.querySelector(".card-link").focus();
    byId("live").textContent = text("history.restored", { count: entries.length });
  }

  #deleteChosen() {
    if (this.chosen.size) this.#delete(this.#chosenOrShown());
    else this.dialog.ask(this.entries.length);
  }

  async #deleteAll() {
    this.chosen.clear();
    this.undo.end();
    await history.forgetAll();
    await this.#read();
    this.heading.focus();
    byId("live").textContent = text("history.allDeleted");
  }

  #switch(wanted) {
    history.setOn(wanted);
    this.#renderState();
    const count = this.entries?.length;
    if (wanted) this.keep.focus();
    else if (count) this.dialog.askSwitchedOff(count);
  }

  // ---- The elements

  #build(root) {
    this.heading = element("h1", { "data-text": "history.heading", tabindex: "-1" });
    this.keep = element("input", { type: "checkbox", id: "keep-history", role: "switch", "aria-describedby": "history-privacy" });
    this.keep.addEventListener("change", () => this.#switch(this.keep.checked));
    this.full = element("p", { class: "past-note", id: "history-full", role: "status", "data-text": "history.full" });
    this.stillWords = element("span");
    const deleteThem = quietButton("", () => this.dialog.ask(this.entries.length), { "data-text": "history.deleteThem" });
    this.still = element("div", { class: "past-note", id: "history-still" }, this.stillWords, deleteThem);
    this.tools = new HistoryTools({
      look: () => this.#look(),
      sort: () => {
        this.#layCards();
        this.#renderState();
      },
      chooseAll: () => this.#chooseAll(),
      chosen: () => this.#chosenOrShown(),
      remove: () => this.#deleteChosen(),
    });
    this.nothing = element("div", { class: "nothing past-nothing", role: "status" });
    this.bones = element("div", { class: "cards", "aria-hidden": "true" }, ...Array.from({ length: 8 }, () => element("div", { class: "bone past-bone" })));
    this.list = element("ul", { class: "cards", id: "past", "data-label": "history.list" });
    this.stats = new HistoryStats();
    this.undo = new UndoBar((entries) => this.#bringBack(entries));
    this.dialog = new DeleteDialog(() => this.#deleteAll());
    this.root = element(
      "section",
      { class: "history" },
      element("header", { class: "history-top" }, this.heading, element("label", { class: "switch" }, this.keep, element("span", { "data-text": "history.keep" }))),
      element("p", { class: "history-privacy", id: "history-privacy" }, icon("lock"), element("span", { "data-text": "history.privacy" })),
      this.full,
      this.still,
      this.tools.node,
      this.nothing,
      this.bones,
      this.list,
      this.stats.node,
      this.undo.node,
      this.dialog.node,
    );
    root.append(this.root);
  }
}

function cardAt({ target }) {
  return target.closest(".past");
}

/** The midnight at which the day of an entry began; null if its time is unknown. */
function dayOf({ time }) {
  return time ? new Date(time).setHours(0, 0, 0, 0) : null;
}
