// The popup: checks an image that is dropped, pasted or chosen, and lists the recent checks.
import { brand, renderView } from "../core/render.js";
import { byId, element, icon } from "../../src/veraface/server/static/js/dom.js";
import { fillIn, isolated, text } from "../../src/veraface/server/static/js/language.js";
import { hostOf, isOnThisMachine, isUnprotected, plainName } from "../core/addresses.js";
import { browser } from "../core/browser.js";
import { checkImage } from "../core/check.js";
import { cutOuts } from "../core/cutOuts.js";
import { openFullResult } from "../core/fullResult.js";
import { clearHistory, onHistoryChanged, readHistory } from "../core/history.js";
import { keptImage } from "../core/images.js";
import { openFullInWindow, shownInWindow } from "../core/pageCheck.js";
import { onSettingsChanged, readSettings } from "../core/settings.js";
import { entryView, outcomeView, shortView, workingView } from "../core/resultView.js";
import { loadLanguage } from "../core/language.js";
import { loadWording } from "../core/wording.js";

const ICONS = { no_face: "no_face", face_obscured: "unclassified", face_too_small: "small" };

let latest = 0; // number of the latest check: results of earlier ones are not shown
let again = () => {};
let full = () => {}; // opens the full result of what is shown
let shownHash = null; // of what is shown: the list does not repeat it

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
  full = () => openFull(file, name);
  shownHash = null;
  drawName(name);
  drawIn(workingView("detecting"));
  const { incognito } = await currentWindow();
  const outcome = await checkImage(async () => ({ blob: file, name }), {
    stage: (stage) => isLatest() && drawIn(workingView(stage === "reading" ? "detecting" : stage)),
    forget: incognito,
  });
  if (!isLatest()) return;
  shownHash = outcome.sha256;
  draw(outcome);
  await drawRecent();
}

// In Chromium the popup runs in the same process for all windows, so only its window tells whether it is private.
async function currentWindow() {
  const { id, incognito } = await browser.windows.getCurrent();
  return { id, incognito: incognito || browser.extension.inIncognitoContext };
}

// The popup closes by itself once another tab is in front.
async function openFull(blob, name) {
  const { id, incognito } = await currentWindow();
  if (!(await openFullResult({ blob, name, windowId: incognito ? id : undefined }))) draw({ kind: "failed", code: "other", details: {} });
}

function draw(outcome) {
  drawIn(outcomeView(outcome, { full: true }));
}

function drawIn(view) {
  const actions = { again: () => again(), full: () => full(), options: () => browser.runtime.openOptionsPage() };
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
  full = async () => {
    const failure = await openFullInWindow(id);
    if (failure) drawIn(failure);
  };
  drawIn({ ...shown.view, actions: shown.view.actions.filter(({ name }) => name === "full") });
}

// An earlier check. Its image is in memory until the browser is closed, or until others took its room.
async function drawEntry(entry) {
  const own = (latest += 1);
  const blob = await keptImage(entry.sha256);
  const pictures = blob && entry.answer ? await cutOuts(blob, entry.answer) : [];
  if (own !== latest) return;
  full = () => openFull(blob, entry.name);
  shownHash = entry.sha256;
  drawName(entry.name);
  drawIn(entryView(entry, { pictures, full: Boolean(blob) }));
  byId("result").focus();
  await drawRecent();
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
  await loadWording(); // a check on a page may have changed it
  const entries = await readHistory();
  byId("recent").replaceChildren(...entries.filter(({ sha256 }) => sha256 !== shownHash).map(recentItem));
  byId("clear").hidden = !entries.length;
  byId("empty").hidden = entries.length > 0;
  const { history } = await readSettings();
  byId("empty").textContent = text(history ? "extension.popup.none" : "extension.popup.off");
}

function recentItem(entry) {
  const { time, verdict, p_fake, name, answer } = entry;
  const shown = shortView({ ...answer, verdict, p_fake });
  const when = new Date(time);
  const today = when.toDateString() === new Date().toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium" };
  const shownTime = new Intl.DateTimeFormat(document.documentElement.lang, { numberingSystem: "latn", ...style }).format(when);
  const label = name || text("extension.unnamed");
  const button = element(
    "button",
    { type: "button", class: "recent-item", "data-verdict": shown.verdict },
    element("span", { class: "badge" }, icon(ICONS[verdict] ?? verdict)),
    element("span", { class: "what", title: label, dir: "auto" }, label),
    element("span", { class: "chance" }, shown.percent),
    element("span", { class: "verdict" }, shown.short),
    element("time", { datetime: when.toISOString() }, shownTime),
  );
  button.addEventListener("click", () => drawEntry(entry));
  return element("li", {}, button);
}
