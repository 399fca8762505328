// The list of many images as a worklist: filters with counts, order, copies.
import { duplicatesOf } from "./duplicates.js";
import { element } from "./dom.js";
import { text } from "./language.js";
import { VERDICTS, VerdictFilters } from "./verdictFilters.js";

const WIDE = 4 / 3; // width to height of a card's image; on phones it is a square
const phone = matchMedia("(max-width: 40rem)");

// Lasts from visit to visit of the list, so that the way back from a result leads to the same one. `exceptions` are ids of
// images whose copies are shown although copies are hidden, or the other way round.
const wanted = { verdicts: new Set(), sort: "added", hidesCopies: false, exceptions: new Set() };

let shown = []; // ids of the cards, in their order, when the list was last seen

export class Worklist {
  constructor(onChange) {
    this.filters = new VerdictFilters(wanted.verdicts, onChange);
    const orders = ["added", "suspicion", "name"].map((name) => element("option", { value: name, selected: name === wanted.sort, "data-text": `worklist.sort.${name}` }));
    const sort = element("select", { id: "sort" }, orders);
    sort.addEventListener("change", () => {
      wanted.sort = sort.value;
      onChange();
    });
    this.onChange = onChange;
    this.copies = element("input", { type: "checkbox", id: "hide-copies", role: "switch" });
    this.copies.addEventListener("change", () => {
      wanted.hidesCopies = this.copies.checked;
      wanted.exceptions.clear();
      onChange();
    });
    this.copiesWords = element("span");
    this.copiesLabel = element("label", { class: "switch" }, this.copies, this.copiesWords);
    this.node = element(
      "div",
      { class: "worklist" },
      this.filters.node,
      this.copiesLabel,
      element("label", { class: "sort-by" }, element("span", { "data-text": "worklist.sort.label" }), sort),
    );
  }

  /**
   * All checks in the order to be shown, each followed by its copies, and Map of ids to states for updateCopies(): whether
   * a card is hidden, what it is a copy of, and how many copies it has.
   */
  arrange(checks) {
    const copies = duplicatesOf(checks);
    const groups = this.#sorted(groupsOf(checks, copies));
    this.#render(checks, copies);
    const states = new Map();
    for (const [first, ...rest] of groups) {
      const folded = wanted.hidesCopies !== wanted.exceptions.has(first.id);
      const hidden = !this.filters.fits(first);
      states.set(first.id, { hidden, copy: null, count: rest.length, folded });
      // Where its first is filtered out, a copy stands for itself.
      for (const check of rest) states.set(check.id, { hidden: !this.filters.fits(check) || (folded && !hidden), copy: copies.get(check.id), count: 0, folded });
    }
    const ordered = groups.flat();
    shown = ordered.filter(({ id }) => !states.get(id).hidden).map(({ id }) => id);
    return { ordered, states };
  }

  /** Show or hide the copies of one image. */
  toggle(id) {
    if (!wanted.exceptions.delete(id)) wanted.exceptions.add(id);
    this.onChange();
  }

  #sorted(groups) {
    const highest = (group) => Math.max(...group.map(suspicion));
    if (wanted.sort === "suspicion") return groups.sort((one, other) => highest(other) - highest(one));
    if (wanted.sort === "name") return groups.sort(([one], [other]) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    return groups;
  }

  #render(checks, copies) {
    this.node.hidden = checks.length < 2;
    if (this.node.hidden) wanted.verdicts.clear();
    this.filters.render(checks);
    this.copiesLabel.hidden = !copies.size;
    this.copies.checked = wanted.hidesCopies &&= copies.size > 0;
    this.copiesWords.textContent = text("worklist.hideCopies", { count: copies.size });
  }
}

/** The checks among which a result is walked from `check`: those that the list last showed, in its order; else all. */
export function neighborsOf(check, checks) {
  const listed = shown.map((id) => checks.find((one) => one.id === id)).filter(Boolean);
  return listed.includes(check) ? listed : checks;
}

/** The higher, the earlier: fakes, then what cannot be told, then reals, then what has no verdict. */
export function suspicion({ verdict, p_fake, answer }) {
  const rank = VERDICTS.length - VERDICTS.indexOf(verdict ?? "failed");
  return rank + (answer?.p_fake_range?.[1] ?? p_fake ?? 0) / 2;
}

/** The part of a card that names what it is a copy of, or shows and hides its own copies; updateCopies() fills it. */
export function copiesRow(toggle) {
  return element("div", { class: "card-copies" }, element("p"), element("button", { type: "button", class: "quiet", onclick: toggle }));
}

export function updateCopies(card, { copy, count, folded }) {
  const row = card.querySelector(".card-copies");
  const [words, button] = row.children;
  row.hidden = !copy && !count;
  card.classList.toggle("copy", Boolean(copy));
  words.hidden = !copy;
  if (copy) words.textContent = text(copy.exact ? "worklist.copy" : "worklist.similar", { name: copy.first.name || text("unnamed") });
  button.hidden = !count;
  if (count) button.textContent = text(folded ? "worklist.showCopies" : "worklist.hideCopies", { count });
}

// The checks that repeat no other, in order, each with its copies.
function groupsOf(checks, copies) {
  const groups = new Map(checks.filter(({ id }) => !copies.has(id)).map((check) => [check.id, [check]]));
  for (const check of checks) if (copies.has(check.id)) groups.get(copies.get(check.id).first.id).push(check);
  return [...groups.values()];
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
