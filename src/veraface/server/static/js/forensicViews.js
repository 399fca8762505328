// Forensic views (error levels, noise, JPEG grid) over an analyzed image, each with an explanation; folded, for experts.
import { fetchForensicViews } from "./api.js";
import { element } from "./dom.js";
import { knownCode } from "./fault.js";
import { text } from "./language.js";

const NONE = "none";
const WORDS = {
  none: ["evidence.none.name", "evidence.none.reading", "evidence.none.misleading"],
  error_levels: ["evidence.errorLevels.name", "evidence.errorLevels.reading", "evidence.errorLevels.misleading"],
  noise: ["evidence.noise.name", "evidence.noise.reading", "evidence.noise.misleading"],
  grid: ["evidence.grid.name", "evidence.grid.reading", "evidence.grid.misleading"],
};

const outcomes = new WeakMap(); // the outcome of each check, as long as the page is open

export class ForensicViews {
  /** Fill `container` with the choice of view for the image of a check in a viewer. */
  constructor(container, viewer, check) {
    this.viewer = viewer;
    this.check = check;
    this.chosen = NONE;
    this.summary = element("summary");
    this.body = element("div", { class: "experts-body" });
    container.replaceChildren(element("details", { class: "experts" }, this.summary, this.body));
    if (this.#canAsk()) this.#buildChoice();
    viewer.onHeatmap = () => this.chosen !== NONE && this.#choose(NONE);
    this.render();
  }

  /** Set all texts in the current language. */
  render() {
    this.summary.textContent = text("evidence.experts");
    if (!this.#canAsk()) {
      this.body.replaceChildren(element("p", { class: "hint" }, text("evidence.notKept")));
      return;
    }
    this.legend.textContent = text("evidence.label");
    for (const label of this.options) label.lastChild.textContent = text(WORDS[label.firstChild.value][0]);
    // All in one place, so that it is as high as the longest and nothing moves when another is chosen.
    this.words.replaceChildren(...Object.entries(WORDS).map(([name, [, ...paths]]) => wordsOf(name, paths)));
    this.#show();
  }

  close() {
    this.controller?.abort();
  }

  #canAsk() {
    return Boolean(this.check.file || this.check.link);
  }

  #buildChoice() {
    this.legend = element("legend", { class: "unseen" });
    this.options = Object.keys(WORDS).map((name) => {
      const input = element("input", { type: "radio", name: "view", value: name, checked: name === NONE });
      input.addEventListener("change", () => this.#choose(name));
      return element("label", {}, input, element("span", {}));
    });
    this.words = element("div", { class: "view-words" });
    this.status = element("div", { class: "view-status", role: "status" });
    this.body.append(element("fieldset", { class: "views" }, this.legend, element("div", {}, this.options)), this.words, this.status);
  }

  #choose(name) {
    this.chosen = name;
    for (const label of this.options) label.firstChild.checked = label.firstChild.value === name;
    if (name !== NONE) this.viewer.heatmapOn.checked = false; // one overlay at a time
    this.#show();
    const waiting = this.controller && !this.controller.signal.aborted;
    if (name !== NONE && outcomes.get(this.check)?.kind !== "views" && !waiting) this.#ask();
  }

  async #ask() {
    outcomes.delete(this.check);
    this.controller = new AbortController();
    this.#show();
    const outcome = await fetchForensicViews(this.check, this.controller.signal);
    this.controller = null;
    if (!outcome) return; // the page has gone on
    outcomes.set(this.check, outcome);
    this.#show();
  }

  #show() {
    const outcome = outcomes.get(this.check);
    const view = outcome?.kind === "views" ? outcome.answer.views.find(({ name }) => name === this.chosen) : null;
    this.viewer.cover(view ? { url: `data:${view.media_type};base64,${view.data}`, alt: text(WORDS[this.chosen][0]) } : null);
    for (const words of this.words.children) words.classList.toggle("chosen", words.dataset.view === this.chosen);
    this.status.replaceChildren(...(view || this.chosen === NONE ? [] : this.#missing(outcome)));
  }

  #missing(outcome) {
    if (!outcome) return [element("p", {}, text("evidence.loading"))];
    const again = element("button", { type: "button", class: "quiet" }, text("again"));
    again.addEventListener("click", () => this.#again());
    const code = knownCode(outcome.code);
    return [labeled(`faults.${code}.name`, `faults.${code}.detail`), again];
  }

  // The button goes while it has the focus: the choice that it belongs to takes it.
  #again() {
    this.options.find((label) => label.firstChild.checked).firstChild.focus();
    this.#ask();
  }
}

function wordsOf(name, [reading, misleading]) {
  return element("div", { "data-view": name }, labeled("evidence.reading", reading), labeled("evidence.misleading", misleading));
}

function labeled(heading, sentence) {
  return element("p", {}, element("strong", {}, text(heading)), " ", text(sentence));
}
