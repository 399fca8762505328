// The result of a check in words: a plain object that can be sent to a script on a page, which has no catalog.
import { answerOf, faceAnswerOf, faceLabel, spanOf, worstFirst } from "../../src/veraface/server/static/js/answer.js";
import { megabytes, percent, rangeText, sentence } from "../../src/veraface/server/static/js/format.js";
import { hasText, isolated, text } from "../../src/veraface/server/static/js/language.js";
import { uniqueReasons } from "../../src/veraface/server/static/js/verdictParts.js";
import { hidesNumbers } from "../../src/veraface/server/static/js/wording.js";
import { MAX_FACES } from "./cutOuts.js";

const VERDICTS = ["fake", "real", "uncertain"];
const ICONS = {
  no_face: "no_face",
  face_obscured: "unclassified",
  face_too_small: "small",
  image_too_large: "large",
  unsupported_image: "file",
  unreadable_image: "file",
  image_unavailable: "file",
  image_timeout: "file",
  not_permitted: "file",
};
const RETRYABLE = [
  "unreachable",
  "unreachable_elsewhere",
  "timeout",
  "busy",
  "not_ready",
  "other",
  "image_unavailable",
  "image_timeout",
];
const FIXED_IN_OPTIONS = ["unreachable_elsewhere", "not_veraface", "server_not_permitted"];
// The catalog's texts for these codes state what the server's message would.
const COVERED_BY_TEXT = ["no_face", "face_obscured", "not_ready", "model_unavailable", "unsupported_image"];
const MAX_MESSAGE_LENGTH = 300;
const MAX_REASONS = 8;
const SHAPE_TOLERANCE = 0.03; // of the logarithm of the aspect ratio: displayed sizes are rounded

/** @param stage "reading", "detecting", "busy" or "not_ready". */
export function workingView(stage) {
  return {
    kind: "working",
    heading: text(`extension.stages.${stage}.name`),
    detail: text(`extension.stages.${stage}.detail`),
  };
}

/**
 * @param outcome What checkImage() returned.
 * @param shown.shape Width and height of the image as the page shows it, where known.
 * @param shown.redrawn Whether the image was read from the page's rendering instead of the file.
 * @param shown.full Whether the full result can be opened.
 */
export function outcomeView(outcome, shown = {}) {
  return outcome.kind === "detected" ? verdictView(outcome, shown) : faultView(outcome);
}

/** The verdict in a few words, for a badge or a list. */
export function shortView({ verdict, p_fake: chance, ...answer }) {
  if (chance === null) return { verdict: "unclassified", short: text(`faults.${verdict}.name`), percent: "" };
  return { verdict, short: text(`verdicts.${verdict}.name`), percent: shortRange({ verdict, p_fake: chance, ...answer }) };
}

/** The view of an entry of the history. `pictures` are its faces, if its image is still in memory. */
export function entryView({ verdict, p_fake, answer }, { pictures = [], full = false } = {}) {
  if (p_fake === null) return faultView({ code: verdict, details: {} });
  // Of an earlier version only the verdict is known: without thresholds its number is not shown.
  const known = answer ?? { verdict, p_fake, p_fake_range: [], faces: [], reasons: [] };
  const view = verdictView({ answer: known, pictures }, { full });
  return full ? view : { ...view, hint: text("extension.notKept") };
}

// Without thresholds, as of earlier versions, only a clear verdict cannot contradict its number.
function shortRange(answer) {
  if (!answer.thresholds) return hidesNumbers() || answer.verdict === "uncertain" ? "" : percent(answer.p_fake);
  const span = spanOf(answer, answer.thresholds);
  return span ? rangeText(span, answer.thresholds) : "";
}

function verdictView({ answer, pictures = [] }, shown) {
  const known = answer.faces.map((face, index) => ({ face, picture: pictures[index] ?? null })).filter(({ face }) => VERDICTS.includes(face?.verdict));
  const faces = known.map(({ face }) => face);
  return {
    kind: "verdict",
    ...answerOf({ ...answer, faces }),
    faces: facesOf(known, answer.thresholds),
    facesHeading: text("result.faces", { count: faces.length }),
    reasonsHeading: text("result.reasons"),
    reasons: reasons(answer, shown),
    actions: shown.full ? [{ name: "full", label: text("extension.full"), hint: text("extension.fullHint") }] : [],
    hint: "",
  };
}

// The most suspicious first; a single face only with its picture.
function facesOf(known, thresholds) {
  const faces = known.map(({ face }) => face);
  if (faces.length === 1 && !known[0].picture) return [];
  return worstFirst(faces).slice(0, MAX_FACES).map((index, place) => {
    const { verdict, name, range } = faceAnswerOf(faces[index], thresholds);
    return { picture: known[index].picture, verdict, name, range, label: faceLabel(faces[index], place, thresholds) };
  });
}

function reasons(answer, { shape, redrawn }) {
  const own = answer.faces.length === 1 ? answer.faces[0]?.reasons : [];
  const all = [answer.reasons, own].filter(Array.isArray).flat().filter((reason) => isText(reason?.code));
  const shownReasons = uniqueReasons(all).slice(0, MAX_REASONS);
  const lines = shownReasons.map(({ code, message }) => {
    if (hasText(`reasons.${code}`)) return { text: text(`reasons.${code}`) };
    return { text: sentence((isText(message) ? message : code).slice(0, MAX_MESSAGE_LENGTH)), english: true };
  });
  // A host may serve the extension another image than it served the page.
  if (shape && differs(shape, answer)) lines.unshift({ text: text("extension.otherShape") });
  if (redrawn) lines.unshift({ text: text("extension.redrawn") });
  return lines;
}

function isText(value) {
  return typeof value === "string";
}

function differs(shown, answer) {
  const isSize = (value) => typeof value === "number";
  const [one, other] = [shown, answer].map(({ width, height }) => isSize(width) && isSize(height) && width / height);
  return one > 0 && other > 0 && Math.abs(Math.log(one / other)) > SHAPE_TOLERANCE;
}

function faultView({ code, details }) {
  const known = hasText(`faults.${code}.name`) ? code : "other";
  const values = { server: isolated(details.server ?? ""), host: isolated(details.host || text("extension.itsHost")) };
  const actions = [];
  if (RETRYABLE.includes(known)) actions.push({ name: "again", label: text("extension.again") });
  if (FIXED_IN_OPTIONS.includes(known)) actions.push({ name: "options", label: text("extension.toOptions") });
  return {
    kind: "fault",
    fault: known,
    icon: ICONS[known] ?? "server",
    heading: text(`faults.${known}.name`),
    detail: text(`faults.${known}.detail`, values),
    command: known === "unreachable" ? "veraface serve" : "",
    notes: notes(known, details),
    actions,
  };
}

function notes(code, { size, most, message }) {
  if (size && most) {
    return [{ text: text("faults.image_too_large.limit", { size: megabytes(size), most: megabytes(most) }) }];
  }
  if (!message || COVERED_BY_TEXT.includes(code)) return [];
  return [{ text: sentence(message.slice(0, MAX_MESSAGE_LENGTH)), english: true }];
}
