// Parts of a verdict that the page and the browser extension share. They draw what they are given and need no language.
import { element } from "./dom.js";

// The sentence below the verdict "uncertain" states this reason.
const REDUNDANT_REASON = "weak_evidence";

/**
 * A span of probabilities on a scale from real to fake.
 *
 * @param span [low, high].
 * @param zones What zonesOf() returns.
 * @param label The accessible name.
 */
export function probabilityBar({ span, zones, label }) {
  // Left to right in every writing direction.
  const bar = element("div", { class: "bar", role: "img", dir: "ltr", "aria-label": label });
  for (const { verdict, from, to, label } of zones) {
    if (to <= from) continue;
    const zone = element("span", { class: "zone", "data-verdict": verdict }, fits({ from, to, label }) ? element("span", {}, label) : null);
    zone.style.flexGrow = String(to - from);
    bar.append(zone);
  }
  const [low, high] = span;
  const marker = element("span", { class: "marker" });
  marker.style.left = `${100 * low}%`;
  marker.style.width = `${100 * (high - low)}%`; // never narrower than its style sets
  bar.append(marker);
  return bar;
}

// Labels at the ends may continue below the next zone; one in the middle that does not fit is left to the text below.
function fits({ from, to, label }) {
  return from === 0 || to === 1 || (to - from) * 34 > label.length;
}

/** The first reason of each code, without those that the verdict's own text states. */
export function uniqueReasons(reasons) {
  const seen = new Set([REDUNDANT_REASON]);
  return reasons.filter(({ code }) => !seen.has(code) && seen.add(code));
}
