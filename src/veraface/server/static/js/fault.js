// The panel when there is no verdict: each failure a state of its own, with what to do about it.
import { element, icon } from "./dom.js";
import { megabytes, sentence } from "./format.js";
import { hasText, text } from "./language.js";

const ICONS = {
  no_face: "no_face",
  face_too_small: "small",
  search_incomplete: "no_face",
  first_frame_only: "file",
  unsupported_image: "file",
  unreadable_image: "file",
  image_too_large: "large",
  unsupported_video: "file",
  unreadable_video: "file",
  video_too_large: "large",
  video_not_available: "server",
  too_slow: "server",
  upload_too_slow: "server",
  unreachable: "server",
  not_ready: "server",
  model_unavailable: "server",
  busy: "server",
  key_required: "server",
  links_not_enabled: "link",
  bad_link: "link",
  link_refused: "link",
  link_unreachable: "link",
  link_timeout: "link",
};
// Codes whose server message repeats the text of the page.
const ALREADY_STATED = [
  ...["no_face", "first_frame_only", "search_incomplete", "unsupported_image", "not_ready", "model_unavailable", "busy", "too_slow"],
  ...["upload_too_slow", "unsupported_video", "video_not_available", "key_required"],
];
const WORTH_RETRYING = [
  ...["unreachable", "not_ready", "busy", "upload_too_slow", "link_unreachable", "link_timeout", "other"],
];

/** Return the nodes of the panel; `retry()`, if given, sends the same image again. */
export function faultView({ code, message, limit }, retry) {
  const known = knownCode(code);
  const name = text(`faults.${known}.name`);
  const detail = text(`faults.${known}.detail`);
  const again = element("button", { type: "button", class: "quiet", id: "again" }, text("again"));
  again.addEventListener("click", () => retry());
  return [
    element(
      "header",
      { class: "headline", "data-fault": known },
      element("span", { class: "badge" }, icon(faultIcon(known))),
      element("div", {}, element("h2", { id: "verdict", tabindex: "-1" }, name), element("p", {}, detail)),
    ),
    limit ? element("p", { class: "server-words" }, limitText(limit)) : null,
    message && !ALREADY_STATED.includes(known)
      ? element("p", { class: "server-words", lang: "en", dir: "ltr" }, sentence(message))
      : null,
    retry && WORTH_RETRYING.includes(known) ? again : null,
  ];
}

export function faultAnnouncement({ code }) {
  const known = knownCode(code);
  return `${text(`faults.${known}.name`)}. ${text(`faults.${known}.detail`)}`;
}

function limitText({ size, most }) {
  return text("faults.image_too_large.limit", { size: megabytes(size), most: megabytes(most) });
}

/** The name of a failure's words: those of a code that the page does not know are "other". */
export function knownCode(code) {
  return hasText(`faults.${code}`) ? code : "other";
}

/** Return whether sending a check, or sending it again, can succeed. */
export function canBeSent({ state, failure }) {
  return ["ready", "cancelled"].includes(state) || (state === "failed" && WORTH_RETRYING.includes(knownCode(failure.code)));
}

/** The icon that stands for a failure. */
export function faultIcon(code) {
  return ICONS[knownCode(code)] ?? "file";
}
