// Adds files and links to the queue, however they were given.
import { localPath } from "./dom.js";
import { showNotice } from "./notice.js";
import { analyse, announce, enqueue } from "./queue.js";
import { go } from "./router.js";
import { status } from "./status.js";
import { keep, remembered } from "./storage.js";
import { isAnimation, isVideo } from "./video/files.js";

const KEY = "veraface-start";
const SHAPE_TIMEOUT_MS = 300; // ms
const READ_AT_ONCE = 16; // files whose beginnings are held in memory

/** Return whether images are analyzed as soon as they are added. */
export function startsAtOnce() {
  return remembered(KEY) !== "wait";
}

export function setStartsAtOnce(wanted) {
  keep(KEY, wanted ? "at once" : "wait");
}

/**
 * Add files or one link and show them: a single one as a result, several as a list. `leftOut`: other files of a
 * folder were left out, which is shown. `wait`: they are analyzed only once a person asks for it.
 */
export async function addFiles(given, { leftOut = false, wait = !startsAtOnce() } = {}) {
  const single = given.length === 1;
  // Wait briefly for the image size, so that the layout does not shift when the image appears.
  const shape = single && given[0] instanceof Blob && !isVideo(given[0]) ? await shapeOf(given[0]) : null;
  const added = enqueue(given, { maxBytes, shape, animations: await animationsOf([...given]) });
  showNotice(leftOut ? "intake.leftOut" : "");
  if (single) await go(`/result/${added[0].id}`);
  else if (localPath() !== "/") await go("/");
  if (wait) announce();
  else analyse(added);
}

// Where the server takes no videos, it analyzes them as images.
async function animationsOf(files) {
  const limits = status()?.limits;
  const small = limits?.video ? files.filter(({ size }) => size <= limits.max_upload_bytes) : [];
  const found = new Set();
  const look = async (file) => (await isAnimation(file)) && found.add(file);
  for (let at = 0; at < small.length; at += READ_AT_ONCE) await Promise.all(small.slice(at, at + READ_AT_ONCE).map(look));
  return found;
}

function maxBytes(file) {
  const limits = status()?.limits;
  if (!limits) return Infinity;
  if (!isVideo(file)) return limits.max_upload_bytes;
  return limits.video ? limits.max_video_bytes : 0;
}

async function shapeOf(file) {
  const image = new Image();
  const url = URL.createObjectURL(file);
  const loaded = new Promise((done) => (image.onload = image.onerror = done));
  image.src = url;
  await Promise.race([loaded, new Promise((late) => setTimeout(late, SHAPE_TIMEOUT_MS))]);
  URL.revokeObjectURL(url);
  return { width: image.naturalWidth, height: image.naturalHeight };
}

/** Add a pasted or dropped address if the server fetches links, else explain why not. */
export function addLink(link, options = {}) {
  if (link.startsWith("data:image/")) {
    const file = fileOf(link);
    if (file) addFiles([file], options);
    else showNotice("intake.notAFile");
  } else if (!/^https?:\/\//i.test(link)) showNotice("intake.notAFile");
  else if (status()?.limits.links) addFiles([{ link }], options);
  else showNotice("intake.linksOff");
}

// The content policy lets nothing be fetched from elsewhere, not even from the address itself.
function fileOf(link) {
  const [head, content] = link.split(/,(.*)/s);
  try {
    const decoded = head.endsWith(";base64") ? atob(content) : decodeURIComponent(content);
    const bytes = Uint8Array.from(decoded, (character) => character.charCodeAt(0));
    return new File([bytes], "", { type: head.slice("data:".length).split(";")[0] });
  } catch {
    return null;
  }
}
