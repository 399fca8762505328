// The answer about an image in words: what the page, its list, the PNG and the browser extension show of a result.
import { rangeText, verdictOf } from "./format.js";
import { hasText, list, number, text } from "./language.js";
import { bandText, spanLabel, zoneOf, zonesOf } from "./thresholds.js";
import { isChance, isRange } from "./validate.js";
import { hidesNumbers } from "./wording.js";

// Reasons that are remarks: they do not explain why a result is uncertain.
const REMARKS = ["faces_disagree", "faces_too_small", "small_face", "several_frames", "color_not_converted", "short_scenes", "faces_left_out"];
const SMALL = ["small_face", "face_too_small", "faces_too_small"]; // a larger copy helps
const CLEAR = ["fake", "real"];
const ORDER = ["fake", "uncertain", "real", "unclassified"];

/**
 * The answer as a plain object of texts, from the result of an image or a video as the API returns it.
 *
 * `verdict` names colors and icon; `span` is [low, high], or null where a number would contradict the verdict or there
 * is none; `count` is a sentence for several faces, else null; `worth` is null without measured figures.
 */
export function answerOf(result) {
  const faces = result.faces ?? result.tracks ?? [];
  const verdict = verdictOf(result);
  const span = spanOf(result, result.thresholds);
  const count = faces.length > 1 ? countText(faces) : null;
  return {
    verdict,
    name: verdictName(result),
    ...scale(span, result.thresholds),
    count,
    // Of several faces, how many are fake says why the image is.
    why: count && CLEAR.includes(verdict) ? count : whyText(result, faces),
    worth: worthText(verdict, result.reliability),
    open: openText(verdict, result.reliability),
    next: text("answer.next"),
    steps: stepsFor(verdict, result, faces),
    caveat: text("answer.notProof"),
  };
}

/** The answer about one face of a result: verdict, name, span, range, why. */
export function faceAnswerOf(face, thresholds) {
  return { verdict: verdictOf(face), name: verdictName(face), ...scale(spanOf(face, thresholds), thresholds), why: whyText(face, []) };
}

/** [low, high] of the probability that a face or image is fake; null where that would contradict its verdict. */
export function spanOf({ p_fake, p_fake_range, verdict }, thresholds) {
  if (hidesNumbers()) return null;
  if (!isChance(p_fake) || !isRange(p_fake_range)) return null;
  const span = p_fake_range ?? [p_fake, p_fake]; // results of earlier versions have one value
  const [first, last] = span.map((p) => zoneOf(p, thresholds));
  const agrees = verdict === "uncertain" ? first !== last || first === verdict : first === verdict && last === verdict;
  return agrees ? span : null;
}

/** "Likely fake", or why a face has no verdict: "Too small to classify". */
export function verdictName(result) {
  const verdict = verdictOf(result);
  if (verdict !== "unclassified") return text(`verdicts.${verdict}.name`);
  const code = codesOf(result).find((code) => hasText(`answer.unclassified.${code}`));
  return code ? text(`answer.unclassified.${code}`) : text("verdicts.uncertain.name");
}

/** "Face 2: Likely fake, 93% fake": a face in one line, for screen readers. */
export function faceLabel(face, index, thresholds) {
  const values = { number: index + 1, verdict: verdictName(face) };
  const span = spanOf(face, thresholds);
  if (!span) return text("result.faceLabel", values);
  return text("result.faceLabelPercent", { ...values, percent: rangeText(span, thresholds) });
}

/** The indexes of faces, the most suspicious first. */
export function worstFirst(faces) {
  const rank = (face) => ORDER.indexOf(verdictOf(face));
  const highest = (face) => face.p_fake_range?.[1] ?? face.p_fake ?? -1;
  return faces.map((_, index) => index).sort((one, other) => rank(faces[one]) - rank(faces[other]) || highest(faces[other]) - highest(faces[one]));
}

/** "Likely fake. Probability of fake 61 to 88%." */
export function headlineOf({ name, range }) {
  return range ? text("result.announce", { verdict: name, percent: range }) : text("answer.sentence", { text: name });
}

/** The answer as one paragraph, to be copied or shared. `more` are sentences to be added: the file, its hash. */
export function summaryOf(answer, more = []) {
  const { count, why, worth, open, caveat } = answer;
  return [headlineOf(answer), count === why ? null : count, why, worth, open, caveat, ...more].filter(Boolean).join(" ");
}

function scale(span, thresholds) {
  if (!span) return { span: null, range: null, label: null, scaleLabel: null, zones: [], band: null };
  return {
    span,
    range: rangeText(span, thresholds),
    label: text("result.probability"),
    scaleLabel: spanLabel(span, thresholds),
    zones: zonesOf(thresholds),
    band: bandText(thresholds),
  };
}

function countText(faces) {
  const counted = (verdict) => faces.filter((face) => verdictOf(face) === verdict).length;
  const values = { all: number(faces.length) };
  const [fake, uncertain, real, unclassified] = ORDER.map(counted);
  if (real === faces.length) return text("answer.faces.allReal", values);
  const parts = [text("answer.faces.fake", { ...values, count: fake })];
  if (uncertain) parts.push(text("answer.faces.uncertain", { count: uncertain }));
  if (real) parts.push(text("answer.faces.real", { count: real }));
  if (unclassified) parts.push(text("answer.faces.unclassified", { count: unclassified }));
  return text("answer.sentence", { text: list(parts) });
}

// A clear verdict has the same reason everywhere; an uncertain one has that of the image, else of its worst face.
function whyText(result, faces) {
  const verdict = verdictOf(result);
  if (CLEAR.includes(verdict)) return text(`verdicts.${verdict}.detail`);
  const worst = faces[worstFirst(faces)[0]];
  const cause = [...codesOf(result), ...codesOf(worst)].find((code) => !REMARKS.includes(code) && hasText(`reasons.${code}`));
  return cause ? text(causePath(cause, worst ?? result)) : text("verdicts.uncertain.detail");
}

// The extension's server may answer anything.
function codesOf(result) {
  const reasons = Array.isArray(result?.reasons) ? result.reasons : [];
  return reasons.map((reason) => reason?.code).filter((code) => typeof code === "string");
}

function causePath(code, { p_fake }) {
  if (code !== "changes_under_recompression" || typeof p_fake !== "number") return `reasons.${code}`;
  return p_fake > 0.5 ? "answer.unstable.fake" : "answer.unstable.real";
}

function worthText(verdict, reliability) {
  const fake = reliability?.fake_of_100;
  if (!Number.isFinite(fake) || verdict === "unclassified") return null;
  const real = 100 - fake;
  // A sample never proves that all of them are.
  const shown = (count) => (count > 99 ? `>${number(99)}` : count < 1 ? `<${number(1)}` : number(Math.round(count)));
  return text(`answer.worth.${verdict}`, { fake: shown(fake), real: shown(real) });
}

function openText(verdict, reliability) {
  const rate = { fake: reliability?.false_positive_rate, real: reliability?.false_negative_rate }[verdict];
  if (!CLEAR.includes(verdict)) return text("answer.open.uncertain");
  if (!Number.isFinite(rate)) return text(`answer.openUnmeasured.${verdict}`);
  const all = rate < 0.01 ? 1000 : 100;
  const count = rate * all < 0.5 ? `<${number(1)}` : number(Math.round(rate * all));
  const size = reliability.face_size === "all" ? "" : text("answer.thisSize"); // few test faces have the size of some
  return text(`answer.open.${verdict}`, { count, all: number(all), size }).replace(/ {2,}/g, " ");
}

function stepsFor(verdict, result, faces) {
  return stepNames(verdict, result, faces).map((name) => text(`answer.steps.${name}`));
}

function stepNames(verdict, result, faces) {
  if (CLEAR.includes(verdict)) return ["search", "original", "compare"];
  const codes = [result, ...faces].flatMap(codesOf);
  return codes.some((code) => SMALL.includes(code)) ? ["larger", "original", "compare"] : ["original", "search", "compare"];
}
