// The summary: five metrics with intervals, the data they were measured on, and limitations.
import { element } from "../dom.js";
import { number, text } from "../language.js";
import { lacking } from "./parts.js";
import { NONE, count, figure, ofHundred, ownWords, range } from "./words.js";

// Their places are there before the card is, so that nothing moves when it comes.
const FIGURES = [
  ["auc", figure, () => text("dashboard.summary.auc"), () => text("dashboard.summary.aucNote")],
  ["reals_called_fake", ofHundred, () => text("dashboard.summary.alarms"), () => text("dashboard.summary.alarmsNote")],
  ["fakes_called_fake", ofHundred, () => text("dashboard.summary.found"), () => text("dashboard.summary.foundNote")],
  ["share_uncertain", ofHundred, () => text("dashboard.summary.open"), () => text("dashboard.summary.openNote")],
  ["calibration_error", figure, () => text("dashboard.summary.calibration"), () => text("dashboard.summary.calibrationNote")],
];

/** The figures of the whole set; bones where `whole` is undefined, as long as the card is on its way. */
export function headlines(whole) {
  const tiles = FIGURES.map(([key, format, label, note]) =>
    element(
      "div",
      { class: "tile" },
      element("dt", {}, label()),
      element("dd", { class: "value" }, whole ? format(whole[key]) : bone("4ch")),
      element("dd", { class: "interval" }, whole ? interval(whole, key, format) : bone("10ch")),
      element("dd", { class: "note" }, note()),
    ),
  );
  return element("dl", { class: "tiles" }, tiles);
}

/** Data, command and model, and the limits that the card states. */
export function provenance(card, { measured, whole, limits }) {
  const counts = whole && { real: count(whole.real), fake: count(whole.fake), groups: count(whole.groups) };
  const facts = [
    [text("dashboard.summary.model"), english("span", `${ownWords(card.name)} ${card.version ? ownWords(card.version) : ""}`)],
    [text("dashboard.summary.data"), measured.data ? english("span", ownWords(measured.data)) : NONE],
    [text("dashboard.summary.counted"), counts ? text("dashboard.summary.images", counts) : NONE],
    [text("dashboard.summary.command"), measured.command ? english("code", ownWords(measured.command)) : NONE],
  ];
  return element(
    "div",
    { class: "grounds" },
    element(
      "section",
      { class: "part", "aria-labelledby": "measured-heading" },
      element("h2", { id: "measured-heading" }, text("dashboard.summary.measured")),
      element("dl", { class: "facts" }, facts.map(fact)),
      element("p", { class: "small" }, text("dashboard.summary.intervals")),
    ),
    element(
      "section",
      { class: "part limits", "aria-labelledby": "limits-heading" },
      element("h2", { id: "limits-heading" }, text("dashboard.summary.limits")),
      element("p", {}, text("dashboard.summary.unseen")),
      listOf(limits),
    ),
  );
}

function fact([name, value]) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function listOf(words) {
  if (!words.length) return lacking(text("dashboard.summary.noLimits"));
  return element("ul", { lang: "en", dir: "ltr" }, words.map((limit) => element("li", {}, limit)));
}

/** A card's own words: they come in English, whatever the page's language. */
export function english(tag, words) {
  return element(tag, { lang: "en", dir: "ltr" }, words);
}

function interval(whole, key, format) {
  const ends = whole.intervals?.[key];
  return range(ends, format === ofHundred ? hundredths(whole[key]) : format, whole[key]) || text("dashboard.noInterval");
}

// The ends of an interval with as many digits as their figure.
function hundredths(like) {
  const digits = like < 0.0995 ? 1 : 0;
  return (value) => number(value * 100, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function bone(width) {
  const node = element("span", { class: "bone word", "aria-hidden": "true" });
  node.style.width = width;
  return node;
}
