// Which kinds of fakes are found well and which badly, under plain names. Data sets of one kind count as one.
import { element } from "../dom.js";
import { hasText, text } from "../language.js";
import { english } from "./summary.js";
import { isNumber, ofHundred } from "./words.js";

const MIN_IMAGES = 25; // fewer say too little
const WELL = 0.5; // the least share found of a kind that is found well
const MAX_ROWS = 6; // in each column; all are in the table of sources

/** The plain name of a data set: translated where the page knows it, else the card's description, else its own. */
export function kindName(source, terms) {
  const term = terms.get(source)?.split(";")[0].trim();
  if (!term) return english("bdi", source);
  const path = `dashboard.kindNames.${slug(term)}`;
  return hasText(path) ? text(path) : english("span", term);
}

/** Two columns of kinds; `examples(id)` returns what stands below those of "well" and "badly", if anything. */
export function kindsPart({ measured, terms }, examples = () => null) {
  const kinds = kindsOf(measured.rows.slice(1), terms).sort((a, b) => b.found - a.found);
  if (!kinds.length) return null;
  return element(
    "div",
    { class: "pair" },
    column("well", text("dashboard.kinds.well"), kinds.filter(({ found }) => found >= WELL).slice(0, MAX_ROWS), examples),
    column("badly", text("dashboard.kinds.badly"), kinds.filter(({ found }) => found < WELL).reverse().slice(0, MAX_ROWS), examples),
  );
}

function kindsOf(rows, terms) {
  const kinds = new Map();
  for (const { source, fake, fakes_called_fake: found, fakes_called_real: missed } of rows) {
    if (!(fake > 0) || !isNumber(found) || !terms.has(source)) continue;
    const key = slug(terms.get(source).split(";")[0]);
    const kind = kinds.get(key) ?? { name: kindName(source, terms), fake: 0, found: 0, missed: 0 };
    kind.found = (kind.found * kind.fake + found * fake) / (kind.fake + fake);
    kind.missed = (kind.missed * kind.fake + (missed ?? 0) * fake) / (kind.fake + fake);
    kind.fake += fake;
    kinds.set(key, kind);
  }
  return [...kinds.values()].filter(({ fake }) => fake >= MIN_IMAGES);
}

function column(id, heading, kinds, examples) {
  const row = ({ name, found, missed }) => {
    const bar = element("span", { class: "thirds", "aria-hidden": "true" });
    for (const [kind, share] of [["right", found], ["open", 1 - found - missed], ["wrong", missed]]) {
      const part = element("span", { "data-kind": kind });
      part.style.flexGrow = String(Math.max(0, share));
      bar.append(part);
    }
    const words = text("dashboard.kinds.found", { found: ofHundred(found), missed: ofHundred(missed) });
    return element("li", {}, element("span", { class: "kind" }, name), bar, element("small", {}, words));
  };
  return element("section", { class: "part", id }, element("h2", {}, heading), element("ul", { class: "kinds" }, kinds.map(row)), examples(id));
}

function slug(term) {
  return term.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
}
