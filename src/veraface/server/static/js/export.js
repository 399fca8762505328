// Results as JSON and CSV files, without images.
import { nameOf } from "./format.js";

const BOM = "\ufeff"; // Excel reads UTF-8 only with it
// Spreadsheets take a cell that starts so for a formula, wide signs included.
const FORMULA = /^[\s\u0000-\u001f]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/** A JSON file with an array of objects. Takes entries of the history, and checks. */
export function entriesAsJson(entries) {
  return new Blob([`${JSON.stringify(entries.map(record), null, 2)}\n`], { type: "application/json" });
}

/** A CSV file (RFC 4180) that Excel reads as well, and in which nothing becomes a formula. */
export function entriesAsCsv(entries) {
  const rows = entries.map((entry) => row(record(entry)));
  const lines = [Object.keys(row(record({}))), ...rows.map(Object.values)].map((cells) => cells.map(cell).join(","));
  return new Blob([BOM, ...lines.map((line) => `${line}\r\n`)], { type: "text/csv;charset=utf-8" });
}

/** A file name after that of the image: fileNameFor({ name: "party.jpg" }, "report.html") is "party-report.html". */
export function fileNameFor(check, ending) {
  const stem = nameOf(check).replace(/\.[^.]{1,5}$/, "").replace(/[\\/:*?"<>|\s]+/g, "-").replace(/^[.-]+/, "").slice(0, 80);
  return `${stem || "image"}-${ending}`;
}

/** Has the browser save it under that name. */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // not before the browser has read it
}

function record({ name, time, hash, verdict, p_fake, answer, failure, decision, note }) {
  const range = answer?.p_fake_range ?? [p_fake ?? null, p_fake ?? null];
  return {
    name: name ?? "",
    time: time ? new Date(time).toISOString() : null,
    hash: hash ?? null,
    verdict: verdict ?? null,
    p_fake: p_fake ?? null,
    p_fake_range: range,
    reasons: reasonsOf(answer),
    failure: failure?.code ?? null,
    decision: decision ?? null,
    note: note ?? "",
    faces: facesOf(answer).map(({ heatmap: _, frames: __, ...face }) => face),
    model: answer?.model ?? null,
    thresholds: answer?.thresholds ?? null,
  };
}

// Of an image, or of a video.
function facesOf(answer) {
  return answer?.faces ?? answer?.tracks ?? [];
}

// Of the image and of its faces, each once.
function reasonsOf(answer) {
  const all = [...(answer?.reasons ?? []), ...facesOf(answer).flatMap(({ reasons }) => reasons ?? [])];
  return [...new Set(all.map(({ code }) => code))];
}

function row({ faces, model, thresholds, p_fake_range, reasons, ...plain }) {
  return {
    ...plain,
    p_fake_low: p_fake_range[0],
    p_fake_high: p_fake_range[1],
    reasons: reasons.join(" "),
    faces: faces.length,
    model: model?.name ?? null,
    model_version: model?.version ?? null,
    threshold_real: thresholds?.real ?? null,
    threshold_fake: thresholds?.fake ?? null,
  };
}

// Always in quotes: some spreadsheets part cells at a semicolon, and would find a formula behind it.
function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : String(value);
  return `"${safe.replaceAll('"', '""')}"`;
}
