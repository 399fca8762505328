// Formats numbers, names and sentences.
import { isolated, number, text } from "./language.js";

const DISGUISES = /[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g; // controls, of writing direction too

/** The name of a check or entry, without the characters that make "exe.gpj" look like "jpg.exe". */
export function nameOf({ name }) {
  return name.replace(DISGUISES, "") || text("unnamed");
}

/** .93 -> "93%". Never "0%" or "100%": no model is that sure. */
export function percent(probability) {
  const shown = (value) => number(value, { style: "percent" });
  if (probability < 0.01) return isolated(`<${shown(0.01)}`);
  if (probability > 0.99) return isolated(`>${shown(0.99)}`);
  return isolated(shown(Math.round(probability * 100) / 100));
}

/**
 * [.61, .88] -> "61 to 88%", [.031, .034] -> "3%". A value is never rounded into the zone of another verdict: with
 * `thresholds`, .8199 is "81%" where 82% is fake.
 */
export function rangeText([low, high], thresholds) {
  const [first, last] = [low, high].map((p) => points(p, thresholds));
  if (first === last) return percent(first / 100);
  const bare = first === 0 ? `<${number(1)}` : number(first);
  return isolated(text("answer.range", { low: bare, high: percent(last / 100) }));
}

// Whole percent of p; 0 stands for less than 1, 100 for more than 99.
function points(p, thresholds) {
  if (p < 0.01 || p > 0.99) return p < 0.01 ? 0 : 100;
  const whole = Math.round(p * 100);
  if (!thresholds || p <= thresholds.real || p >= thresholds.fake) return whole;
  const [real, fake] = [thresholds.real, thresholds.fake].map((value) => Math.round(value * 100));
  return Math.max(Math.min(whole, fake - 1), real + 1);
}

/** 26214400 -> "25 MB". */
export function megabytes(bytes) {
  return isolated(`${number(Math.round(bytes / 2 ** 20))} MB`);
}

/** 47000 -> "46 kB", 3145728 -> "3.0 MB". */
export function bytes(count) {
  if (count < 2 ** 20) return isolated(`${number(Math.max(1, Math.round(count / 2 ** 10)))} kB`);
  return isolated(`${number(count / 2 ** 20, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`);
}

/** 3.21 -> "3.2 ms", 47.8 -> "48 ms". */
export function milliseconds(ms) {
  const digits = ms < 10 ? 1 : 0;
  return `${number(ms, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false })} ms`;
}

/** The name of the verdict's words and colours: a face without a probability is "unclassified". */
export function verdictOf(face) {
  return face.p_fake === null || face.p_fake === undefined ? "unclassified" : face.verdict;
}

/** Format a message of the server as a sentence. */
export function sentence(message) {
  const start = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
