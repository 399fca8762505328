// The modes in which the server has verdicts shown: without numbers, and without calling anything real. They are
// remembered, so that the page without its server shows results in the same words.
import { useOverlays } from "./language.js";
import { keep, remembered } from "./storage.js";

const KEY = "veraface-wording";

let modes = "";

apply(remembered(KEY) ?? "");

/** Whether no probability is to be shown. */
export function hidesNumbers() {
  return modes.includes("wordsOnly");
}

/** Follow the `wording` of the server's status; returns whether that changes anything. */
export function setWording(wording) {
  if (typeof wording?.words_only !== "boolean" || typeof wording.never_say_real !== "boolean") return false;
  const wanted = [wording.words_only && "wordsOnly", wording.never_say_real && "neverSayReal"].filter(Boolean).join(" ");
  if (wanted === modes) return false;
  keep(KEY, wanted);
  apply(wanted);
  return true;
}

function apply(wanted) {
  modes = wanted;
  useOverlays(wanted.split(" ").filter((name) => ["wordsOnly", "neverSayReal"].includes(name)));
}
