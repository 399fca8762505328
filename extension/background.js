// The service worker: the context menu entry and the requests of content scripts.
import { hostPattern, isSameOrigin } from "./core/addresses.js";
import { applyAutomatic, checkUnderPointer, showWholeCard } from "./core/automatic.js";
import { browser } from "./core/browser.js";
import { checkAgain, checkOnPage, forgetPrivateChecks, openFull } from "./core/pageCheck.js";
import { onSettingsChanged, readSettings, saveSettings } from "./core/settings.js";
import { loadLanguage } from "./core/language.js";
import { text } from "../src/veraface/server/static/js/language.js";

const MENU = "check";

// Content scripts get no access to the history and the settings. Firefox has no access levels.
browser.storage.local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" });

browser.runtime.onInstalled.addListener(setUp);
browser.runtime.onStartup.addListener(setUp);
onSettingsChanged(setUp);

// Permissions can be revoked in the browser's settings.
browser.permissions.onRemoved.addListener(async () => {
  if ((await readSettings()).automatic && !(await applyAutomatic())) await saveSettings({ automatic: false });
});

browser.windows.onRemoved.addListener(forgetPrivateChecks);

browser.contextMenus.onClicked.addListener((info, tab) => {
  if (info.menuItemId !== MENU || !tab) return;
  // Browsers show the permission prompt only during the click, so this precedes every await.
  const allowed = mayRead(info.srcUrl ?? "", info.pageUrl);
  checkOnPage({ address: info.srcUrl ?? "", tab, frameId: info.frameId ?? 0, allowed, cookies: true });
});

browser.runtime.onMessage.addListener((message, sender, answer) => {
  if (sender.id !== browser.runtime.id || !sender.tab) return false;
  if (message?.ask === "again") checkAgain(String(message.id), sender);
  else if (message?.ask === "full") openFull(String(message.id), sender);
  else if (message?.ask === "options") browser.runtime.openOptionsPage();
  else if (message?.ask === "under pointer") {
    checkUnderPointer(String(message.address), sender).then(answer);
    return true; // the answer is sent asynchronously
  } else if (message?.ask === "whole card") {
    showWholeCard(String(message.address), sender);
  }
  return false;
});

async function setUp() {
  await loadLanguage();
  await browser.contextMenus.removeAll();
  browser.contextMenus.create({ id: MENU, title: text("extension.menu"), contexts: ["image"] }, () => {
    void browser.runtime.lastError; // a concurrent setUp() created the entry
  });
  await applyAutomatic();
}

// The click grants access to the tab's own host; other hosts need the user's permission.
function mayRead(address, page) {
  const pattern = hostPattern(address);
  if (!pattern || isSameOrigin(address, page)) return Promise.resolve(true);
  return browser.permissions.request({ origins: [pattern] }).catch(() => false);
}
