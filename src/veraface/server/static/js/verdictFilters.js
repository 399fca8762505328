// Filters by verdict, with counts: one button each, of which several may be pressed.
import { element, icon } from "./dom.js";
import { tint, verdictIcon, verdictName } from "./historyCard.js";
import { number } from "./language.js";

export const VERDICTS = ["fake", "uncertain", "real", "no_face", "failed"];

export class VerdictFilters {
  /** `wanted` is the set of pressed verdicts, none for all; `onChange()` is called after each press. */
  constructor(wanted, onChange) {
    this.wanted = wanted;
    this.buttons = VERDICTS.map((verdict) => {
      const press = () => {
        if (!wanted.delete(verdict)) wanted.add(verdict);
        onChange();
      };
      return element("button", { type: "button", class: "filter", "data-verdict": verdict, "data-tint": tint(verdict), onclick: press });
    });
    this.node = element("fieldset", { class: "filters" }, element("legend", { class: "unseen", "data-text": "history.filter" }), this.buttons);
  }

  fits({ verdict }) {
    return !this.wanted.size || this.wanted.has(verdict);
  }

  /** Count the results of each verdict, in the current language. */
  render(results) {
    for (const button of this.buttons) {
      const { verdict } = button.dataset;
      const count = results.filter((result) => result.verdict === verdict).length;
      const pressed = this.wanted.has(verdict);
      button.setAttribute("aria-pressed", String(pressed));
      button.disabled = !count && !pressed;
      button.replaceChildren(icon(verdictIcon(verdict)), element("span", {}, verdictName(verdict)), " ", element("span", { class: "filter-count" }, number(count)));
    }
  }
}
