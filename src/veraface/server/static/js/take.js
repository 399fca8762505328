// What happens with pictures that came in, however they came.
import { takeIn } from "./checks.js";
import { showNotice } from "./notice.js";
import { go } from "./router.js";
import { status } from "./status.js";
import { keep, remembered } from "./storage.js";

const KEY = "veraface-start";

/** Whether pictures are judged as soon as they come in. */
export function startsAtOnce() {
  return remembered(KEY) !== "wait";
}

export function setStartsAtOnce(wanted) {
  keep(KEY, wanted ? "at once" : "wait");
}

/** Takes files or one link in, and shows them: one by itself, several as a list. */
export function take(given) {
  const mostBytes = status()?.limits.max_upload_bytes ?? Infinity;
  const added = takeIn(given, { start: startsAtOnce(), mostBytes });
  showNotice("");
  if (added.length === 1) go(`/result/${added[0].id}`);
  else if (added.length) go("/");
}

/** A pasted or dropped address: judged where the server fetches links, else explained. */
export function takeLink(link) {
  if (link.startsWith("data:image/")) {
    const file = fileOf(link);
    if (file) take([file]);
    else showNotice("intake.notAFile");
  } else if (!/^https?:\/\//i.test(link)) showNotice("intake.notAFile");
  else if (status()?.limits.links) take([{ link }]);
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
