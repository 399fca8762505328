// The list of many images as a worklist: filters with counts, order, copies.
import { duplicatesOf } from "./duplicates.js";
import { element, icon } from "./dom.js";
import { tint, verdictIcon, verdictName } from "./historyCard.js";
import { number, text } from "./language.js";

const VERDICTS = ["fake", "uncertain", "real", "no_face", "failed"];
const WIDE = 4 / 3; // width to height of a card's image; on phones it is a square
const phone = matchMedia("(max-width: 40rem)");

export class Worklist {
  constructor(onChange) {
    this.verdicts = new Set();
    this.filters = VERDICTS.map((verdict) => {
      const press = () => {
        if (!this.verdicts.delete(verdict)) this.verdicts.add(verdict);
        onChange();
      };
      return element("button", { type: "button", class: "filter", "data-verdict": verdict, "data-tint": tint(verdict), onclick: press });
    });
    this.sort = element(
      "select",
      { id: "sort", onchange: onChange },
      ["added", "suspicion", "name"].map((name) => element("option", { value: name, "data-text": `worklist.sort.${name}` })),
    );
    this.copies = element("input", { type: "checkbox", id: "hide-copies", role: "switch", onchange: onChange });
    this.copiesWords = element("span");
    this.copiesLabel = element("label", { class: "switch" }, this.copies, this.copiesWords);
    this.node = element(
      "div",
      { class: "worklist" },
      element("fieldset", { class: "filters" }, element("legend", { class: "unseen", "data-text": "history.filter" }), this.filters),
      this.copiesLabel,
      element("label", { class: "sort-by" }, element("span", { "data-text": "worklist.sort.label" }), this.sort),
    );
  }

  /** All checks in the order to be shown, and Map of ids to { hidden, copy } for the cards. */
  arrange(checks) {
    const copies = duplicatesOf(checks);
    const order = { suspicion: (one, other) => suspicion(other) - suspicion(one), name: (one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }) }[this.sort.value];
    const ordered = order ? [...checks].sort(order) : checks;
    this.#render(checks, copies);
    const state = (check) => ({ hidden: !this.#fits(check, copies), copy: copies.get(check.id) ?? null });
    return { ordered, states: new Map(checks.map((check) => [check.id, state(check)])) };
  }

  #fits(check, copies) {
    if (this.verdicts.size && !this.verdicts.has(check.verdict)) return false;
    return !(this.copies.checked && copies.has(check.id));
  }

  #render(checks, copies) {
    this.node.hidden = checks.length < 2;
    if (this.node.hidden) this.verdicts.clear();
    for (const filter of this.filters) {
      const { verdict } = filter.dataset;
      const count = checks.filter((check) => check.verdict === verdict).length;
      const pressed = this.verdicts.has(verdict);
      filter.setAttribute("aria-pressed", String(pressed));
      filter.disabled = !count && !pressed;
      filter.replaceChildren(icon(verdictIcon(verdict)), element("span", {}, verdictName(verdict)), " ", element("span", { class: "filter-count" }, number(count)));
    }
    this.copiesLabel.hidden = !copies.size;
    if (!copies.size) this.copies.checked = false;
    this.copiesWords.textContent = text("worklist.hideCopies", { count: copies.size });
  }
}

/** The higher, the earlier: fakes, then what cannot be told, then reals, then what has no verdict. */
export function suspicion({ verdict, p_fake, answer }) {
  const rank = VERDICTS.length - VERDICTS.indexOf(verdict ?? "failed");
  return rank + (answer?.p_fake_range?.[1] ?? p_fake ?? 0) / 2;
}

/** "Copy of one.jpg": what a card says of a check that repeats another. */
export function copyText({ first, exact }) {
  return text(exact ? "worklist.copy" : "worklist.similar", { name: first.name || text("unnamed") });
}

/** The `object-position` that puts the most suspicious face of an answer in the middle of a card. */
export function facePosition(answer) {
  const { faces = [], width, height } = answer ?? {};
  const face = faces.reduce((worst, one) => (!worst || (one.p_fake ?? 0) > (worst.p_fake ?? 0) ? one : worst), null);
  if (!Array.isArray(face?.box) || !(width > 0 && height > 0)) return "";
  const [x, y, faceWidth, faceHeight] = face.box;
  const scale = (width / height) / (phone.matches ? 1 : WIDE); // above 1 it is the width that is cut
  const across = scale > 1 ? aligned((x + faceWidth / 2) / width, scale) : 50;
  const down = scale < 1 ? aligned((y + faceHeight / 2) / height, 1 / scale) : 50;
  return `${across}% ${down}%`;
}

// A percentage aligns that point of the image with that point of the box, which is 1 / `scale` of the image.
function aligned(center, scale) {
  return Math.round(100 * Math.min(1, Math.max(0, (center * scale - 0.5) / (scale - 1))));
}
