// The options. Everything is kept as soon as it is chosen; the server's address when it is saved.
import { brand } from "../core/drawing.js";
import { byId, element } from "../shared/dom.js";
import { fillIn, isolated, LANGUAGES, text } from "../shared/language.js";
import { hostOf, hostPattern, isUnprotected, serverAddress } from "../core/addresses.js";
import { browser } from "../core/browser.js";
import { clearHistory } from "../core/history.js";
import { askStatus } from "../core/judging.js";
import { EVERYWHERE, readSettings, saveSettings } from "../core/settings.js";
import { loadWords } from "../core/words.js";

const required = browser.runtime.getManifest().host_permissions;
let settings = null;

byId("server-form").addEventListener("submit", (event) => {
  event.preventDefault();
  saveServer(byId("server").value);
});
byId("language").addEventListener("change", async () => {
  await keep({ language: byId("language").value });
  await fill();
});
byId("automatic").addEventListener("change", () => switchAutomatic(byId("automatic").checked));
byId("history").addEventListener("change", () => keep({ history: byId("history").checked }));
byId("clear").addEventListener("click", async () => {
  await clearHistory();
  say("history-said", text("extension.options.cleared"), "good");
});
for (const change of [browser.permissions.onAdded, browser.permissions.onRemoved]) change.addListener(drawHosts);
await fill();
byId("server").value = settings.server;
document.querySelector("main").inert = false; // until here nothing could be chosen: it would have been overwritten

async function fill() {
  await loadWords();
  settings = await readSettings();
  document.title = text("extension.options.title");
  fillIn(document.body);
  byId("brand").replaceChildren(brand());
  const own = new Option(text("extension.options.browserLanguage"), "");
  const options = Object.entries(LANGUAGES).map(([name, label]) => Object.assign(new Option(label, name), { lang: name }));
  byId("language").replaceChildren(own, ...options);
  byId("language").value = settings.language;
  byId("automatic").checked = settings.automatic;
  byId("history").checked = settings.history;
  for (const said of document.querySelectorAll(".said")) said.textContent = "";
  await drawHosts();
}

async function keep(changes) {
  await saveSettings(changes);
  settings = await readSettings();
}

// Asked before anything is waited for: the browser lets an extension ask only while the click is being handled.
async function saveServer(typed) {
  const server = serverAddress(typed);
  byId("server").setAttribute("aria-invalid", String(!server));
  if (!server) {
    say("server-said", text("extension.options.noAddress"), "bad");
    return;
  }
  const host = isolated(hostOf(server));
  if (!(await allowed([hostPattern(server)]))) {
    say("server-said", text("extension.options.notAllowed", { host }), "bad");
    return;
  }
  const before = (await readSettings()).server;
  await keep({ server });
  await letGo(before);
  byId("server").value = server;
  say("server-said", text("extension.options.asking", { host }), "");
  await sayWhoAnswers(server, host);
}

async function sayWhoAnswers(server, host) {
  const warning = isUnprotected(server) ? ` ${text("extension.unprotected")}` : "";
  try {
    const { model } = await askStatus(server);
    const said = model
      ? text("extension.options.answers", { host, model: isolated(`${model.name} ${model.version}`) })
      : text("extension.options.answersSoon", { host });
    say("server-said", said + warning, warning ? "open" : "good");
  } catch {
    say("server-said", text("extension.options.noAnswer", { host }) + warning, "open");
  }
}

async function switchAutomatic(wanted) {
  const granted = wanted && (await allowed(EVERYWHERE));
  await keep({ automatic: granted });
  byId("automatic").checked = granted;
  if (!wanted) await giveBack();
  say("automatic-said", wanted && !granted ? text("extension.options.automaticNotAllowed") : "", "bad");
}

// With every website Chromium takes back each single one, a server's too.
async function giveBack() {
  await browser.permissions.remove({ origins: EVERYWHERE }).catch(() => {});
  await allowed([hostPattern(settings.server)]);
}

function allowed(origins) {
  return browser.permissions.request({ origins }).catch(() => false);
}

// The host of a server that is no longer the one in use.
async function letGo(server) {
  const pattern = hostPattern(server);
  if (required.includes(pattern) || pattern === hostPattern(settings.server)) return;
  await browser.permissions.remove({ origins: [pattern] }).catch(() => {});
}

async function drawHosts() {
  const { origins = [] } = await browser.permissions.getAll();
  const extra = origins.filter((origin) => !required.includes(origin)).sort();
  const items = extra.map((origin) => {
    const remove = element("button", { type: "button", class: "quiet" }, text("extension.options.remove"));
    remove.setAttribute("aria-label", text("extension.options.removeHost", { host: origin }));
    remove.addEventListener("click", () => browser.permissions.remove({ origins: [origin] }));
    return element("li", {}, element("bdi", {}, origin), remove);
  });
  if (!items.length) items.push(element("li", { class: "help" }, text("extension.options.noHosts")));
  byId("hosts").replaceChildren(...items);
}

function say(id, said, tone) {
  byId(id).textContent = said;
  byId(id).dataset.tone = tone;
}
