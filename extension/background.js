// The worker: the entry in the context menu, and what the extension's scripts on pages ask for.
import { hostPattern, isSameOrigin } from "./core/addresses.js";
import { applyAutomatic, checkUnderPointer, showWholeCard } from "./core/automatic.js";
import { browser } from "./core/browser.js";
import { checkAgain, checkOnPage } from "./core/page_check.js";
import { onSettingsChanged, readSettings, saveSettings } from "./core/settings.js";
import { loadWords } from "./core/words.js";
import { text } from "./shared/language.js";

const MENU = "check";

// Scripts on pages have no business in the history and the settings. Firefox knows no such levels.
browser.storage.local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" });

browser.runtime.onInstalled.addListener(setUp);
browser.runtime.onStartup.addListener(setUp);
onSettingsChanged(setUp);

// Taken away in the browser's own settings.
browser.permissions.onRemoved.addListener(async () => {
  if ((await readSettings()).automatic && !(await applyAutomatic())) await saveSettings({ automatic: false });
});

browser.contextMenus.onClicked.addListener((info, tab) => {
  if (info.menuItemId !== MENU || !tab) return;
  // May only be asked while the click is being handled, so before anything is waited for.
  const allowed = mayRead(info.srcUrl ?? "", info.pageUrl);
  checkOnPage({ address: info.srcUrl ?? "", tab, frameId: info.frameId ?? 0, allowed, cookies: true });
});

browser.runtime.onMessage.addListener((message, sender, answer) => {
  if (sender.id !== browser.runtime.id || !sender.tab) return false;
  if (message?.ask === "again") checkAgain(String(message.id), sender);
  else if (message?.ask === "options") browser.runtime.openOptionsPage();
  else if (message?.ask === "under pointer") {
    checkUnderPointer(String(message.address), sender).then(answer);
    return true; // the answer comes later
  } else if (message?.ask === "whole card") {
    showWholeCard(String(message.address), sender);
  }
  return false;
});

async function setUp() {
  await loadWords();
  await browser.contextMenus.removeAll();
  browser.contextMenus.create({ id: MENU, title: text("extension.menu"), contexts: ["image"] }, () => {
    void browser.runtime.lastError; // set up twice at the same time: it is there all the same
  });
  await applyAutomatic();
}

// The tab's own host may be read since the click; any other host only where the person allows it.
function mayRead(address, page) {
  const pattern = hostPattern(address);
  if (!pattern || isSameOrigin(address, page)) return Promise.resolve(true);
  return browser.permissions.request({ origins: [pattern] }).catch(() => false);
}
