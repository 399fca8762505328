// The frames of a video that show its result best: chosen, stored with it, and drawn as a strip.
import { element } from "../dom.js";
import { text } from "../language.js";
import { decisiveTrack, frameLabel, frameVerdict } from "./times.js";

const MAX_KEPT = 8; // frames of about 10 kB each that the history keeps
const MAX_SHOWN = 6; // on the strip and in the report

/** The indices of the frames with a thumbnail that show a result best, in order of time. */
export function keyFrames(answer, most = MAX_SHOWN) {
  const { timeline, tracks, duration } = answer;
  const first = decisiveTrack(answer);
  const bestOf = (track) => timeline.findIndex(({ time }) => time === track.frames[track.best].time);
  const byScore = timeline.map((_, index) => index).sort((one, other) => (timeline[other].p_fake ?? -1) - (timeline[one].p_fake ?? -1));
  const wanted = [...(first ? [first, ...tracks.filter((track) => track !== first)] : []).map(bestOf), ...byScore];
  const apart = duration / (2 * most);
  const chosen = [];
  // First those that lie apart, then whatever there is.
  for (const least of [apart, 0]) {
    for (const index of wanted) {
      const far = chosen.every((other) => Math.abs(timeline[other].time - timeline[index]?.time) >= least);
      if (chosen.length < most && timeline[index]?.thumbnail && far && !chosen.includes(index)) chosen.push(index);
    }
  }
  return chosen.sort((one, other) => one - other);
}

/** A copy of a result for the history, with thumbnails of its key frames only. */
export function forHistory(answer) {
  const kept = new Set(keyFrames(answer, MAX_KEPT));
  const timeline = answer.timeline.map(({ thumbnail, ...point }, index) => (kept.has(index) ? { ...point, thumbnail } : point));
  return { ...answer, timeline };
}

/** The thumbnail of the frame in which the deciding face is seen best, as a Blob; null without one. */
export async function posterOf(answer) {
  const track = decisiveTrack(answer);
  const time = track?.frames[track.best].time;
  const data = answer.timeline.find((point) => point.time === time)?.thumbnail;
  if (!data) return null;
  const bytes = Uint8Array.from(atob(data.slice(data.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: "image/jpeg" });
}

/** The strip of key frames; `select(index)` is called for the one that is pressed. Null without any. */
export function keyFrameStrip(answer, select) {
  const items = keyFrames(answer).map((index) => {
    const point = answer.timeline[index];
    const image = element("img", { src: point.thumbnail, alt: "", width: answer.width, height: answer.height });
    const verdict = frameVerdict(point.p_fake, answer.thresholds) ?? "unclassified";
    const button = element("button", { type: "button", class: "key-frame", "data-verdict": verdict, "data-index": index }, image, element("span", {}, frameLabel(point, answer.thresholds)));
    button.addEventListener("click", () => select(index));
    return element("li", {}, button);
  });
  if (!items.length) return null;
  return element("section", { class: "key-frames" }, element("h2", { class: "chart-name" }, text("video.keyFrames")), element("ul", {}, items));
}

/** A face cut out of the thumbnail of its clearest frame; null without a thumbnail. */
export function cutOut(track, { timeline, width, height }) {
  const { time, box } = track.frames[track.best];
  const source = timeline.find((point) => point.time === time)?.thumbnail;
  if (!source) return null;
  const side = Math.min(1.3 * Math.max(box[2], box[3]), width, height);
  const start = (from, length, whole) => Math.max(0, Math.min(from + length / 2 - side / 2, whole - side));
  const [x, y] = [start(box[0], box[2], width), start(box[1], box[3], height)];
  const node = element("span", { class: "cut-out", "aria-hidden": "true" });
  const place = (at, whole) => `${whole > side ? (100 * at) / (whole - side) : 0}%`;
  node.style.backgroundImage = `url("${source}")`;
  node.style.backgroundSize = `${(100 * width) / side}% ${(100 * height) / side}%`;
  node.style.backgroundPosition = `${place(x, width)} ${place(y, height)}`;
  return node;
}
