// How the server has verdicts shown: in words only, without calling anything real. It says so with its status; the
// extension's pages show earlier checks in the words of the latest one.
import { setWording } from "../../src/veraface/server/static/js/wording.js";
import { browser } from "./browser.js";

const KEY = "wording";
const PLAIN = { words_only: false, never_say_real: false };

/** Show verdicts as the status of a server wants it, from now on. */
export async function followWording({ words_only, never_say_real }) {
  const wording = { words_only, never_say_real };
  await browser.storage.local.set({ [KEY]: wording });
  setWording(wording);
}

/** Show verdicts as the server of the latest check wants it. */
export async function loadWording() {
  setWording({ ...PLAIN, ...(await browser.storage.local.get(KEY))[KEY] });
}
