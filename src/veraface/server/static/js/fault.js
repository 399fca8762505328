// The panel when there is no verdict: each failure a state of its own, with what to do about it.
import { element, icon } from "./dom.js";
import { megabytes, sentence } from "./format.js";
import { hasText, text } from "./language.js";

const ICONS = {
  no_face: "no_face",
  face_obscured: "unclassified",
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
  bad_report: "file",
  link_refused: "link",
  link_unreachable: "link",
  link_timeout: "link",
};
const WORTH_RETRYING = [
  ...["unreachable", "not_ready", "busy", "upload_too_slow", "link_unreachable", "link_timeout", "other"],
];

/**
 * Return the nodes of the panel of a check. `retry()`, if given, sends the same image again; `zoom()` shows a small face;
 * `shrink()` sends a smaller copy.
 */
export function faultView({ code, message, limit }, { retry = null, zoom = null, shrink = null, isPdf = false }) {
  const known = knownCode(code);
  const name = text(`faults.${known}.name`);
  const detail = known === "unsupported_image" && isPdf ? text("faults.unsupported_image.pdf") : text(`faults.${known}.detail`);
  const helps = [
    retry && WORTH_RETRYING.includes(known) ? help("again", "again", retry) : null,
    zoom && known === "face_too_small" ? help("zoom-face", "faults.zoom", zoom) : null,
    shrink && known === "image_too_large" ? help("shrink", "faults.shrink", shrink) : null,
  ].filter(Boolean);
  return [
    element(
      "header",
      { class: "headline", "data-fault": known },
      element("span", { class: "badge" }, icon(faultIcon(known))),
      element("div", {}, element("h2", { id: "verdict", tabindex: "-1" }, name), element("p", {}, detail)),
    ),
    limit ? element("p", { class: "server-words" }, limitText(limit)) : null,
    message && known === "other" ? element("p", { class: "server-words", lang: "en", dir: "ltr" }, sentence(message)) : null,
    helps.length ? element("p", { class: "links" }, helps) : null,
  ];
}

function help(id, path, press) {
  const button = element("button", { type: "button", class: "quiet", id }, text(path));
  button.addEventListener("click", press);
  return button;
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
