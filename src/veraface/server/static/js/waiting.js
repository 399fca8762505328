// The panel of a check without an answer: ready, queued, being analyzed, or waiting for a busy server.
import { element, icon } from "./dom.js";
import { number, text } from "./language.js";

const SLOW = 4000; // ms after which the page reports a slow server
const STUCK = 15_000; // ms without another frame after which it does for a video

/**
 * Return { nodes, announcement, key } for a check without an answer: the panel, its text for screen readers, and a key
 * that stays the same while only numbers change. `act` has analyse(), cancel() and retryNow().
 */
export function waitingView(check, act) {
  if (check.state === "ready") return view("ready", "waiting", {}, [button("analyse", "primary", "checks.analyseOne", act.analyse)]);
  if (check.state === "cancelled") return view("cancelled", "cancelled", {}, [button("analyse", "quiet", "checks.analyseOne", act.analyse)]);
  const stop = button("cancel", "quiet", "checks.cancelOne", act.cancel);
  if (check.state === "busy") {
    const seconds = Math.max(0, Math.ceil((check.retryAt - Date.now()) / 1000));
    const name = check.failure.code === "not_ready" ? "loading" : "busy";
    return view(name, "server", { seconds: number(seconds) }, [button("again", "quiet", "waiting.now", act.retryNow), stop]);
  }
  if (check.state === "queued") return view("queued", null, {}, [stop]);
  if (check.video) return view(Date.now() - check.movedAt > STUCK ? "slow" : "video", null, {}, [stop]);
  const slow = Date.now() - check.sentAt > SLOW;
  return view(slow ? "slow" : "analyzing", null, {}, slow ? [stop] : []);
}

function view(name, badge, values, buttons) {
  const heading = text(`waiting.${name}.heading`);
  const detail = text(`waiting.${name}.detail`, values);
  const mark = badge
    ? element("span", { class: "badge" }, icon(badge))
    : element("span", { class: "badge bone", "aria-hidden": "true" });
  const header = element(
    "header",
    { class: "headline", "data-fault": name },
    mark,
    element("div", {}, element("h2", { id: "verdict", tabindex: "-1" }, heading), element("p", {}, detail)),
  );
  const nodes = [header];
  if (buttons.length) nodes.push(element("p", { class: "links" }, buttons));
  if (!badge) nodes.push(bones());
  return { nodes, announcement: heading, key: name };
}

function button(id, look, path, press) {
  const node = element("button", { type: "button", class: look, id }, text(path));
  node.addEventListener("click", press);
  return node;
}

function bones() {
  const bone = (size) => element("span", { class: `bone ${size}` });
  return element("div", { class: "bones", "aria-hidden": "true" }, bone("tall"), bone("wide"), bone("half"), bone("wide"));
}
