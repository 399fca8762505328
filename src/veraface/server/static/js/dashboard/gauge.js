// A metric in a table cell: number, interval, and both as a bar with a whisker.
import { element } from "../dom.js";
import { NONE, isNumber, isRange, range } from "./words.js";

/** `from` and `to` are the ends of the scale: an AUC starts at .5, which is guessing. */
export function gauge(value, ends, format, { from = 0, to = 1 } = {}) {
  if (!isNumber(value)) return element("span", { class: "none" }, NONE);
  const place = (at) => `${(100 * (Math.min(to, Math.max(from, at)) - from)) / (to - from)}%`;
  const fill = element("span", { class: "fill" });
  fill.style.width = place(value);
  const track = element("span", { class: "track", "aria-hidden": "true" }, fill);
  if (isRange(ends)) {
    const whisker = element("span", { class: "whisker" });
    whisker.style.insetInlineStart = place(ends[0]);
    whisker.style.width = `calc(${place(ends[1])} - ${place(ends[0])})`;
    track.append(whisker);
  }
  const between = range(ends, format, value);
  return element(
    "span",
    { class: "gauge" },
    element("span", { class: "number" }, format(value)),
    between ? element("span", { class: "between" }, between) : null,
    track,
  );
}
