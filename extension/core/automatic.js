// Checks of what the pointer rests on: only where the person has switched them on and allowed every website.
import { hostPattern, pictureName } from "./addresses.js";
import { browser } from "./browser.js";
import { checkPicture } from "./checking.js";
import { checkOnPage } from "./page_check.js";
import { readPicture } from "./reading.js";
import { EVERYWHERE, readSettings } from "./settings.js";
import { shortView } from "./view.js";
import { loadWords } from "./words.js";
import { isRightToLeft, text } from "../shared/language.js";

const SCRIPT = {
  id: "automatic",
  js: ["content/automatic.js"],
  matches: ["http://*/*", "https://*/*"], // where it is allowed, and only there
  allFrames: true,
  runAt: "document_idle",
  persistAcrossSessions: true,
};
const NOTHING = { stop: false, badge: null };
const LATER = { ...NOTHING, later: true };

/** Puts the script on pages or takes it off, as the settings say. Whether that is what they say now. */
export async function applyAutomatic() {
  return navigator.locks.request("automatic", async () => {
    const wanted = (await readSettings()).automatic;
    const allowed = await browser.permissions.contains({ origins: EVERYWHERE });
    const there = (await browser.scripting.getRegisteredContentScripts({ ids: [SCRIPT.id] })).length > 0;
    if (wanted && allowed && !there) await browser.scripting.registerContentScripts([SCRIPT]);
    if (!(wanted && allowed) && there) await browser.scripting.unregisterContentScripts({ ids: [SCRIPT.id] });
    return !wanted || allowed;
  });
}

/** The whole card for what a badge was shown for; again without cookies. */
export async function showWholeCard(address, sender) {
  if (!(await readSettings()).automatic || !hostPattern(address)) return;
  await checkOnPage({ address, tab: sender.tab, frameId: sender.frameId });
}

/**
 * Returns { stop, badge, later }: whether to leave off; a verdict in short, or null where there is none; and whether
 * to ask again, as there is one at a time. Without cookies; not remembered.
 */
export async function checkUnderPointer(address, sender) {
  if (!(await readSettings()).automatic) return { stop: true, badge: null };
  if (!hostPattern(address) || sender.tab.incognito) return NOTHING;
  return navigator.locks.request("under pointer", { ifAvailable: true }, async (lock) => {
    if (!lock) return LATER;
    const read = async (limit) => ({ blob: await readPicture(address, { limit }), name: pictureName(address) });
    const outcome = await checkPicture(read, { forget: true });
    if (outcome.kind !== "judged") return NOTHING;
    const language = await loadWords();
    const badge = { ...shortView(outcome.answer), label: text("extension.whole"), language, rightToLeft: isRightToLeft() };
    return { stop: false, badge };
  });
}
