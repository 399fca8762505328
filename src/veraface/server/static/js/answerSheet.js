// The answer on a phone once its card has left the screen: verdict and range at the bottom edge, and a button back to the
// card. It shows what the card shows, and hides it from screen readers: they have read the card.
import { element, icon } from "./dom.js";

export class AnswerSheet {
  /** Follow the answer's card in `panel`, which may be replaced at any time; `node` belongs after the panel. */
  constructor(panel) {
    this.card = null;
    this.badge = element("span", { class: "badge" });
    this.name = element("strong", { class: "sheet-name", "aria-hidden": "true" });
    this.range = element("span", { class: "range", "aria-hidden": "true" });
    const back = element("button", { type: "button", "data-text": "result.toVerdict", onclick: () => this.#back() });
    this.node = element("div", { class: "answer-sheet" }, this.badge, element("div", { class: "sheet-words" }, this.name, this.range, back));
    this.sight = new IntersectionObserver((seen) => this.#show(!seen.at(-1).isIntersecting));
    this.changes = new MutationObserver(() => this.#follow(panel.querySelector(".answer")));
    this.changes.observe(panel, { childList: true });
  }

  close() {
    this.changes.disconnect();
    this.sight.disconnect();
  }

  #follow(card) {
    this.sight.disconnect();
    this.card = card;
    if (!card) {
      this.#show(false);
      return;
    }
    const { verdict } = card.dataset;
    this.node.dataset.verdict = verdict;
    this.badge.replaceChildren(icon(verdict));
    this.name.textContent = card.querySelector("#verdict").textContent;
    this.range.textContent = card.querySelector("#p-fake")?.textContent ?? "";
    this.sight.observe(card);
  }

  #show(wanted) {
    // The button goes: who is at it goes on reading at the card.
    if (!wanted && this.node.contains(document.activeElement)) this.#focusCard();
    this.node.classList.toggle("shown", wanted);
  }

  #back() {
    this.card.scrollIntoView();
    this.#focusCard();
  }

  #focusCard() {
    this.card?.querySelector("#verdict").focus({ preventScroll: true });
  }
}
