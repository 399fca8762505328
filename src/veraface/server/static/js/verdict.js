// The panel beside an image: the answer, its faces, reasons and details.
import { answerOf, faceAnswerOf, faceLabel, headlineOf, verdictName } from "./answer.js";
import { answerCard, answerDetails } from "./answerCard.js";
import { element, serverPath } from "./dom.js";
import { sizeAnchor } from "./faceSize.js";
import { findingsView, ratesText } from "./findings.js";
import { bytes, milliseconds, sentence, verdictOf } from "./format.js";
import { dateAndTime, hasText, text } from "./language.js";
import { provenanceView } from "./provenance.js";
import { probabilityBar, uniqueReasons } from "./verdictParts.js";

const CUT_OUT = 96; // px

/**
 * The panel of an analyzed check, whose faces have the order in which they are shown. `select(index)` is called when a
 * face is chosen from the list, `image` is the loaded image, `actions` are nodes with what can be done with the result.
 */
export function verdictView({ check, answer, selected, select, image, actions }) {
  const face = answer.faces[selected];
  const single = answer.faces.length === 1;
  const whole = answerOf(answer);
  return [
    answerCard(whole),
    single ? null : faceList(answer, selected, select, image),
    single ? null : faceView(face, selected, answer.thresholds),
    ...actions,
    answerDetails(whole),
    sizeLink(answer.reliability?.face_size),
    reasons(single ? [...answer.reasons, ...face.reasons] : face.reasons, single ? [] : answer.reasons),
    provenanceView(answer.provenance),
    findingsView(answer),
    details(answer, face, check),
  ];
}

export function announcement(answer) {
  return `${headlineOf(answerOf(answer))} ${text("result.found", { count: answer.faces.length })}`;
}

// To the figures of images like this one.
function sizeLink(size) {
  if (typeof size !== "string") return null;
  const href = serverPath(`/dashboard#${sizeAnchor(size)}`);
  return element("p", { class: "size-link" }, element("a", { href }, ratesText(size)));
}

function faceView(face, index, thresholds) {
  const { verdict, name, range, span, zones, scaleLabel, why } = faceAnswerOf(face, thresholds);
  return element(
    "section",
    { class: "face-answer", "data-verdict": verdict },
    element("h3", {}, text("result.face", { number: index + 1 })),
    element("p", { class: "face-verdict" }, element("strong", {}, name), range ? element("bdi", { class: "range" }, range) : null),
    span ? probabilityBar({ span, zones, label: scaleLabel }) : null,
    element("p", { class: "hint" }, why),
  );
}

function faceList({ faces, thresholds, width, height }, selected, select, image) {
  const buttons = faces.map((face, index) => {
    const label = faceLabel(face, index, thresholds);
    const button = faceButton(face, index, {
      label: index === 0 ? `${label}. ${text("result.decisive")}` : label,
      range: faceAnswerOf(face, thresholds).range,
      cutOut: image.naturalWidth ? cutOut(image, { width, height }, face) : null,
      attributes: { "aria-pressed": String(index === selected) },
    });
    button.addEventListener("click", () => select(index));
    return button;
  });
  return faceSection(buttons);
}

// The face, a little larger than its box.
function cutOut(image, size, { box: [x, y, width, height] }) {
  const side = 1.3 * Math.max(width, height);
  const canvas = element("canvas", { width: String(CUT_OUT), height: String(CUT_OUT), "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.scale(CUT_OUT / side, CUT_OUT / side);
  context.translate(side / 2 - x - width / 2, side / 2 - y - height / 2);
  context.drawImage(image, 0, 0, size.width, size.height);
  return canvas;
}

/** One face in a list of faces: cut-out, number, verdict, range and further nodes; label for screen readers. */
export function faceButton(face, index, { label, range, cutOut = null, attributes = {}, more = [] }) {
  return element(
    "button",
    { type: "button", class: "face-item", "data-verdict": verdictOf(face), ...attributes },
    cutOut,
    element("span", { class: "number", "aria-hidden": "true" }, String(index + 1)),
    element("span", { class: "what", "aria-hidden": "true" }, verdictName(face)),
    range ? element("bdi", { class: "chance", "aria-hidden": "true" }, range) : null,
    more,
    element("span", { class: "unseen" }, label),
  );
}

/** The section with these buttons of faces. */
export function faceSection(buttons) {
  const heading = element("h3", {}, text("result.faces", { count: buttons.length }));
  return element("section", { class: "faces" }, heading, element("ul", {}, buttons.map((button) => element("li", {}, button))));
}

export function reasons(own, ofImage) {
  const once = uniqueReasons([...ofImage, ...own]);
  if (!once.length) return null;
  const items = once.map(({ code, message }) => {
    if (hasText(`reasons.${code}`)) return element("li", { "data-code": code }, text(`reasons.${code}`));
    return element("li", { "data-code": code, lang: "en", dir: "ltr" }, sentence(message));
  });
  return element("section", { class: "reasons" }, element("h3", {}, text("result.reasons")), element("ul", {}, items));
}

function details(answer, face, { hash, size, time }) {
  const [, , faceWidth, faceHeight] = face.box;
  const { name, version } = answer.model;
  const rows = [
    [text("result.image"), `${answer.format}, ${answer.width} × ${answer.height}`, size && bytes(size)],
    [text("result.faceSize"), `${Math.round(faceWidth)} × ${Math.round(faceHeight)} px`],
    [text("result.model"), `${name} ${version}`],
    [text("result.checked"), time ? dateAndTime(time, { dateStyle: "medium", timeStyle: "short" }) : "–"],
    ["SHA-256", hash ?? "–"], // cut short on the screen only: it is copied and printed whole
  ];
  const list = element("dl", {}, rows.map(([term, value, hint]) => row(term, value, hint)));
  list.lastChild.classList.add("hash");
  return element(
    "section",
    { class: "details" },
    element("h3", {}, text("result.details")),
    list,
    timing(answer.timing_ms),
  );
}

function row(term, value, hint) {
  // Isolated: "96 × 115 px" reads from left to right among Arabic words too.
  const shown = [element("bdi", {}, value), hint ? element("small", {}, ` ${hint}`) : null];
  return element("div", {}, element("dt", {}, term), element("dd", {}, ...shown));
}

function timing({ total, ...stages }) {
  const split = element("div", { class: "split", "aria-hidden": "true" });
  const legend = Object.entries(stages).map(([stage, ms], at) => {
    const part = element("span", { class: `stage-${at}` });
    part.style.flexGrow = String(ms);
    split.append(part);
    const name = hasText(`result.stages.${stage}`) ? text(`result.stages.${stage}`) : stage;
    return element("li", { class: `stage-${at}` }, `${name} `, element("bdi", {}, milliseconds(ms)));
  });
  return element(
    "details",
    { class: "timing" },
    element("summary", {}, text("result.time"), " ", element("bdi", {}, milliseconds(total))),
    split,
    element("ul", {}, legend),
  );
}
