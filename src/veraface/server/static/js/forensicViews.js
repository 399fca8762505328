// Forensic views (error levels, noise, JPEG grid) over an analyzed image, each with an explanation.
import { fetchForensicViews } from "./api.js";
import { element } from "./dom.js";
import { knownCode } from "./fault.js";
import { text } from "./language.js";

const HEATMAP = "heatmap";
const WORDS = {
  heatmap: ["evidence.heatmap.name", "evidence.heatmap.reading", "evidence.heatmap.misleading"],
  error_levels: ["evidence.errorLevels.name", "evidence.errorLevels.reading", "evidence.errorLevels.misleading"],
  noise: ["evidence.noise.name", "evidence.noise.reading", "evidence.noise.misleading"],
  grid: ["evidence.grid.name", "evidence.grid.reading", "evidence.grid.misleading"],
};

const outcomes = new WeakMap(); // the outcome of each check, as long as the page is open

export class ForensicViews {
  /** Fill `container` with the choice of overlay for the image of a check in a viewer. */
  constructor(container, viewer, check) {
    this.viewer = viewer;
    this.check = check;
    this.chosen = HEATMAP;
    this.legend = element("legend", { class: "unseen" });
    this.options = Object.keys(WORDS).map((name) => {
      const input = element("input", { type: "radio", name: "view", value: name, checked: name === HEATMAP });
      input.addEventListener("change", () => this.#choose(name));
      return element("label", {}, input, element("span", {}));
    });
    this.words = element("div", { class: "view-words", "aria-live": "polite" });
    container.replaceChildren(element("fieldset", { class: "views" }, this.legend, element("div", {}, this.options)), this.words);
    this.render();
  }

  /** Set all texts in the current language. */
  render() {
    this.legend.textContent = text("evidence.label");
    for (const label of this.options) label.lastChild.textContent = text(WORDS[label.firstChild.value][0]);
    if (this.asked) this.#show(); // before anything was chosen, there is nothing to explain
  }

  close() {
    this.controller?.abort();
  }

  #choose(name) {
    this.chosen = name;
    this.asked = true;
    this.#show();
    const waiting = this.controller && !this.controller.signal.aborted;
    if (name !== HEATMAP && this.#canAsk() && outcomes.get(this.check)?.kind !== "views" && !waiting) this.#ask();
  }

  #canAsk() {
    return Boolean(this.check.file || this.check.link);
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
    const [name, reading, misleading] = WORDS[this.chosen];
    this.viewer.cover(view ? { url: `data:${view.media_type};base64,${view.data}`, alt: text(name) } : null);
    if (view || this.chosen === HEATMAP) {
      this.words.replaceChildren(labeled("evidence.reading", reading), labeled("evidence.misleading", misleading));
    } else if (!this.#canAsk()) {
      this.words.replaceChildren(element("p", {}, text("evidence.notKept")));
    } else if (outcome) {
      const again = element("button", { type: "button", class: "quiet" }, text("again"));
      again.addEventListener("click", () => this.#again());
      const code = knownCode(outcome.code);
      this.words.replaceChildren(labeled(`faults.${code}.name`, `faults.${code}.detail`), again);
    } else {
      this.words.replaceChildren(element("p", {}, text("evidence.loading")));
    }
  }

  // The button goes while it has the focus: the choice that it belongs to takes it.
  #again() {
    this.options.find((label) => label.firstChild.checked).firstChild.focus();
    this.#ask();
  }
}

function labeled(heading, sentence) {
  return element("p", {}, element("strong", {}, text(heading)), " ", text(sentence));
}
