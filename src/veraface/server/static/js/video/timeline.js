// The timeline of a video: p_fake over time, and one lane a face, colored by verdict and readable without color.
import { element } from "../dom.js";
import { text } from "../language.js";
import { hidesNumbers } from "../wording.js";
import { clock } from "./files.js";
import { cutOut } from "./keyFrames.js";
import { frameLabel, frameVerdict, stretchesOf } from "./times.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200]; // seconds between two marks
const MAX_MARKS = 6;
const MAX_LANES = 12; // the faces that are seen longest

/**
 * Returns { node, mark(index, time) }: the timeline of an answer as a slider over its frames, and what marks a frame
 * and the time of the player. `seek(time)` is called for a time that is pointed at.
 */
export function timelineOf(answer, seek) {
  const { timeline, thresholds, tracks, duration } = answer;
  const whole = Math.max(duration, timeline.at(-1).time, 1e-6);
  const x = (time) => `${(100 * Math.min(time, whole)) / whole}%`;
  const lanes = tracks.slice(0, MAX_LANES);
  const head = element("span", { class: "playhead" });
  const ring = element("span", { class: "ring" });
  const plot = element("div", { class: "plot" }, zone(thresholds), curve(timeline, whole), ...dots(timeline, thresholds, x), ring);
  const node = element(
    "div",
    { class: "timeline", role: "slider", tabindex: "0", dir: "ltr", "aria-label": text("video.chart"), "aria-valuemin": "1", "aria-valuemax": String(timeline.length) },
    element("div", { class: "levels" }, (hidesNumbers() ? [] : [1, 0.5, 0]).map((p) => element("span", {}, `${100 * p}%`))),
    plot,
    element("div", { class: "zone-names" }, ["Fake", "Uncertain", "Real"].map((name) => element("span", {}, text(`result.band${name}`)))),
    ...lanes.flatMap((track, index) => lane(track, index, answer, x)),
    element("div", { class: "times" }, marks(whole).map((time) => at(element("span", {}, clock(time, whole < MAX_MARKS)), x(time)))),
    head,
  );
  head.style.gridRow = `1 / span ${1 + lanes.length}`;
  const point = ({ clientX }) => {
    const { left, width } = plot.getBoundingClientRect();
    seek(whole * Math.max(0, Math.min(1, (clientX - left) / width)));
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    point(event);
  });
  node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && point(event));
  const mark = (index, time) => {
    const chosen = timeline[index];
    head.style.left = x(time);
    at(ring, x(chosen.time)).style.bottom = `${100 * (chosen.p_fake ?? 0)}%`;
    ring.hidden = chosen.p_fake === null;
    if (node.getAttribute("aria-valuenow") === String(index + 1)) return;
    node.setAttribute("aria-valuenow", String(index + 1));
    node.setAttribute("aria-valuetext", frameLabel(chosen, thresholds));
  };
  return { node, mark };
}

function at(node, left) {
  node.style.left = left;
  return node;
}

// Where a verdict is uncertain: between the thresholds.
function zone({ real, fake }) {
  const node = element("span", { class: "plot-zone" });
  Object.assign(node.style, { bottom: `${100 * real}%`, height: `${100 * Math.max(0, fake - real)}%` });
  return node;
}

// Broken where a frame shows no face.
function curve(timeline, whole) {
  let up = true;
  const steps = timeline.map(({ time, p_fake }) => {
    const move = up ? "M" : "L";
    up = p_fake === null;
    return up ? "" : `${move}${((100 * time) / whole).toFixed(2)} ${(100 * (1 - p_fake)).toFixed(2)}`;
  });
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" })) svg.setAttribute(name, value);
  path.setAttribute("d", steps.join(""));
  svg.append(path);
  return svg;
}

// A triangle is fake, a circle real, a diamond uncertain: as the page's icons are.
function dots(timeline, thresholds, x) {
  return timeline.filter(({ p_fake }) => p_fake !== null).map(({ time, p_fake }) => {
    const dot = at(element("span", { class: "dot", "data-verdict": frameVerdict(p_fake, thresholds) }), x(time));
    dot.style.bottom = `${100 * p_fake}%`;
    return dot;
  });
}

function lane(track, index, answer, x) {
  const stretches = stretchesOf(track, answer).map(({ from, to, verdict }) => {
    const node = at(element("span", { class: "stretch", "data-verdict": verdict }), x(from));
    node.style.width = `calc(${x(to)} - ${x(from)})`;
    return node;
  });
  const name = element("span", { class: "lane-name" }, cutOut(track, answer), element("span", {}, String(index + 1)));
  const parts = [name, element("span", { class: "lane" }, stretches)];
  for (const part of parts) part.style.gridRow = String(index + 2); // below the plot
  return parts;
}

function marks(whole) {
  const step = STEPS.find((seconds) => whole / seconds <= MAX_MARKS) ?? Math.ceil(whole / MAX_MARKS / 60) * 60;
  return Array.from({ length: Math.min(MAX_MARKS, Math.floor(whole / step)) + 1 }, (_, number) => number * step);
}
