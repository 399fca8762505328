// The panel beside a video: verdict, faces, notes and details; and the table of frames.
import { answerOf, faceAnswerOf, faceLabel, headlineOf } from "../answer.js";
import { answerCard, answerDetails } from "../answerCard.js";
import { element } from "../dom.js";
import { findingsView } from "../findings.js";
import { bytes, rangeText } from "../format.js";
import { dateAndTime, text } from "../language.js";
import { provenanceView } from "../provenance.js";
import { isProvenance } from "../validate.js";
import { faceButton, faceSection, reasons } from "../verdict.js";
import { hidesNumbers } from "../wording.js";
import { clock } from "./files.js";
import { cutOut } from "./keyFrames.js";
import { frameVerdict } from "./times.js";

/** The whole panel of an analyzed video; calls `look(track)` when a face is chosen. `actions` are nodes with what can be done with it. */
export function videoPanel({ answer, size, hash, time }, look, actions) {
  const whole = answerOf(answer);
  return [
    answerCard(whole),
    faces(answer, look),
    ...actions,
    answerDetails(whole),
    reasons([], answer.reasons),
    isProvenance(answer.provenance) ? provenanceView(answer.provenance) : null, // of some containers only
    findingsView(answer),
    details(answer, { size, hash, time }),
  ].filter(Boolean);
}

/** The announcement for screen readers. */
export function videoAnnouncement(answer) {
  return `${headlineOf(answerOf(answer))} ${text("video.frames", { count: answer.timeline.length })}`;
}

/** All frames as a table, collapsed at first. */
export function frameTable({ timeline, thresholds }) {
  const columns = hidesNumbers() ? ["video.time", "video.verdict"] : ["video.time", "result.probability", "video.verdict"];
  const head = columns.map((path) => element("th", { scope: "col" }, text(path)));
  const rows = timeline.map(({ time, p_fake }) => {
    const verdict = frameVerdict(p_fake, thresholds);
    const name = verdict ? text(`verdicts.${verdict}.name`) : text("video.noFace");
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, element("bdi", {}, clock(time, true))),
      hidesNumbers() ? null : element("td", {}, p_fake === null ? "–" : rangeText([p_fake, p_fake], thresholds)),
      element("td", {}, name),
    );
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows));
  return element("details", { class: "frame-table" }, element("summary", {}, text("video.table")), table);
}

function faces(answer, look) {
  const { tracks, thresholds } = answer;
  const buttons = tracks.map((track, index) => {
    const [from, to] = [track.frames[0], track.frames.at(-1)].map(({ time }) => clock(time));
    const button = faceButton(track, index, {
      label: `${faceLabel(track, index, thresholds)}. ${text("video.seen", { from, to })}. ${text("video.look")}`,
      range: faceAnswerOf(track, thresholds).range,
      cutOut: cutOut(track, answer),
      more: [element("bdi", { class: "when", "aria-hidden": "true" }, `${from}–${to}`)],
    });
    button.addEventListener("click", () => look(track));
    return button;
  });
  return faceSection(buttons);
}

function details({ width, height, duration, rate, codec, model, timing_ms }, { size, hash, time }) {
  const rows = [
    [text("result.checked"), dateAndTime(time, { dateStyle: "medium", timeStyle: "short" })],
    [text("video.video"), `${codec}, ${width} × ${height}`, size && bytes(size)],
    [text("video.length"), clock(duration, true), `${Math.round(rate * 100) / 100} fps`],
    [text("result.model"), `${model.name} ${model.version}`],
    [text("result.time"), `${(timing_ms.total / 1000).toFixed(1)} s`],
    ["SHA-256", hash ?? "–"],
  ];
  const row = ([term, value, hint]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, element("bdi", {}, value), hint ? element("small", {}, " ", element("bdi", {}, hint)) : null));
  const list = element("dl", {}, rows.map(row));
  list.lastChild.classList.add("hash");
  return element("section", { class: "details" }, element("h3", {}, text("result.details")), list);
}
