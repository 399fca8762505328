// Joins the parts: a picture comes in, is shown and judged, and the answer is laid out.
import { fetchStatus, judge } from "./api.js";
import { byId, element } from "./dom.js";
import { faultAnnouncement, faultView } from "./fault.js";
import { setUpIntake } from "./intake.js";
import { Stage } from "./stage.js";
import { fillIn, strings } from "./strings.js";
import { setUpTheme } from "./theme.js";
import { announcement, decisiveFace, verdictView } from "./verdict.js";

const HERE = ["localhost", "127.0.0.1", "[::1]"];

fillIn(document);
byId("privacy").textContent = HERE.includes(location.hostname)
  ? strings.privacy.here
  : strings.privacy.elsewhere(location.hostname);
setUpTheme(byId("theme"));
const stage = new Stage();
const panel = byId("panel");
const live = byId("live");
let underWay = null; // the AbortController of the picture being judged
let limits = null;

setUpIntake(
  { input: byId("file"), choosers: [byId("choose"), byId("another")], veil: byId("veil") },
  take,
  (notice) => showNotice(notice),
);
byId("home").addEventListener("click", (event) => {
  event.preventDefault();
  reset();
});
readStatus();

async function readStatus() {
  const status = await fetchStatus();
  if (!status) return;
  limits = status.limits;
  byId("limit").textContent = strings.intake.upTo(limits.max_upload_bytes);
  const { footer } = strings;
  byId("model").textContent = status.loaded ? footer.model(status.name, status.version) : footer.noModel;
}

async function take(file, notice = "") {
  underWay?.abort();
  const controller = new AbortController();
  underWay = controller;
  document.body.dataset.state = "judging";
  byId("filename").textContent = file.name || strings.unnamed;
  showNotice(notice);
  stage.preview(file);
  panel.replaceChildren(...skeleton());
  panel.setAttribute("aria-busy", "true");
  live.textContent = strings.judging.heading;
  const outcome = tooLarge(file) ?? (await judge(file, controller.signal));
  if (!outcome || controller !== underWay) return;
  panel.setAttribute("aria-busy", "false");
  if (outcome.kind === "judged") showVerdict(outcome.answer);
  else showFault(outcome, () => take(file));
}

// Refused before it is sent: a browser may not get to read an answer that comes while it still sends.
function tooLarge(file) {
  if (!limits || file.size <= limits.max_upload_bytes) return null;
  const message = strings.faults.image_too_large.limit(file.size, limits.max_upload_bytes);
  return { kind: "failed", code: "image_too_large", message, answer: {} };
}

function showVerdict(answer) {
  document.body.dataset.state = "judged";
  const select = (index) => {
    const keepFocus = panel.contains(document.activeElement);
    stage.select(index);
    panel.replaceChildren(...verdictView(answer, index, select).filter(Boolean));
    if (keepFocus) panel.querySelectorAll(".face-item")[index]?.focus();
  };
  const first = decisiveFace(answer.faces);
  stage.onSelect = select;
  stage.finish(answer, first);
  select(first);
  live.textContent = announcement(answer);
}

function showFault(failure, retry) {
  document.body.dataset.state = "failed";
  stage.onSelect = (index) => stage.select(index);
  stage.finish(failure.answer, -1);
  panel.replaceChildren(...faultView(failure, retry).filter(Boolean));
  live.textContent = faultAnnouncement(failure);
}

function reset() {
  underWay?.abort();
  underWay = null;
  stage.clear();
  panel.replaceChildren();
  live.textContent = "";
  showNotice("");
  document.body.dataset.state = "empty";
  byId("choose").focus();
}

function showNotice(text) {
  for (const node of document.querySelectorAll(".notice")) node.textContent = text;
}

function skeleton() {
  const line = (size) => element("span", { class: `bone ${size}` });
  return [
    element(
      "header",
      { class: "headline waiting" },
      element("span", { class: "badge bone" }),
      element(
        "div",
        {},
        element("h2", { id: "verdict", tabindex: "-1" }, strings.judging.heading),
        element("p", {}, strings.judging.detail),
      ),
    ),
    element("div", { class: "bones", "aria-hidden": "true" }, line("tall"), line("wide"), line("half"), line("wide")),
  ];
}
