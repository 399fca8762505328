// Counts of the results in this browser, folded below the history; loaded when it is opened.
import { element } from "./dom.js";
import { text } from "./language.js";
import { loadStyle } from "./styles.js";

export class HistoryStats {
  constructor() {
    this.heading = element("summary", { "data-text": "dashboard.own.heading" });
    this.body = element("div", { class: "own", id: "own" });
    this.node = element("details", { class: "history-stats dashboard" }, this.heading, this.body);
    this.node.addEventListener("toggle", () => this.render());
  }

  /** Count anew, in the current language, if it is open. */
  async render() {
    this.heading.textContent = text("dashboard.own.heading");
    if (!this.node.open) return;
    const [{ fill }, { Plots }] = await Promise.all([import("./dashboard/localStats.js"), import("./dashboard/plots.js"), loadStyle("dashboard")]);
    this.plots ??= new Plots();
    await fill(this.body, this.plots);
  }

  close() {
    this.plots?.close();
  }
}
