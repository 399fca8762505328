// Report of a wrong answer, with what a person knows: kept on the server if its operator has named a folder for that,
// else saved as a file on this computer. It is sent nowhere else.
import { bodyOf, outcomeOf } from "./api.js";
import { byId, element, serverPath } from "./dom.js";
import { download, fileNameFor } from "./export.js";
import { text } from "./language.js";
import { showNotice } from "./notice.js";
import { status } from "./status.js";

const MAX_NOTE = 2000; // characters, as the server allows

/** Ask what the image of a check really is, and keep the answer. */
export function openWrongAnswer(check) {
  const onServer = Boolean(status()?.limits.feedback);
  const choice = (label) =>
    element("label", { class: "choice" }, element("input", { type: "radio", name: "label", value: label, required: true }), " ", text(`wrongAnswer.${label}`));
  const note = element("textarea", { name: "note", rows: "3", maxlength: String(MAX_NOTE), dir: "auto" });
  const close = element("button", { type: "button", class: "quiet" }, text("close"));
  const keep = element("button", { type: "submit", class: "primary" }, text(onServer ? "wrongAnswer.keep" : "wrongAnswer.save"));
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "wrong-answer-heading" }, text("wrongAnswer.heading")),
    element("p", {}, text(onServer ? "wrongAnswer.keptWhere" : "wrongAnswer.savedWhere")),
    element("fieldset", {}, element("legend", {}, text("wrongAnswer.legend")), choice("real"), choice("fake")),
    element("label", { class: "note" }, text("wrongAnswer.note"), note),
    element("div", { class: "actions" }, keep, close),
  );
  const dialog = element("dialog", { class: "wrong-answer", "aria-labelledby": "wrong-answer-heading" }, form);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    keep.disabled = true;
    const label = new FormData(form).get("label");
    const done = onServer ? await send(check.file, label, note.value) : await save(check, label, note.value);
    dialog.close();
    if (done) byId("live").textContent = text("wrongAnswer.done");
    showNotice(done ? "wrongAnswer.done" : "wrongAnswer.failed");
  });
  document.body.append(dialog);
  dialog.showModal();
}

async function send(file, label, note) {
  const form = new FormData();
  form.append("image", file, "image");
  form.append("label", label);
  form.append("note", note);
  try {
    const response = await fetch(serverPath("/api/v1/feedback"), { method: "POST", body: form });
    return outcomeOf(response, await bodyOf(response), (answer) => answer?.kept === true && "kept").kind === "kept";
  } catch {
    return false;
  }
}

/** A file that `veraface feedback` reads: the label, the note, the answer and the image itself. */
async function save({ file, name, hash, verdict, p_fake, answer }, label, note) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  const saved = { format: "veraface-feedback/1", label, note, verdict, p_fake, sha256: hash ?? null, model: answer?.model ?? null, image: btoa(binary) };
  download(new Blob([`${JSON.stringify(saved)}\n`], { type: "application/json" }), fileNameFor({ name, file }, "wrong-answer.json"));
  return true;
}
