// The ranges of face sizes that a model card measures: "128 to 256 px".
import { number, text } from "./language.js";

/** Where the dashboard shows the figures of this range: serverPath(`/dashboard#${sizeAnchor(size)}`). */
export function sizeAnchor(size) {
  return `size-${size.replace(/\W+/g, "-")}`;
}

/** A range in the language of the page; as it is where it has another form. */
export function sizeName(size) {
  const [, low, high] = size.match(/^(\d+) to (\d+) px$/) ?? [];
  if (low) return text("dashboard.sizes.between", { first: number(Number(low)), last: number(Number(high)) });
  const [, way, limit] = size.match(/^(under|from) (\d+) px$/) ?? [];
  if (!way) return size;
  return text(way === "under" ? "dashboard.sizes.under" : "dashboard.sizes.from", { limit: number(Number(limit)) });
}
