// Checks of the image under the pointer, if the user enabled them and granted access to every website.
import { hostPattern, imageName } from "./addresses.js";
import { browser } from "./browser.js";
import { checkImage } from "./check.js";
import { checkOnPage } from "./pageCheck.js";
import { readImage } from "./readImage.js";
import { ALL_SITES, readSettings } from "./settings.js";
import { shortView } from "./resultView.js";
import { loadLanguage } from "./language.js";
import { isRightToLeft, text } from "../../src/veraface/server/static/js/language.js";

const SCRIPT = {
  id: "automatic",
  js: ["content/automatic.js"],
  matches: ["http://*/*", "https://*/*"], // limited to the sites that the user granted
  allFrames: true,
  runAt: "document_idle",
  persistAcrossSessions: true,
};
const NOTHING = { stop: false, badge: null };
const LATER = { ...NOTHING, later: true };

/** Register or unregister the content script according to the settings; false if they want it without permission. */
export async function applyAutomatic() {
  return navigator.locks.request("automatic", async () => {
    const wanted = (await readSettings()).automatic;
    const allowed = await browser.permissions.contains({ origins: ALL_SITES });
    const there = (await browser.scripting.getRegisteredContentScripts({ ids: [SCRIPT.id] })).length > 0;
    if (wanted && allowed && !there) await browser.scripting.registerContentScripts([SCRIPT]);
    if (!(wanted && allowed) && there) await browser.scripting.unregisterContentScripts({ ids: [SCRIPT.id] });
    return !wanted || allowed;
  });
}

/** Show the card for an image that has a badge. Requests no cookies, like the badge. */
export async function showWholeCard(address, sender) {
  if (!(await readSettings()).automatic || !hostPattern(address)) return;
  await checkOnPage({ address, tab: sender.tab, frameId: sender.frameId });
}

/**
 * Returns { stop, badge, later }: whether to stop watching the page; a short verdict, or null without one; and whether
 * to ask again later, because only one check runs at a time. Sends no cookies and leaves no entry in the history.
 */
export async function checkUnderPointer(address, sender) {
  if (!(await readSettings()).automatic) return { stop: true, badge: null };
  if (!hostPattern(address) || sender.tab.incognito) return NOTHING;
  return navigator.locks.request("under pointer", { ifAvailable: true }, async (lock) => {
    if (!lock) return LATER;
    const read = async (limit) => ({ blob: await readImage(address, { limit }), name: imageName(address) });
    const outcome = await checkImage(read, { forget: true, pictures: false });
    if (outcome.kind !== "detected") return NOTHING;
    const language = await loadLanguage();
    const badge = { ...shortView(outcome.answer), label: text("extension.whole"), language, rightToLeft: isRightToLeft() };
    return { stop: false, badge };
  });
}
