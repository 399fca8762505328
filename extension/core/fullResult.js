// Opens the whole result of an image: in a new tab, on the page of the user's own server, as if the file had been chosen there.
import { isSameOrigin } from "./addresses.js";
import { toDataAddress } from "./base64.js";
import { browser } from "./browser.js";
import { readSettings } from "./settings.js";

const LOAD_TIMEOUT_MS = 15_000; // for the page
const PAUSE_MS = 100; // between two looks at the tab
const PART_LENGTH = 16_000_000; // characters: browsers limit the size of a message

/**
 * Hand an image to the server's page in a new tab. The page receives a file through its own file input, as from the file
 * dialog: it has no other way in, so no website can use this one. Returns whether it was handed over.
 */
export async function openFullResult({ blob, name, windowId }) {
  const { server } = await readSettings();
  const tab = await browser.tabs.create({ url: `${server}/`, ...(windowId === undefined ? {} : { windowId }) });
  if (!(await isLoaded(tab.id, server))) return false;
  const run = async (func, ...args) => {
    const [{ result }] = await browser.scripting.executeScript({ target: { tabId: tab.id }, func, args });
    return result;
  };
  const data = await toDataAddress(new Blob([blob], { type: "image/*" }));
  const { origin } = new URL(server);
  for (let start = 0; start < data.length; start += PART_LENGTH) await run(takePart, origin, data.slice(start, start + PART_LENGTH));
  return run(handOver, origin, name || "image");
}

// The tab may have been closed, or the server may be gone or redirect elsewhere.
async function isLoaded(id, server) {
  for (let waited = 0; waited < LOAD_TIMEOUT_MS; waited += PAUSE_MS) {
    const tab = await browser.tabs.get(id).catch(() => null);
    if (!tab) return false;
    if (tab.status === "complete" && isSameOrigin(tab.url ?? "", server)) return true;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return false;
}

// The next two run in the tab, in a world of their own that the page's scripts cannot reach.
function takePart(origin, part) {
  if (location.origin === origin) globalThis.verafaceImage = (globalThis.verafaceImage ?? "") + part;
}

async function handOver(origin, name) {
  const data = globalThis.verafaceImage ?? "";
  delete globalThis.verafaceImage;
  // The page marks its body once it takes files.
  for (let looks = 0; looks < 100 && !document.body.dataset.view; looks += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  const input = document.querySelector("input#file");
  if (location.origin !== origin || !data || !input || !document.body.dataset.view) return false;
  const bytes = Uint8Array.from(atob(data.slice(data.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/*" }));
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}
