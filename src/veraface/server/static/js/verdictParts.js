// Parts of a verdict that the page and the browser extension share. They draw what they are given and need no language.
import { element } from "./dom.js";

// The sentence below the verdict "uncertain" states this reason.
const REDUNDANT_REASON = "weak_evidence";

/**
 * The probability on a scale from real to fake.
 *
 * @param zones What zonesOf() returns.
 * @param label The accessible name.
 * @param fits Whether a zone is wide enough to show its label.
 */
export function probabilityBar({ p, zones, label, fits }) {
  // Left to right in every writing direction.
  const bar = element("div", { class: "bar", role: "img", dir: "ltr", "aria-label": label });
  for (const { verdict, from, to, label } of zones) {
    if (to <= from) continue;
    const shown = fits({ from, to, label }) ? element("span", {}, label) : null;
    const zone = element("span", { class: "zone", "data-verdict": verdict }, shown);
    zone.style.flexGrow = String(to - from);
    bar.append(zone);
  }
  const marker = element("span", { class: "marker" });
  marker.style.left = `${100 * p}%`;
  bar.append(marker);
  return bar;
}

/** The first reason of each code, without those that the verdict's own text states. */
export function uniqueReasons(reasons) {
  const seen = new Set([REDUNDANT_REASON]);
  return reasons.filter(({ code }) => !seen.has(code) && seen.add(code));
}
