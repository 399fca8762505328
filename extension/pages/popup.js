// The popup: checks an image that is dropped, pasted or chosen, and lists the recent checks.
import { brand, renderView } from "../core/render.js";
import { byId, element, icon } from "../../src/veraface/server/static/js/dom.js";
import { fillIn, isolated, text } from "../../src/veraface/server/static/js/language.js";
import { hostOf, isOnThisMachine, isUnprotected, plainName } from "../core/addresses.js";
import { browser } from "../core/browser.js";
import { checkImage } from "../core/check.js";
import { clearHistory, onHistoryChanged, readHistory } from "../core/history.js";
import { shownInWindow } from "../core/pageCheck.js";
import { onSettingsChanged, readSettings } from "../core/settings.js";
import { outcomeView, shortView, workingView } from "../core/resultView.js";
import { loadLanguage } from "../core/language.js";

const ICONS = { no_face: "no_face", face_too_small: "small" };

let latest = 0; // number of the latest check: results of earlier ones are not shown
let again = () => {};

setUpIntake();
byId("clear").addEventListener("click", clearHistory);
byId("options").addEventListener("click", () => browser.runtime.openOptionsPage());
byId("tab").addEventListener("click", async () => {
  await browser.tabs.create({ url: browser.runtime.getURL("pages/popup.html#tab") });
  close();
});
onHistoryChanged(drawRecent);
onSettingsChanged(fill);
if (location.hash) byId("tab").hidden = true;
const ready = fill();
await ready;
await drawShown(location.hash.slice(1));

async function fill() {
  const language = await loadLanguage();
  document.title = text("extension.name");
  fillIn(document.body);
  for (const button of document.querySelectorAll(".icon-button")) button.title = button.ariaLabel;
  byId("brand").replaceChildren(brand());
  drawPrivacy((await readSettings()).server);
  await drawRecent(language);
}

function setUpIntake() {
  const input = byId("file");
  byId("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", (event) => take(event.clipboardData?.files));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      document.body.classList.toggle("dropping", kind === "dragover");
    });
  }
  addEventListener("drop", (event) => {
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files);
    else ready.then(() => draw({ kind: "failed", code: "not_a_file", details: {} }));
  });
}

function take(files) {
  if (files?.length) check(files[0], plainName(files[0].name));
}

async function check(file, name) {
  const own = (latest += 1);
  await ready;
  const isLatest = () => own === latest;
  again = () => check(file, name);
  drawName(name);
  drawIn(workingView("detecting"));
  const outcome = await checkImage(async () => ({ blob: file, name }), {
    stage: (stage) => isLatest() && drawIn(workingView(stage === "reading" ? "detecting" : stage)),
    forget: browser.extension.inIncognitoContext,
  });
  if (isLatest()) draw(outcome);
}

function draw(outcome) {
  drawIn(outcomeView(outcome));
}

function drawIn(view) {
  const actions = { again: () => again(), options: () => browser.runtime.openOptionsPage() };
  document.body.classList.add("checked");
  byId("view").replaceChildren(...renderView(view, (name) => actions[name]()));
  byId("result").hidden = false;
  document.querySelector("main").scrollTop = 0;
}

// A result that the worker could not show on the page.
async function drawShown(id) {
  const shown = await shownInWindow(id);
  if (!shown) return;
  drawName(shown.name);
  drawIn({ ...shown.view, actions: [] });
}

function drawName(name) {
  byId("name").textContent = name || text("extension.unnamed");
}

function drawPrivacy(server) {
  const host = isolated(hostOf(server));
  const message = text(isOnThisMachine(server) ? "extension.popup.staysHere" : "extension.popup.goesTo", { host });
  const warning = isUnprotected(server) ? element("span", { class: "warning" }, ` ${text("extension.unprotected")}`) : null;
  byId("privacy").replaceChildren(...[message, warning].filter(Boolean));
}

async function drawRecent() {
  const entries = await readHistory();
  byId("recent").replaceChildren(...entries.map(recentItem));
  byId("clear").hidden = !entries.length;
  byId("empty").hidden = entries.length > 0;
  const { history } = await readSettings();
  byId("empty").textContent = text(history ? "extension.popup.none" : "extension.popup.off");
}

function recentItem({ time, verdict, p_fake: chance, name }) {
  const shown = shortView({ verdict, p_fake: chance });
  const when = new Date(time);
  const today = when.toDateString() === new Date().toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium" };
  const shownTime = new Intl.DateTimeFormat(document.documentElement.lang, { numberingSystem: "latn", ...style }).format(when);
  const label = name || text("extension.unnamed");
  return element(
    "li",
    { "data-verdict": shown.verdict },
    element("span", { class: "badge" }, icon(ICONS[verdict] ?? verdict)),
    element("span", { class: "what", title: label, dir: "auto" }, label),
    element("span", { class: "chance" }, shown.percent),
    element("span", { class: "verdict" }, shown.short),
    element("time", { datetime: when.toISOString() }, shownTime),
  );
}
