// The result of a check in words: a plain object that can be sent to a script on a page, which has no catalog.
import { answerOf } from "../../src/veraface/server/static/js/answer.js";
import { megabytes, percent, sentence } from "../../src/veraface/server/static/js/format.js";
import { hasText, isolated, text } from "../../src/veraface/server/static/js/language.js";
import { uniqueReasons } from "../../src/veraface/server/static/js/verdictParts.js";

const VERDICTS = ["fake", "real", "uncertain"];
const ICONS = {
  no_face: "no_face",
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
const COVERED_BY_TEXT = ["no_face", "not_ready", "model_unavailable", "unsupported_image"];
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
 */
export function outcomeView(outcome, shown = {}) {
  return outcome.kind === "detected" ? verdictView(outcome.answer, shown) : faultView(outcome);
}

/** The verdict in a few words, for a badge or a list. */
export function shortView({ verdict, p_fake: chance }) {
  if (chance === null) return { verdict: "unclassified", short: text(`faults.${verdict}.name`), percent: "" };
  return { verdict, short: text(`verdicts.${verdict}.name`), percent: percent(chance) };
}

function verdictView(answer, shown) {
  const faces = answer.faces.filter((face) => VERDICTS.includes(face?.verdict));
  return { kind: "verdict", ...answerOf({ ...answer, faces }), reasonsHeading: text("result.reasons"), reasons: reasons(answer, shown) };
}

function reasons(answer, { shape, redrawn }) {
  const own = answer.faces.length === 1 ? answer.faces[0]?.reasons : [];
  const all = [answer.reasons, own].filter(Array.isArray).flat().filter((reason) => isText(reason?.code));
  const shownReasons = uniqueReasons(all).slice(0, MAX_REASONS);
  const lines = shownReasons.map(({ code, message }) => {
    if (hasText(`reasons.${code}`)) return { text: text(`reasons.${code}`) };
    return { text: sentence((isText(message) ? message : code).slice(0, MAX_MESSAGE_LENGTH)), english: true };
  });
  if (answer.faces.length > 1) lines.unshift({ text: text("result.found", { count: answer.faces.length }) });
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
