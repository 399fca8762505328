// One check of one image: ask the server for its status, read the image, detect, add to the history.
import { cutOuts } from "./cutOuts.js";
import { Fault } from "./fault.js";
import { remember } from "./history.js";
import { detect, fetchStatus } from "./detect.js";
import { keepImage } from "./images.js";
import { readSettings } from "./settings.js";
import { followWording } from "./wording.js";

const WITHOUT_VERDICT = ["no_face", "face_obscured", "face_too_small"]; // completed checks, which the history contains

/**
 * Returns { kind: "detected", answer, sha256, pictures } or { kind: "failed", code, details, sha256 }; never throws.
 * `pictures` are the faces as data: addresses.
 *
 * @param read Called with the maximal size in bytes; returns { blob, name }.
 * @param stage Called with "reading", "detecting", "busy" or "not_ready" when the check gets there.
 * @param forget Whether to keep the check out of the history, and its image out of memory.
 * @param pictures Whether the faces are wanted.
 */
export async function checkImage(read, { stage = () => {}, forget = false, pictures = true } = {}) {
  let sha256 = null; // as long as there is no image
  try {
    const { server, history } = await readSettings();
    const { limit, wording } = await fetchStatus(server);
    await followWording(wording);
    await stage("reading");
    const { blob, name } = await read(limit);
    if (blob.size > limit) throw new Fault("image_too_large", { size: blob.size, most: limit });
    if (!blob.size) throw new Fault("unreadable_image");
    await stage("detecting");
    sha256 = await digest(blob);
    const answer = await detected(server, blob, stage, async (verdict, chance, answer) => {
      if (history && !forget) await remember({ verdict, p_fake: chance, name, sha256, answer });
    });
    if (!forget) await keepImage(sha256, blob);
    return { kind: "detected", answer, sha256, pictures: pictures ? await cutOuts(blob, answer) : [] };
  } catch (fault) {
    if (fault instanceof Fault) return { kind: "failed", code: fault.code, details: fault.details, sha256 };
    console.error(fault);
    return { kind: "failed", code: "other", details: {}, sha256 };
  }
}

async function detected(server, blob, stage, keep) {
  try {
    const answer = await detect(server, blob, stage);
    await keep(answer.verdict, answer.p_fake, answer);
    return answer;
  } catch (fault) {
    if (WITHOUT_VERDICT.includes(fault.code)) await keep(fault.code, null);
    throw fault;
  }
}

async function digest(blob) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
