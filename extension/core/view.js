// What is said of a check, in words: a plain object that can be sent into a page, where there are no words.
import { megabytes, percent, sentence } from "../shared/format.js";
import { hasText, isolated, text } from "../shared/language.js";

const ICONS = {
  no_face: "no_face",
  face_too_small: "small",
  image_too_large: "large",
  unsupported_image: "file",
  unreadable_image: "file",
  picture_unreadable: "file",
  picture_timeout: "file",
  not_permitted: "file",
};
const WORTH_RETRYING = [
  ...["unreachable", "unreachable_elsewhere", "timeout", "busy", "not_ready", "other"],
  ...["picture_unreadable", "picture_timeout"],
];
const FOR_OPTIONS = ["unreachable_elsewhere", "not_veraface", "server_not_permitted"];
// What the server says of these is said already.
const SAID_ALREADY = ["no_face", "not_ready", "model_unavailable", "unsupported_image"];
const LONGEST_MESSAGE = 300;
const MOST_REASONS = 8;
// Pictures are scaled for display, and sizes rounded.
const SHAPE_TOLERANCE = 0.03;

/** @param stage "reading", "judging", "busy" or "not_ready". */
export function workingView(stage) {
  return {
    kind: "working",
    heading: text(`extension.stages.${stage}.name`),
    detail: text(`extension.stages.${stage}.detail`),
  };
}

/**
 * @param outcome What checkPicture() returned.
 * @param shown.shape Width and height of the picture as the page shows it, where known.
 * @param shown.redrawn Whether it is what the page shows, not the file.
 */
export function outcomeView(outcome, shown = {}) {
  return outcome.kind === "judged" ? verdictView(outcome.answer, shown) : faultView(outcome);
}

/** The verdict in a few words, for a badge or a list. */
export function shortView({ verdict, p_fake: chance }) {
  if (chance === null) return { verdict: "unjudged", short: text(`faults.${verdict}.name`), percent: "" };
  return { verdict, short: text(`verdicts.${verdict}.short`), percent: percent(chance) };
}

function verdictView(answer, shown) {
  const { verdict, p_fake: chance, thresholds } = answer;
  const bounds = { real: percent(thresholds.real), fake: percent(thresholds.fake) };
  const band = text("result.bandText", bounds);
  const label = text("result.probabilityLabel", { percent: percent(chance) });
  return {
    kind: "verdict",
    verdict,
    heading: text(`verdicts.${verdict}.name`),
    detail: text(`verdicts.${verdict}.detail`),
    label: text("result.probability"),
    percent: percent(chance),
    chance,
    zones: [
      { verdict: "real", from: 0, to: thresholds.real, label: text("result.bandReal") },
      { verdict: "uncertain", from: thresholds.real, to: thresholds.fake, label: text("result.bandUncertain") },
      { verdict: "fake", from: thresholds.fake, to: 1, label: text("result.bandFake") },
    ],
    spoken: `${label}. ${band}`,
    band,
    reasonsHeading: text("result.reasons"),
    reasons: reasons(answer, shown),
    caveat: text("extension.notProof"),
  };
}

function reasons(answer, { shape, redrawn }) {
  const own = answer.faces.length === 1 ? answer.faces[0]?.reasons : [];
  const all = [answer.reasons, own].filter(Array.isArray).flat().filter((reason) => isText(reason?.code));
  const codes = new Set(["weak_evidence"]); // the sentence under "Cannot tell" says this already
  const once = all.filter(({ code }) => !codes.has(code) && codes.add(code));
  const said = once.slice(0, MOST_REASONS).map(({ code, message }) => {
    if (hasText(`reasons.${code}`)) return { text: text(`reasons.${code}`) };
    return { text: sentence((isText(message) ? message : code).slice(0, LONGEST_MESSAGE)), english: true };
  });
  if (answer.faces.length > 1) said.unshift({ text: text("result.found", { count: answer.faces.length }) });
  // A host may hand the extension another picture than it handed the page.
  if (shape && differs(shape, answer)) said.unshift({ text: text("extension.otherShape") });
  if (redrawn) said.unshift({ text: text("extension.redrawn") });
  return said;
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
  if (WORTH_RETRYING.includes(known)) actions.push({ name: "again", label: text("extension.again") });
  if (FOR_OPTIONS.includes(known)) actions.push({ name: "options", label: text("extension.toOptions") });
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
  if (!message || SAID_ALREADY.includes(code)) return [];
  return [{ text: sentence(message.slice(0, LONGEST_MESSAGE)), english: true }];
}
