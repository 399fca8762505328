// The panel beside an image: verdict, probability, reasons and details.
import { element, icon } from "./dom.js";
import { bytes, faceLabel, milliseconds, percent, sentence, verdictOf } from "./format.js";
import { hasText, number, text } from "./language.js";
import { provenanceView } from "./provenance.js";
import { bandText, scaleLabel, zonesOf } from "./thresholds.js";
import { probabilityBar, uniqueReasons } from "./verdictParts.js";

/** The whole panel of an analyzed check; `select(index)` is called when a face is chosen from the list. */
export function verdictView({ answer, hash, size }, selected, select) {
  const face = answer.faces[selected];
  const single = answer.faces.length === 1;
  return [
    headline(answer.verdict),
    single ? null : faceList(answer.faces, selected, select),
    single ? null : element("h3", { class: "face-name" }, text("result.face", { number: selected + 1 })),
    single ? null : faceSentence(face),
    face.p_fake === null ? null : probability(face.p_fake, answer.thresholds),
    reasons(single ? [...answer.reasons, ...face.reasons] : face.reasons, single ? [] : answer.reasons),
    provenanceView(answer.provenance),
    details(answer, face, { hash, size }),
  ];
}

export function announcement(answer) {
  const verdict = text(`verdicts.${answer.verdict}.name`);
  const summary = text("result.announce", { verdict, percent: percent(answer.p_fake) });
  return `${summary} ${text("result.found", { count: answer.faces.length })}`;
}

/** Which face to show first: the one that decides. */
export function decisiveFace(faces) {
  const ranked = faces.map((face, index) => [face.p_fake ?? -1, index]);
  return ranked.reduce((best, next) => (next[0] > best[0] ? next : best), [-2, 0])[1];
}

export function headline(verdict) {
  const name = text(`verdicts.${verdict}.name`);
  const detail = text(`verdicts.${verdict}.detail`);
  return element(
    "header",
    { class: "headline", "data-verdict": verdict },
    element("span", { class: "badge" }, icon(verdict)),
    element("div", {}, element("h2", { id: "verdict", tabindex: "-1" }, name), element("p", {}, detail)),
  );
}

function faceSentence(face) {
  const verdict = verdictOf(face);
  const name = element("strong", {}, text(`verdicts.${verdict}.name`));
  return element("p", { class: "face-verdict", "data-verdict": verdict }, name, element("span", {}, text(`verdicts.${verdict}.detail`)));
}

export function probability(p, thresholds) {
  // Labels that do not fit their zone are left to the sentence below the bar.
  const fits = ({ from, to, label }) => (to - from) * 44 > label.length;
  const bar = probabilityBar({ p, zones: zonesOf(thresholds), label: scaleLabel(p, thresholds), fits });
  return element(
    "section",
    { class: "probability" },
    element(
      "p",
      { class: "figure" },
      element("span", { class: "label" }, text("result.probability")),
      element("strong", { id: "p-fake" }, percent(p)),
    ),
    bar,
    element("p", { class: "hint" }, bandText(thresholds)),
  );
}

function faceList(faces, selected, select) {
  const decisive = decisiveFace(faces);
  const buttons = faces.map((face, index) => {
    const label = faceLabel(face, index);
    const button = faceButton(face, index, {
      label: index === decisive ? `${label}. ${text("result.decisive")}` : label,
      attributes: { "aria-pressed": String(index === selected) },
    });
    button.addEventListener("click", () => select(index));
    return button;
  });
  return faceSection(buttons);
}

/** One face in a list of faces: number, verdict, chance and further nodes; label for screen readers. */
export function faceButton(face, index, { label, attributes = {}, more = [] }) {
  const verdict = verdictOf(face);
  return element(
    "button",
    { type: "button", class: "face-item", "data-verdict": verdict, ...attributes },
    element("span", { class: "number", "aria-hidden": "true" }, String(index + 1)),
    element("span", { class: "what", "aria-hidden": "true" }, text(`verdicts.${verdict}.short`)),
    element("bdi", { class: "chance", "aria-hidden": "true" }, face.p_fake === null ? "–" : percent(face.p_fake)),
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

function details(answer, face, { hash, size }) {
  const [, , faceWidth, faceHeight] = face.box;
  const { name, version } = answer.model;
  const rows = [
    [text("result.rawScore"), face.p_fake === null ? "–" : rawScore(face), text("result.rawScoreHint")],
    [text("result.image"), `${answer.format}, ${answer.width} × ${answer.height}`, size && bytes(size)],
    [text("result.faceSize"), `${Math.round(faceWidth)} × ${Math.round(faceHeight)} px`],
    [text("result.model"), `${name} ${version}`],
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

function rawScore(face) {
  return number(1 - face.p_fake, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
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
    "div",
    { class: "timing" },
    element("dl", {}, row(text("result.time"), milliseconds(total))),
    split,
    element("ul", {}, legend),
  );
}
