// A check of an image on a page, with its result in a card beside the image.
import { imageName } from "./addresses.js";
import { browser } from "./browser.js";
import { checkImage } from "./check.js";
import { fetchStatus } from "./detect.js";
import { Fault } from "./fault.js";
import { openFullResult } from "./fullResult.js";
import { keptImage } from "./images.js";
import { readImage } from "./readImage.js";
import { outcomeView, workingView } from "./resultView.js";
import { loadLanguage } from "./language.js";
import { readSettings } from "./settings.js";
import { isRightToLeft, text } from "../../src/veraface/server/static/js/language.js";

const JOBS = "jobs";
const MAX_JOBS = 20; // stored for further attempts
const SHOWN = "shown";
const MAX_SHOWN = 10; // stored for the windows that show them
const RETRY_DELAYS_MS = [20, 40, 80, 160, 320, 640]; // until the page's process accepts scripts
// Pages have images without an address, and images that need the page's own session.
const READABLE_BY_PAGE = ["image_unavailable", "not_permitted"];

/**
 * @param wish.address The image's address, "" where the browser does not report it.
 * @param wish.allowed Resolves once the user answered whether the image's host may be read, where that is needed.
 * @param wish.cookies Whether the image may be requested with cookies, as the page does.
 */
export async function checkOnPage({ address, tab, frameId, allowed = true, cookies = false }) {
  const { id: tabId, windowId, incognito } = tab;
  const job = { id: crypto.randomUUID(), address, tabId, windowId, frameId, incognito, cookies };
  await keepJob(job);
  await run(job, allowed);
}

/** Repeat a check for the card that shows it; other senders are ignored. */
export async function checkAgain(id, sender) {
  const job = await jobOf(id, sender);
  if (job) await run(job, true);
}

/** Open the full result of a check for the card that shows it; other senders are ignored. */
export async function openFull(id, sender) {
  const job = await jobOf(id, sender);
  const view = job && (await openFullOf(job));
  if (view) await inPage(job, { id: job.cardFrame ?? job.frameId }, (id, view) => globalThis.verafaceCard?.show(id, view), [job.id, view]);
}

/** Open the full result of the check that a window shows; returns the view of what went wrong, else null. */
export async function openFullInWindow(id) {
  return openFullOf((await kept(JOBS)).find((job) => job.id === id));
}

// Of the image that was checked, as long as it is in memory; else it is read again. Returns the view of a failure, or null.
async function openFullOf(job) {
  try {
    if (!job) throw new Fault("gone");
    const windowId = await windowFor(job);
    const { limit } = await fetchStatus((await readSettings()).server);
    const blob = (await keptImage(job.sha256)) ?? (await read(job, { id: job.cardFrame ?? job.frameId }, limit)).blob;
    return (await openFullResult({ blob, name: imageName(job.address), windowId })) ? null : failedView(new Fault("other"));
  } catch (fault) {
    return failedView(fault instanceof Fault ? fault : new Fault("other"));
  }
}

function failedView({ code, details }) {
  return outcomeView({ kind: "failed", code, details });
}

// The window of the check's tab, also once the tab is closed. What is private is opened in no other window.
async function windowFor({ tabId, windowId, incognito }) {
  const now = (await browser.tabs.get(tabId).catch(() => null))?.windowId ?? windowId;
  const there = await browser.windows.get(now).catch(() => null);
  if (incognito && !there?.incognito) throw new Fault("gone");
  return there?.id;
}

/** Forget the checks in private windows once the last of these is closed. */
export async function forgetPrivateChecks() {
  if ((await browser.windows.getAll()).some(({ incognito }) => incognito)) return;
  const own = (await kept(JOBS)).filter(({ incognito }) => incognito).map(({ id }) => id);
  for (const key of own.length ? [JOBS, SHOWN] : []) await change(key, (all) => all.filter(({ id }) => !own.includes(id)));
}

async function jobOf(id, sender) {
  return (await kept(JOBS)).find((job) => job.id === id && job.tabId === sender.tab.id);
}

async function run(job, allowed) {
  const language = await loadLanguage();
  const frame = await openCard(job, language);
  const show = (view) => frame && inPage(job, frame, (id, view) => globalThis.verafaceCard?.show(id, view), [job.id, view]);
  const shown = { shape: frame?.shape, redrawn: false, full: true };
  const outcome = await checkImage(
    async (limit) => {
      await allowed;
      const { blob, redrawn } = await read(job, frame, limit);
      shown.redrawn = redrawn;
      return { blob, name: imageName(job.address) };
    },
    { stage: (name) => show(workingView(name)), forget: job.incognito },
  );
  await keepJob({ ...job, sha256: outcome.sha256, cardFrame: frame?.id });
  const view = outcomeView(outcome, shown);
  // A page can remove or hide the card: the result is then shown in a window.
  if (!frame || (await show(view)) === "removed") await showInWindow(job, view);
}

// In the frame of the image, or in the main frame if that one belongs to another host.
async function openCard(job, language) {
  const view = workingView("detecting");
  const labels = { close: text("extension.close"), card: text("extension.card"), move: text("extension.move"), fold: text("extension.fold") };
  const content = { id: job.id, view, labels, language, rightToLeft: isRightToLeft(), address: job.address };
  await waitForAccess(job.tabId);
  for (const frameId of new Set([job.frameId, 0])) {
    try {
      const target = { tabId: job.tabId, frameIds: [frameId] };
      await browser.scripting.executeScript({ target, files: ["content/card.js"] });
      const [{ result }] = await browser.scripting.executeScript({
        target,
        func: (content) => globalThis.verafaceCard.open(content),
        args: [content],
      });
      if (result?.opened) return { id: frameId, shape: result.shape };
    } catch {
      // Scripts are not allowed in this frame.
    }
  }
  return null;
}

// A click on the menu grants access to the tab, but the page's process learns of it a moment later and rejects scripts
// until then. The browser reports the tab's address as soon as access is granted.
async function waitForAccess(tabId) {
  const target = { tabId, frameIds: [0] };
  for (const delay of RETRY_DELAYS_MS) {
    try {
      await browser.scripting.executeScript({ target, func: () => true });
      return;
    } catch {
      const { url } = await browser.tabs.get(tabId).catch(() => ({}));
      if (!/^(https?|file):/.test(url ?? "")) return;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

async function inPage(job, frame, func, args) {
  try {
    const target = { tabId: job.tabId, frameIds: [frame.id] };
    const [{ result }] = await browser.scripting.executeScript({ target, func, args });
    return result;
  } catch {
    return undefined; // the page was closed
  }
}

// { blob, redrawn }
async function read(job, frame, limit) {
  const { address, cookies } = job;
  let fault = new Fault("image_unavailable");
  const onlyOnPage = address.startsWith("blob:") || address === "";
  if (!onlyOnPage) {
    try {
      return { blob: await readImage(address, { limit, cookies }), redrawn: false };
    } catch (caught) {
      fault = caught;
    }
  }
  if (!frame || !READABLE_BY_PAGE.includes(fault.code)) throw fault;
  const func = (address, limit) => globalThis.verafaceCard?.read(address, limit);
  const found = await inPage(job, frame, func, [address, limit]);
  if (found?.tooLarge) throw new Fault("image_too_large", { most: limit });
  if (!found?.data?.startsWith?.("data:")) throw fault;
  return { blob: await readImage(found.data, { limit }), redrawn: Boolean(found.redrawn) };
}

// Used where no card can be shown, as on the browser's own pages.
async function showInWindow({ id, address }, view) {
  await keepLatest(SHOWN, MAX_SHOWN, { id, view, name: imageName(address) });
  const url = browser.runtime.getURL(`pages/popup.html#${id}`);
  await browser.windows.create({ url, type: "popup", width: 400, height: 640 });
}

/** The { view, name } for the window of a check. */
export async function shownInWindow(id) {
  return (await kept(SHOWN)).find((shown) => shown.id === id);
}

async function keepJob(job) {
  // A data: address can be as large as an image; it can be read from the page again.
  await keepLatest(JOBS, MAX_JOBS, { ...job, address: job.address.length > 100_000 ? "" : job.address });
}

async function kept(key) {
  return (await browser.storage.session.get(key))[key] ?? [];
}

function keepLatest(key, most, latest) {
  return change(key, (all) => [latest, ...all.filter(({ id }) => id !== latest.id)].slice(0, most));
}

async function change(key, update) {
  await navigator.locks.request(key, async () => {
    await browser.storage.session.set({ [key]: update(await kept(key)) });
  });
}
