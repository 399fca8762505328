// A check of a picture on a page, told in a card beside it.
import { pictureName } from "./addresses.js";
import { browser } from "./browser.js";
import { checkPicture } from "./checking.js";
import { Fault } from "./fault.js";
import { readPicture } from "./reading.js";
import { outcomeView, workingView } from "./view.js";
import { loadWords } from "./words.js";
import { isRightToLeft, text } from "../shared/language.js";

const JOBS = "jobs";
const MOST_JOBS = 20; // kept so that they can be tried again
const SHOWN = "shown";
const MOST_SHOWN = 10; // kept for the windows that show them
const PAUSES = [20, 40, 80, 160, 320, 640]; // ms between tries to be let in to a page
// A page has pictures that no address leads to, and may have others by its own log-in.
const PAGE_MAY_HELP = ["picture_unreadable", "not_permitted"];

/**
 * @param wish.address The picture's, "" where the browser does not say.
 * @param wish.allowed A promise that the person was asked whether its host may be read, where that is needed.
 * @param wish.cookies Whether it may be asked for as the page itself asks for it.
 */
export async function checkOnPage({ address, tab, frameId, allowed = true, cookies = false }) {
  const job = { id: crypto.randomUUID(), address, tabId: tab.id, frameId, incognito: tab.incognito, cookies };
  await keepJob(job);
  await run(job, allowed);
}

/** Tries a picture again at the wish of the card that showed it, and of no other. */
export async function checkAgain(id, sender) {
  const job = (await kept(JOBS)).find((job) => job.id === id && job.tabId === sender.tab.id);
  if (job) await run(job, true);
}

async function run(job, allowed) {
  const language = await loadWords();
  const frame = await openCard(job, language);
  const show = (view) => frame && inPage(job, frame, (id, view) => globalThis.verafaceCard?.show(id, view), [job.id, view]);
  const shown = { shape: frame?.shape, redrawn: false };
  const outcome = await checkPicture(
    async (limit) => {
      await allowed;
      const { blob, redrawn } = await read(job, frame, limit);
      shown.redrawn = redrawn;
      return { blob, name: pictureName(job.address) };
    },
    { stage: (name) => show(workingView(name)), forget: job.incognito },
  );
  const view = outcomeView(outcome, shown);
  // A page may well take the card off, but not the verdict.
  if (!frame || (await show(view)) === "removed") await showInWindow(job, view);
}

// Into the frame of the picture, else, where that belongs to another host, the page's own.
async function openCard(job, language) {
  const view = workingView("judging");
  const labels = { close: text("extension.close"), card: text("extension.card") };
  const said = { id: job.id, view, labels, language, rightToLeft: isRightToLeft(), address: job.address };
  await letIn(job.tabId);
  for (const frameId of new Set([job.frameId, 0])) {
    try {
      const target = { tabId: job.tabId, frameIds: [frameId] };
      await browser.scripting.executeScript({ target, files: ["content/card.js"] });
      const [{ result }] = await browser.scripting.executeScript({
        target,
        func: (said) => globalThis.verafaceCard.open(said),
        args: [said],
      });
      if (result?.opened) return { id: frameId, shape: result.shape };
    } catch {
      // No script may run there.
    }
  }
  return null;
}

// The click lets the extension see the tab, but the page's own process hears of that a moment later: until then it
// turns scripts away. The browser itself knows at once, and tells the tab's address only where it is let in.
async function letIn(tabId) {
  const target = { tabId, frameIds: [0] };
  for (const pause of PAUSES) {
    try {
      await browser.scripting.executeScript({ target, func: () => true });
      return;
    } catch {
      const { url } = await browser.tabs.get(tabId).catch(() => ({}));
      if (!/^(https?|file):/.test(url ?? "")) return;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

async function inPage(job, frame, func, args) {
  try {
    const target = { tabId: job.tabId, frameIds: [frame.id] };
    const [{ result }] = await browser.scripting.executeScript({ target, func, args });
    return result;
  } catch {
    return undefined; // the page is gone
  }
}

// { blob, redrawn }
async function read(job, frame, limit) {
  const { address, cookies } = job;
  let fault = new Fault("picture_unreadable");
  const isPages = address.startsWith("blob:") || address === "";
  if (!isPages) {
    try {
      return { blob: await readPicture(address, { limit, cookies }), redrawn: false };
    } catch (caught) {
      fault = caught;
    }
  }
  if (!frame || !PAGE_MAY_HELP.includes(fault.code)) throw fault;
  const func = (address, limit) => globalThis.verafaceCard?.read(address, limit);
  const found = await inPage(job, frame, func, [address, limit]);
  if (found?.tooLarge) throw new Fault("image_too_large", { most: limit });
  if (!found?.data?.startsWith?.("data:")) throw fault;
  return { blob: await readPicture(found.data, { limit }), redrawn: Boolean(found.redrawn) };
}

// Where no card can be shown, as on the browser's own pages.
async function showInWindow({ id, address }, view) {
  await keepLatest(SHOWN, MOST_SHOWN, { id, view, name: pictureName(address) });
  const url = browser.runtime.getURL(`pages/popup.html#${id}`);
  await browser.windows.create({ url, type: "popup", width: 400, height: 640 });
}

/** What the window of a check shows: { view, name }. */
export async function shownInWindow(id) {
  return (await kept(SHOWN)).find((shown) => shown.id === id);
}

async function keepJob(job) {
  // A data: address can be as large as a picture; the page has it still.
  await keepLatest(JOBS, MOST_JOBS, { ...job, address: job.address.length > 100_000 ? "" : job.address });
}

async function kept(key) {
  return (await browser.storage.session.get(key))[key] ?? [];
}

async function keepLatest(key, most, latest) {
  await navigator.locks.request(key, async () => {
    await browser.storage.session.set({ [key]: [latest, ...(await kept(key))].slice(0, most) });
  });
}
