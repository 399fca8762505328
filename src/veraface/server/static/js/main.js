// Joins the parts: a picture comes in, is shown and judged, and the answer is laid out.
import { fetchStatus, judge } from "./api.js";
import { byId, element } from "./dom.js";
import { faultAnnouncement, faultView } from "./fault.js";
import { megabytes } from "./format.js";
import { setUpIntake } from "./intake.js";
import { fillIn, loadLanguage, setUpLanguageMenu, text } from "./language.js";
import { Stage } from "./stage.js";
import { setUpTheme } from "./theme.js";
import { announcement, decisiveFace, verdictView } from "./verdict.js";

const HERE = ["localhost", "127.0.0.1", "[::1]"];

const words = loadLanguage(); // comes while the rest is set up: nothing that a person does early is lost
const nameTheme = setUpTheme(byId("theme"));
const stage = new Stage();
const panel = byId("panel");
const live = byId("live");
let underWay = null; // the picture that was taken last: its file, and the AbortController of its request
let status = null; // what the server said of itself
let notice = ""; // the name of its words
let layOut = () => {}; // the panel for the picture of the moment, and what is said of it

words.then(() => {
  sayAll();
  setUpLanguageMenu(byId("language"), sayAll);
});

setUpIntake(
  { input: byId("file"), choosers: [byId("choose"), byId("another")], veil: byId("veil") },
  take,
  (name) => words.then(() => showNotice(name)),
);
byId("home").addEventListener("click", (event) => {
  event.preventDefault();
  reset();
});
readStatus();

async function readStatus() {
  [status] = await Promise.all([fetchStatus(), words]);
  sayStatus();
}

// Everything that the page says, in the language of the moment.
function sayAll() {
  fillIn(document);
  const here = HERE.includes(location.hostname);
  byId("privacy").textContent = here ? text("privacy.here") : text("privacy.elsewhere", { host: location.hostname });
  nameTheme();
  sayStatus();
  showNotice(notice);
  if (!underWay?.file.name) byId("filename").textContent = text("unnamed");
  stage.say();
  layOut();
}

function sayStatus() {
  if (!status) return;
  byId("limit").textContent = text("intake.upTo", { size: megabytes(status.limits.max_upload_bytes) });
  byId("model").textContent = status.loaded ? `${status.name} ${status.version}` : text("footer.noModel");
}

async function take(file, said = "") {
  await words;
  underWay?.controller.abort();
  const own = { file, controller: new AbortController() };
  underWay = own;
  document.body.dataset.state = "judging";
  byId("filename").textContent = file.name || text("unnamed");
  showNotice(said);
  stage.preview(file);
  layOut = () => {
    panel.replaceChildren(...skeleton());
    live.textContent = text("judging.heading");
  };
  layOut();
  panel.setAttribute("aria-busy", "true");
  const outcome = tooLarge(file) ?? (await judge(file, own.controller.signal));
  if (!outcome || own !== underWay) return;
  panel.setAttribute("aria-busy", "false");
  if (outcome.kind === "judged") showVerdict(outcome.answer);
  else showFault(outcome, () => take(file));
}

// Refused before it is sent: a browser may not get to read an answer that comes while it still sends.
function tooLarge(file) {
  const most = status?.limits.max_upload_bytes ?? Infinity;
  if (file.size <= most) return null;
  return { kind: "failed", code: "image_too_large", limit: { size: file.size, most }, answer: {} };
}

function showVerdict(answer) {
  document.body.dataset.state = "judged";
  const select = (index) => {
    const keepFocus = panel.contains(document.activeElement);
    stage.select(index);
    panel.replaceChildren(...verdictView(answer, index, select).filter(Boolean));
    if (keepFocus) panel.querySelectorAll(".face-item")[index]?.focus();
  };
  stage.onSelect = select;
  stage.selected = decisiveFace(answer.faces);
  layOut = () => {
    const index = stage.selected;
    stage.finish(answer, index);
    select(index);
    live.textContent = announcement(answer);
  };
  layOut();
}

function showFault(failure, retry) {
  document.body.dataset.state = "failed";
  stage.onSelect = (index) => stage.select(index);
  layOut = () => {
    stage.finish(failure.answer, -1);
    panel.replaceChildren(...faultView(failure, retry).filter(Boolean));
    live.textContent = faultAnnouncement(failure);
  };
  layOut();
}

function reset() {
  underWay?.controller.abort();
  underWay = null;
  layOut = () => {};
  stage.clear();
  panel.replaceChildren();
  live.textContent = "";
  showNotice("");
  document.body.dataset.state = "empty";
  byId("choose").focus();
}

function showNotice(name) {
  notice = name;
  for (const node of document.querySelectorAll(".notice")) node.textContent = name && text(name);
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
        element("h2", { id: "verdict", tabindex: "-1" }, text("judging.heading")),
        element("p", {}, text("judging.detail")),
      ),
    ),
    element("div", { class: "bones", "aria-hidden": "true" }, line("tall"), line("wide"), line("half"), line("wide")),
  ];
}
