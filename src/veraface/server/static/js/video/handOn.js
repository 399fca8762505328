// What can be done with the result of a video: print it as a report of one page, a summary or image for the clipboard,
// files, a search elsewhere; of an animated image, a signed report.
import { element } from "../dom.js";
import { download, fileNameFor } from "../export.js";
import { action, canCopyImage, copyImage, copySummary, saveReport, share } from "../handOn.js";
import { fillIn } from "../language.js";
import { menu } from "../menu.js";
import { snapshot } from "../snapshot.js";
import { status } from "../status.js";
import { whereElseMenu } from "../whereElse.js";
import { videoImage } from "./summaryImage.js";

/** The actions of an analyzed video; `answer` is its result in the order of the page. */
export function videoHandOn(check, answer, printReport) {
  const shown = { ...check, answer };
  const reportable = check.animation && status()?.limits.reports;
  const png = async () => snapshot(shown, await videoImage(answer));
  const items = [
    canCopyImage() ? action("copy-image", "handOn.copyImage", () => copyImage(png)) : null,
    navigator.canShare ? action("share", "handOn.share", () => share(shown, png)) : null,
    action("save-image", "result.saveImage", async () => download(await png(), fileNameFor(check, "veraface.png"))),
    action("save-json", "result.saveJson", () => download(asJson(check), fileNameFor(check, "veraface.json"))),
  ];
  const node = element(
    "section",
    { class: "hand-on", "data-label": "handOn.label" },
    element(
      "div",
      { class: "actions" },
      reportable ? action("report", "handOn.report", (button) => saveReport(check, button), "primary") : null,
      action("print", "result.print", printReport, reportable ? "quiet" : "primary"),
      action("copy-summary", "handOn.copySummary", (button) => copySummary(shown, button)),
      whereElseMenu(check),
      menu("more", "handOn.more", items.filter(Boolean)),
    ),
  );
  fillIn(node);
  return node;
}

function asJson({ name, time, hash, answer }) {
  const timeline = answer.timeline.map(({ thumbnail: _, ...point }) => point);
  const content = JSON.stringify({ name, time: new Date(time).toISOString(), hash: hash ?? null, ...answer, timeline }, null, 2);
  return new Blob([`${content}\n`], { type: "application/json" });
}
