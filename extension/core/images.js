// The latest images that were checked, for the full result. In memory only (storage.session), until the browser is closed.
import { browser } from "./browser.js";
import { fromDataAddress, toDataAddress } from "./base64.js";

const KEY = "images";
const MAX_LENGTH = 7_000_000; // characters of all of them: browsers give such storage 10 MB

/** Keep an image; older ones make room. One that is too large is not kept. */
export async function keepImage(sha256, blob) {
  if (blob.size > (MAX_LENGTH * 3) / 4 - 1000) return;
  const data = await toDataAddress(blob);
  await navigator.locks.request(KEY, async () => {
    const others = (await stored()).filter((image) => image.sha256 !== sha256);
    let left = MAX_LENGTH - data.length;
    const kept = others.filter((image) => (left -= image.data.length) >= 0);
    await browser.storage.session.set({ [KEY]: [{ sha256, data }, ...kept] }).catch(() => {}); // no room: it is read again
  });
}

/** The image with that hash as a Blob; null if it is not kept. */
export async function keptImage(sha256) {
  const image = (await stored()).find((image) => image.sha256 === sha256);
  return image ? fromDataAddress(image.data) : null;
}

async function stored() {
  return (await browser.storage.session.get(KEY))[KEY] ?? [];
}

export function forgetImages() {
  return browser.storage.session.remove(KEY);
}
