// The thresholds of a verdict in words, for the page and the browser extension.
import { percent, rangeText } from "./format.js";
import { text } from "./language.js";

/** The verdict that a probability alone would get; with equal thresholds, fake wins the tie. */
export function zoneOf(p, { real, fake }) {
  return p >= fake ? "fake" : p <= real ? "real" : "uncertain";
}

/** The zones of the probability scale: [{ verdict, from, to, label }]. */
export function zonesOf({ real, fake }) {
  return [
    { verdict: "real", from: 0, to: real, label: text("result.bandReal") },
    { verdict: "uncertain", from: real, to: fake, label: text("result.bandUncertain") },
    { verdict: "fake", from: fake, to: 1, label: text("result.bandFake") },
  ];
}

export function bandText({ real, fake }) {
  return text("result.bandText", { real: percent(real), fake: percent(fake) });
}

/** The accessible name of the probability scale with a span on it. */
export function spanLabel(span, thresholds) {
  return `${text("result.probabilityLabel", { percent: rangeText(span, thresholds) })}. ${bandText(thresholds)}`;
}
