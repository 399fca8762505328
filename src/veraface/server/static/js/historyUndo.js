// The bar that reports a deletion and can undo it for some seconds.
import { byId, element } from "./dom.js";
import { nameOf } from "./format.js";
import { enclosed } from "./historyCard.js";
import { text } from "./language.js";

const LASTS = 10_000; // ms

export class UndoBar {
  /** `bringBack(entries)` is called when the person wants them again. */
  constructor(bringBack) {
    this.bringBack = bringBack;
    this.words = element("span", { dir: "auto" });
    const undo = element("button", { type: "button", class: "quiet", "data-text": "history.undo" });
    undo.addEventListener("click", () => this.undo());
    this.node = element("div", { class: "past-undo", id: "undo", hidden: true }, this.words, undo);
  }

  /** Shows it for entries that are gone. */
  offer(entries) {
    this.entries = entries;
    this.node.hidden = false;
    this.render();
    this.#endLater();
  }

  undo() {
    const { entries } = this;
    this.end();
    if (entries) this.bringBack(entries);
  }

  render() {
    if (!this.entries) return;
    const count = this.entries.length;
    const one = () => text("history.deletedOne", { name: enclosed(nameOf(this.entries[0])) });
    this.words.textContent = count === 1 ? one() : text("history.deleted", { count });
    byId("live").textContent = this.words.textContent;
  }

  end() {
    clearTimeout(this.timer);
    this.entries = null;
    this.node.hidden = true;
  }

  #endLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // Not while the person is about to press it.
      if (this.node.matches(":hover, :focus-within")) this.#endLater();
      else this.end();
    }, LASTS);
  }
}
