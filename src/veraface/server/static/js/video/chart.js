// The chart of p_fake over time, readable without color: points of different shape, a hatched band.
import { element } from "../dom.js";
import { percent } from "../format.js";
import { text } from "../language.js";
import { hidesNumbers } from "../wording.js";
import { clock } from "./files.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 720; // units of the drawing
const HIGH = 220;
const LEFT = 60;
const RIGHT = 112; // room for the names of the zones, which no point may cover
const TOP = 10;
const BOTTOM = 38;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200]; // seconds between two marks
const MAX_MARKS = 6;

/** The verdict of one frame by the thresholds for images; null if nothing was classified. */
export function frameVerdict(p_fake, { real, fake }) {
  if (p_fake === null) return null;
  return p_fake >= fake ? "fake" : p_fake <= real ? "real" : "uncertain";
}

/** "0:03.2: 73% fake, Likely fake": a frame in one line. */
export function frameLabel({ time, p_fake }, thresholds) {
  const at = clock(time, true);
  if (p_fake === null) return text("video.frameWithout", { time: at });
  const verdict = text(`verdicts.${frameVerdict(p_fake, thresholds)}.name`);
  return text("video.frame", { time: at, percent: percent(p_fake), verdict });
}

/**
 * Returns { node, mark(index) }: the chart of an answer, as a slider over its frames, and what marks one of them.
 * `select(index)` is called for a frame that is pointed at.
 */
export function chartOf({ timeline, thresholds, duration }, select) {
  const x = (time) => LEFT + ((WIDE - LEFT - RIGHT) * time) / Math.max(duration, 1e-6);
  const y = (p) => TOP + (HIGH - TOP - BOTTOM) * (1 - p);
  const marker = draw("line", { class: "at", y1: TOP, y2: HIGH - BOTTOM });
  const ring = draw("circle", { class: "ring", r: 8 });
  const drawing = draw(
    "svg",
    { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true", focusable: "false" },
    hatch(),
    ...band(thresholds, y),
    ...axes(duration, x, y),
    line(timeline, x, y),
    marker,
    ...timeline.filter(({ p_fake }) => p_fake !== null).map((point) => dot(point, thresholds, x, y)),
    ring,
  );
  const node = element("div", { class: "chart", role: "slider", tabindex: "0", dir: "ltr", "aria-valuemin": "1", "aria-valuemax": String(timeline.length) }, drawing);
  node.addEventListener("pointerdown", (event) => {
    const { left, width } = drawing.getBoundingClientRect();
    const at = ((event.clientX - left) / width) * WIDE;
    const far = ({ time }) => Math.abs(x(time) - at);
    select(timeline.reduce((best, point, index) => (far(point) < far(timeline[best]) ? index : best), 0));
  });
  node.setAttribute("aria-label", text("video.chart"));
  const mark = (index) => {
    const point = timeline[index];
    for (const [name, value] of [["x1", x(point.time)], ["x2", x(point.time)]]) marker.setAttribute(name, value);
    ring.setAttribute("cx", x(point.time));
    ring.setAttribute("cy", y(point.p_fake ?? 0));
    ring.toggleAttribute("hidden", point.p_fake === null);
    node.setAttribute("aria-valuenow", String(index + 1));
    node.setAttribute("aria-valuetext", frameLabel(point, thresholds));
  };
  return { node, mark };
}

function draw(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

function hatch() {
  const stripe = draw("path", { d: "M-2 10 10 -2M6 18 18 6", class: "stripe" });
  return draw("defs", {}, draw("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse" }, stripe));
}

function band({ real, fake }, y) {
  const zone = { x: LEFT, y: y(fake), width: WIDE - LEFT - RIGHT, height: Math.max(0, y(real) - y(fake)) };
  const names = [["fake", (1 + fake) / 2], ["uncertain", (real + fake) / 2], ["real", real / 2]];
  const paths = { fake: "result.bandFake", uncertain: "result.bandUncertain", real: "result.bandReal" };
  return [
    draw("rect", { class: "band", fill: "url(#hatch)", ...zone }),
    ...names.map(([name, p]) => draw("text", { class: "zone-name", x: WIDE - RIGHT + 8, y: y(p) + 5 }, text(paths[name]))),
  ];
}

function axes(duration, x, y) {
  const step = STEPS.find((seconds) => duration / seconds <= MAX_MARKS) ?? Math.ceil(duration / MAX_MARKS / 60) * 60;
  const times = Array.from({ length: Math.min(MAX_MARKS, Math.floor(duration / step)) + 1 }, (_, number) => number * step);
  return [
    draw("path", { class: "axis", d: `M${LEFT} ${TOP}V${HIGH - BOTTOM}H${WIDE - RIGHT}` }),
    ...(hidesNumbers() ? [] : [0, 0.5, 1]).map((p) => draw("text", { class: "tick", x: LEFT - 8, y: y(p) + 4, "text-anchor": "end" }, `${100 * p}%`)),
    ...times.map((time) => draw("text", { class: "tick", x: x(time), y: HIGH - BOTTOM + 26, "text-anchor": "middle" }, clock(time, step < 1))),
  ];
}

// Broken where a frame shows no face.
function line(timeline, x, y) {
  let up = true;
  const steps = timeline.map(({ time, p_fake }) => {
    const move = up ? "M" : "L";
    up = p_fake === null;
    return up ? "" : `${move}${x(time).toFixed(1)} ${y(p_fake).toFixed(1)}`;
  });
  return draw("path", { class: "curve", d: steps.join("") });
}

// A triangle is fake, a circle real, a diamond open: as the page's icons are.
function dot({ time, p_fake }, thresholds, x, y) {
  const verdict = frameVerdict(p_fake, thresholds);
  const [cx, cy] = [x(time), y(p_fake)];
  if (verdict === "real") return draw("circle", { class: "dot", "data-verdict": verdict, cx, cy, r: 4 });
  const shape = verdict === "fake" ? "m0 -5.5 5 9.5h-10z" : "m0 -5.5 5.5 5.5 -5.5 5.5 -5.5 -5.5z";
  return draw("path", { class: "dot", "data-verdict": verdict, d: `M${cx} ${cy}${shape}` });
}
