// The frames of a video in time: verdicts of single frames, labels, stretches of a face, boxes between two frames.
import { rangeText } from "../format.js";
import { text } from "../language.js";
import { clock } from "./files.js";

const MAX_BETWEEN_S = 1; // between two frames of a face, so that its box may be drawn in between

/** The verdict of one frame by the thresholds for images; null if nothing was classified. */
export function frameVerdict(p_fake, { real, fake }) {
  if (p_fake === null) return null;
  return p_fake >= fake ? "fake" : p_fake <= real ? "real" : "uncertain";
}

/** "0:03.2 · Likely fake, 93%": a frame in one line. */
export function frameLabel({ time, p_fake }, thresholds) {
  const at = clock(time, true);
  if (p_fake === null) return text("video.frameWithout", { time: at });
  const verdict = text(`verdicts.${frameVerdict(p_fake, thresholds)}.name`);
  return text("video.frame", { time: at, percent: rangeText([p_fake, p_fake], thresholds), verdict });
}

/** The index of the frame nearest to a time, of those that `fits(point)`; of all if none does. */
export function nearestFrame(timeline, time, fits = () => true) {
  const possible = timeline.some(fits) ? timeline.map(fits) : timeline.map(() => true);
  const far = (index) => Math.abs(timeline[index].time - time);
  return timeline.reduce((best, _, index) => (possible[index] && (best < 0 || far(index) < far(best)) ? index : best), -1);
}

/** The index of the frame with the highest p_fake. */
export function worstFrame(timeline) {
  return timeline.reduce((worst, { p_fake }, index) => ((p_fake ?? -1) > (timeline[worst].p_fake ?? -1) ? index : worst), 0);
}

/**
 * The stretches in which a face was seen, [{ from, to, verdict }] in seconds: each frame stands for the time to the
 * middle between it and the next; neighbors with the same verdict are one. `verdict` is "unclassified" without a score.
 */
export function stretchesOf({ frames }, { timeline, thresholds, duration }) {
  const times = timeline.map(({ time }) => time);
  const stretches = [];
  for (const { time, p_fake } of frames) {
    const at = times.indexOf(time);
    const from = at > 0 ? (times[at - 1] + time) / 2 : 0;
    const to = at >= 0 && at < times.length - 1 ? (times[at + 1] + time) / 2 : Math.max(duration, time);
    const verdict = frameVerdict(p_fake, thresholds) ?? "unclassified";
    const last = stretches.at(-1);
    if (last?.to === from && last.verdict === verdict) last.to = to;
    else stretches.push({ from, to, verdict });
  }
  return stretches;
}

/**
 * The box of a face at a time of a video with `rate` frames per second, between two frames interpolated where they are
 * near; null where it was not seen.
 */
export function boxAt({ frames }, time, rate) {
  const there = frames.find((frame) => Math.abs(frame.time - time) <= 1 / Math.max(rate, 1));
  if (there) return there.box;
  const before = frames.findLast((frame) => frame.time < time);
  const after = frames.find((frame) => frame.time > time);
  if (!before || !after || after.time - before.time > MAX_BETWEEN_S) return null;
  const share = (time - before.time) / (after.time - before.time);
  return before.box.map((value, at) => value + share * (after.box[at] - value));
}

/** The track that decides the verdict. */
export function decisiveTrack({ tracks, p_fake }) {
  return tracks.find((track) => track.p_fake === p_fake) ?? tracks[0];
}
