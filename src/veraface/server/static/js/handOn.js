// What can be done with a result: a signed report, a summary or image for the clipboard, files, print, a search elsewhere.
import { answerOf, summaryOf } from "./answer.js";
import { byId, element } from "./dom.js";
import { download, entriesAsJson, fileNameFor } from "./export.js";
import { nameOf } from "./format.js";
import { dateAndTime, text } from "./language.js";
import { menu } from "./menu.js";
import { showNotice } from "./notice.js";
import { fetchReport, reportInTab } from "./report.js";
import { status } from "./status.js";
import { whereElseMenu } from "./whereElse.js";

/** The actions of an analyzed check. */
export function handOnView(check, viewer) {
  const reports = Boolean(status()?.limits.reports); // not where the server lacks what signs them
  const withFile = reports && Boolean(check.file || check.link);
  const report = action("report", "handOn.report", (button) => saveReport(check, button), "primary");
  report.disabled = !withFile; // of an image from the history only a small copy is kept
  return element(
    "section",
    { class: "hand-on", "data-label": "handOn.label" },
    element(
      "div",
      { class: "actions" },
      reports ? report : null,
      action("copy-summary", "handOn.copySummary", (button) => copySummary(check, button)),
      whereElseMenu(check),
      moreMenu(check, viewer, withFile),
    ),
    reports ? element("p", { class: "hint", "data-text": withFile ? "handOn.reportHint" : "handOn.reportNeedsFile" }) : null,
  );
}

/** The result in plain text: the answer, the file, when and by what it was checked. */
export function resultText(check) {
  const { model } = check.answer;
  const file = `${nameOf(check)}${check.hash ? ` (SHA-256 ${check.hash})` : ""}`;
  return summaryOf(answerOf(check.answer), [`${file}, ${dateAndTime(check.time)}, ${model.name} ${model.version} (Veraface).`]);
}

function moreMenu(check, viewer, reportable) {
  const png = async () => (await import("./snapshot.js")).snapshot(check, viewer);
  const wrongAnswer = async () => (await import("./wrongAnswer.js")).openWrongAnswer(check);
  const items = [
    reportable ? action("print-report", "handOn.printReport", () => reportInTab(check)) : null,
    canCopyImage() ? action("copy-image", "handOn.copyImage", () => copyImage(png)) : null,
    navigator.canShare ? action("share", "handOn.share", () => share(check, png)) : null,
    action("save-image", "result.saveImage", async () => download(await png(), fileNameFor(check, "veraface.png"))),
    action("save-json", "result.saveJson", () => download(entriesAsJson([check]), fileNameFor(check, "veraface.json"))),
    action("print", "result.print", () => print()),
    check.file ? action("wrong-answer", "wrongAnswer.action", wrongAnswer) : null,
  ];
  return menu("more", "handOn.more", items.filter(Boolean));
}

/** A button that calls `press(button)`; the one of a video uses it as well, like those below. */
export function action(id, path, press, look = "quiet") {
  const button = element("button", { type: "button", class: look, id, "data-text": path });
  button.addEventListener("click", () => press(button));
  return button;
}

export async function saveReport(check, button) {
  button.disabled = true;
  byId("live").textContent = text("handOn.making");
  const outcome = await fetchReport(check);
  button.disabled = false;
  if (outcome.kind === "report") {
    download(outcome.file, fileNameFor(check, "report.html"));
    confirm(button, "handOn.saved");
  } else showNotice(`faults.${outcome.code}.detail`);
}

export async function copySummary(check, button) {
  try {
    await navigator.clipboard.writeText(resultText(check));
    confirm(button, "handOn.copied");
  } catch {
    showNotice("handOn.notCopied");
  }
}

export function canCopyImage() {
  return Boolean(navigator.clipboard?.write && globalThis.ClipboardItem);
}

export async function copyImage(png) {
  try {
    // A promise: the browser asks for the permission of the click at once.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png() })]);
    byId("live").textContent = text("handOn.copied");
  } catch {
    showNotice("handOn.notCopied");
  }
}

export async function share(check, png) {
  const files = [new File([await png()], fileNameFor(check, "veraface.png"), { type: "image/png" })];
  const shared = { text: resultText(check) };
  try {
    await navigator.share(navigator.canShare({ files }) ? { ...shared, files } : shared);
  } catch (error) {
    if (error.name !== "AbortError") showNotice("handOn.notShared");
  }
}

// The button shows for a moment that it is done.
function confirm(button, path) {
  button.textContent = text(path);
  byId("live").textContent = text(path);
  setTimeout(() => (button.textContent = text(button.dataset.text)), 2000);
}
