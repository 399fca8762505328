// The confusion matrix at the thresholds in use.
import { element } from "../dom.js";
import { text } from "../language.js";
import { lacking, part, table } from "./parts.js";
import { count, figure, isNumber, share, withRange } from "./words.js";

// Outcomes and whether they are correct; null is neither.
const OUTCOMES = [
  ["fake", () => text("dashboard.confusion.calledFake"), { real: false, fake: true }],
  ["uncertain", () => text("dashboard.confusion.leftOpen"), { real: null, fake: null }],
  ["real", () => text("dashboard.confusion.calledReal"), { real: true, fake: false }],
  ["no_face", () => text("dashboard.confusion.noFace"), { real: null, fake: null }],
  ["error", () => text("dashboard.confusion.error"), { real: null, fake: null }],
];
const VERDICT_COUNT = 3; // the first are verdicts; the others have a column only where something is in it

const MORE = [
  ["accuracy_decided", () => text("dashboard.confusion.accuracyDecided"), share],
  ["recall_at_5_percent", () => text("dashboard.confusion.recallAt5"), share],
  ["equal_error_rate", () => text("dashboard.confusion.equalError"), share],
  ["average_precision", () => text("dashboard.confusion.averagePrecision"), figure],
  ["brier", () => text("dashboard.confusion.brier"), figure],
];

export function confusionPart({ diagrams, whole = {} }) {
  const heading = text("dashboard.confusion.heading");
  if (!diagrams.confusion) return part("confusion", heading, lacking(text("dashboard.confusion.lacking")));
  const { real, fake } = diagrams.confusion;
  const shown = OUTCOMES.filter(([name], i) => i < VERDICT_COUNT || real[name] || fake[name]);
  const words = {
    real: [
      text("dashboard.confusion.realFaces"),
      { fake: text("dashboard.confusion.falseAlarm"), real: text("dashboard.confusion.cleared") },
    ],
    fake: [
      text("dashboard.confusion.fakeFaces"),
      { fake: text("dashboard.confusion.found"), real: text("dashboard.confusion.missed") },
    ],
  };
  const rows = Object.entries({ real, fake }).map(([label, counts]) => {
    const total = OUTCOMES.slice(0, VERDICT_COUNT).reduce((sum, [name]) => sum + (counts[name] ?? 0), 0);
    const [name, meanings] = words[label];
    const head = element("span", { class: "row-name" }, name, element("small", {}, count(total)));
    const cells = shown.map(([outcome, , right], i) =>
      cell(counts[outcome], i < VERDICT_COUNT ? total : null, right[label], meanings[outcome]),
    );
    return [head, ...cells];
  });
  const columns = [text("dashboard.confusion.truth"), ...shown.map(([, name]) => name())];
  return part(
    "confusion",
    heading,
    element("p", { class: "caption" }, text("dashboard.confusion.caption")),
    element("div", { class: "confusion" }, table(heading, columns, rows)),
    more(whole),
  );
}

// Other metrics of the whole set.
function more(whole) {
  const known = MORE.filter(([key]) => isNumber(whole[key]));
  if (!known.length) return null;
  const row = ([key, name, format]) => {
    const shown = withRange(whole[key], whole.intervals?.[key], format);
    return element("div", {}, element("dt", {}, name()), element("dd", {}, shown));
  };
  return element("dl", { class: "facts more" }, known.map(row));
}

function cell(own, total, right, meaning) {
  const part = total ? (own ?? 0) / total : null; // a count alone for what is no verdict
  const kind = right === null ? "open" : right ? "right" : "wrong";
  const node = element(
    "div",
    { class: "cell", "data-kind": kind },
    isNumber(part) ? element("strong", {}, share(part)) : null,
    element("span", {}, count(own ?? 0)),
    meaning ? element("small", {}, meaning) : null,
  );
  node.style.setProperty("--share", `${Math.round((part ?? 0) * 100)}%`);
  return node;
}
