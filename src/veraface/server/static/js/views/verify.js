// Verification of a signed report: whether anything in it changed, and who signed it.
import { byId, element, icon } from "../dom.js";
import { knownCode } from "../fault.js";
import { fillIn, text } from "../language.js";
import { verifyReport } from "../report.js";
import { loadStyle } from "../styles.js";

await loadStyle("verify");

/** Fills root with the choice of a file and, once there is one, its outcome. */
export function open(root) {
  const view = new VerifyView(root);
  return { title: "verify.title", render: () => view.render(), close: () => view.close() };
}

class VerifyView {
  constructor(root) {
    this.input = element("input", { type: "file", id: "report-file", class: "unseen", accept: ".html,.htm,text/html", tabindex: "-1", "aria-hidden": "true" });
    this.input.addEventListener("change", () => this.#verify(this.input.files[0]));
    const choose = element("button", { type: "button", class: "primary", id: "choose-report", "data-text": "verify.choose" });
    choose.addEventListener("click", () => this.input.click());
    this.place = element("section", { class: "verify-drop" }, element("p", { "data-text": "verify.drop" }), choose, this.input);
    this.outcome = element("section", { class: "verify-outcome", id: "verify-outcome", role: "status" });
    root.append(
      element(
        "div",
        { class: "verify" },
        element("header", {}, element("h1", { "data-text": "verify.heading" }), element("p", { class: "lead", "data-text": "verify.lead" })),
        this.place,
        this.outcome,
      ),
    );
    // Before the page takes a dropped file for an image.
    this.onDrop = (event) => {
      const file = event.dataTransfer?.files[0];
      if (!file || !/\.html?$/i.test(file.name)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      byId("veil").classList.remove("visible");
      this.#verify(file);
    };
    addEventListener("drop", this.onDrop, { capture: true });
  }

  render() {
    fillIn(this.place);
    if (this.found) this.#show();
  }

  close() {
    this.closed = true;
    removeEventListener("drop", this.onDrop, { capture: true });
  }

  async #verify(file) {
    if (!file) return;
    this.input.value = ""; // the same file again is a change
    const found = await verifyReport(file);
    if (this.closed) return;
    this.found = { ...found, file: file.name };
    this.#show();
  }

  #show() {
    const { kind, code, answer, file } = this.found;
    const state = kind !== "verified" ? "none" : answer.intact ? "intact" : "changed";
    // Anyone can sign a report: only this server's own key is a good sign.
    const intact = answer?.own_key ? "real" : "uncertain";
    const [verdict, mark] = { none: ["unclassified", "file"], intact: [intact, intact], changed: ["fake", "fake"] }[state];
    const detail = state === "none" ? text(`faults.${knownCode(code)}.detail`) : text(`verify.${state}.detail`);
    const name = state === "none" ? text(`faults.${knownCode(code)}.name`) : text(`verify.${state}.name`);
    this.outcome.dataset.state = state;
    this.outcome.replaceChildren(
      element(
        "header",
        { class: "headline", "data-verdict": verdict },
        element("span", { class: "badge" }, icon(mark)),
        element("div", {}, element("h2", {}, name), element("p", {}, detail)),
      ),
      ...(state === "intact" ? [rows(answer, file), element("p", { class: "hint" }, text(answer.own_key ? "verify.ownKey" : "verify.otherKey"))] : []),
    );
  }
}

function rows({ name, sha256, time, verdict, fingerprint }, file) {
  const known = ["fake", "real", "uncertain"].includes(verdict);
  const list = [
    ["verify.file", file],
    ["verify.image", name],
    ["verify.verdict", known ? text(`verdicts.${verdict}.name`) : text("faults.no_face.name")],
    ["verify.made", time?.replace("T", " ").replace("+00:00", " UTC")],
    ["verify.hash", sha256],
    ["verify.key", fingerprint],
  ];
  return element("dl", {}, list.map(([term, value]) => element("div", {}, element("dt", {}, text(term)), element("dd", {}, element("bdi", {}, value ?? "–")))));
}
