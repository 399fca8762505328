// The options page. Changes are stored at once; the server's address when it is submitted.
import { brand } from "../core/render.js";
import { byId, element } from "../../src/veraface/server/static/js/dom.js";
import { fillIn, isolated, LANGUAGES, text } from "../../src/veraface/server/static/js/language.js";
import { hostOf, hostPattern, isUnprotected, serverAddress } from "../core/addresses.js";
import { browser } from "../core/browser.js";
import { clearHistory } from "../core/history.js";
import { fetchStatus } from "../core/detect.js";
import { ALL_SITES, readSettings, saveSettings } from "../core/settings.js";
import { loadLanguage } from "../core/language.js";

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
  report("history-status", text("extension.options.cleared"), "good");
});
for (const change of [browser.permissions.onAdded, browser.permissions.onRemoved]) change.addListener(drawHosts);
await fill();
byId("server").value = settings.server;
document.querySelector("main").inert = false; // before, input would have been overwritten

async function fill() {
  await loadLanguage();
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
  for (const status of document.querySelectorAll(".status")) status.textContent = "";
  await drawHosts();
}

async function keep(changes) {
  await saveSettings(changes);
  settings = await readSettings();
}

// Browsers show the permission prompt only during the click, so allowed() precedes every other await.
async function saveServer(typed) {
  const server = serverAddress(typed);
  byId("server").setAttribute("aria-invalid", String(!server));
  if (!server) {
    report("server-status", text("extension.options.noAddress"), "bad");
    return;
  }
  const host = isolated(hostOf(server));
  if (!(await allowed([hostPattern(server)]))) {
    report("server-status", text("extension.options.notAllowed", { host }), "bad");
    return;
  }
  const before = (await readSettings()).server;
  await keep({ server });
  await revoke(before);
  byId("server").value = server;
  report("server-status", text("extension.options.asking", { host }), "");
  await reportServer(server, host);
}

async function reportServer(server, host) {
  const warning = isUnprotected(server) ? ` ${text("extension.unprotected")}` : "";
  try {
    const { model } = await fetchStatus(server);
    const message = model
      ? text("extension.options.answers", { host, model: isolated(`${model.name} ${model.version}`) })
      : text("extension.options.answersSoon", { host });
    report("server-status", message + warning, warning ? "warning" : "good");
  } catch {
    report("server-status", text("extension.options.noAnswer", { host }) + warning, "warning");
  }
}

async function switchAutomatic(wanted) {
  const granted = wanted && (await allowed(ALL_SITES));
  await keep({ automatic: granted });
  byId("automatic").checked = granted;
  if (!wanted) await revokeAllSites();
  report("automatic-status", wanted && !granted ? text("extension.options.automaticNotAllowed") : "", "bad");
}

// Chromium revokes each covered host together with the pattern: request the server's host again.
async function revokeAllSites() {
  await browser.permissions.remove({ origins: ALL_SITES }).catch(() => {});
  await allowed([hostPattern(settings.server)]);
}

function allowed(origins) {
  return browser.permissions.request({ origins }).catch(() => false);
}

// Revoke the permission for a server that is no longer used.
async function revoke(server) {
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

function report(id, message, tone) {
  byId(id).textContent = message;
  byId(id).dataset.tone = tone;
}
