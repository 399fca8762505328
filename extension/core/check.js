// One check of one image: ask the server for its status, read the image, detect, add to the history.
import { Fault } from "./fault.js";
import { remember } from "./history.js";
import { detect, fetchStatus } from "./detect.js";
import { readSettings } from "./settings.js";

const WITHOUT_VERDICT = ["no_face", "face_too_small"]; // completed checks, which the history contains

/**
 * Returns { kind: "detected", answer } or { kind: "failed", code, details }; never throws.
 *
 * @param read Called with the maximal size in bytes; returns { blob, name }.
 * @param stage Called with "reading", "detecting", "busy" or "not_ready" when the check gets there.
 * @param forget Whether to keep the check out of the history.
 */
export async function checkImage(read, { stage = () => {}, forget = false } = {}) {
  try {
    const { server, history } = await readSettings();
    const { limit } = await fetchStatus(server);
    await stage("reading");
    const { blob, name } = await read(limit);
    if (blob.size > limit) throw new Fault("image_too_large", { size: blob.size, most: limit });
    if (!blob.size) throw new Fault("unreadable_image");
    await stage("detecting");
    return await detected(server, blob, stage, async (verdict, chance) => {
      if (!history || forget) return;
      await remember({ verdict, p_fake: chance, name, sha256: await digest(blob) });
    });
  } catch (fault) {
    if (fault instanceof Fault) return { kind: "failed", code: fault.code, details: fault.details };
    console.error(fault);
    return { kind: "failed", code: "other", details: {} };
  }
}

async function detected(server, blob, stage, keep) {
  try {
    const answer = await detect(server, blob, stage);
    await keep(answer.verdict, answer.p_fake);
    return { kind: "detected", answer };
  } catch (fault) {
    if (WITHOUT_VERDICT.includes(fault.code)) await keep(fault.code, null);
    throw fault;
  }
}

async function digest(blob) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
