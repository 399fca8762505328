// One check of one picture, from wherever it was asked for: is the server there, read, judge, remember.
import { Fault } from "./fault.js";
import { remember } from "./history.js";
import { askStatus, judge } from "./judging.js";
import { readSettings } from "./settings.js";

const WITHOUT_VERDICT = ["no_face", "face_too_small"]; // checks all the same

/**
 * Returns { kind: "judged", answer, shape } or { kind: "failed", code, details }; never throws.
 *
 * @param read Called with the largest size in bytes; gives { blob, name }.
 * @param stage Called with "reading", "judging", "busy" or "not_ready" as it goes on.
 * @param forget Whether the check is left out of the history.
 */
export async function checkPicture(read, { stage = () => {}, forget = false } = {}) {
  try {
    const { server, history } = await readSettings();
    const { limit } = await askStatus(server);
    await stage("reading");
    const { blob, name } = await read(limit);
    if (blob.size > limit) throw new Fault("image_too_large", { size: blob.size, most: limit });
    if (!blob.size) throw new Fault("unreadable_image");
    await stage("judging");
    return await judged(server, blob, stage, async (verdict, chance) => {
      if (!history || forget) return;
      await remember({ verdict, p_fake: chance, name, sha256: await digest(blob) });
    });
  } catch (fault) {
    if (fault instanceof Fault) return { kind: "failed", code: fault.code, details: fault.details };
    console.error(fault);
    return { kind: "failed", code: "other", details: {} };
  }
}

async function judged(server, blob, stage, keep) {
  try {
    const answer = await judge(server, blob, stage);
    await keep(answer.verdict, answer.p_fake);
    return { kind: "judged", answer };
  } catch (fault) {
    if (WITHOUT_VERDICT.includes(fault.code)) await keep(fault.code, null);
    throw fault;
  }
}

async function digest(blob) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
