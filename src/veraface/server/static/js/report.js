// The signed report of the server on an image, and its verification.
import { bodyOf, outcomeOf } from "./api.js";
import { serverPath } from "./dom.js";
import { knownCode } from "./fault.js";

const REPORT = "/api/v1/report";

// Reports are written in the language of the page.
const inLanguage = () => serverPath(`${REPORT}?language=${document.documentElement.lang}`);

/** { kind: "report", file } for the image of a check, else { kind: "failed", code }, a code that the page has words for. */
export async function fetchReport({ file, link }) {
  const form = new FormData();
  if (file) form.append("image", file, file.name || "image");
  else form.append("url", link);
  try {
    const response = await fetch(inLanguage(), { method: "POST", body: form });
    if (response.ok && response.headers.get("Content-Type")?.startsWith("text/html")) return { kind: "report", file: await response.blob() };
    const { code } = outcomeOf(response, await bodyOf(response));
    return { kind: "failed", code: knownCode(code) };
  } catch {
    return { kind: "failed", code: "unreachable" };
  }
}

/** Open the report in a tab of its own, from which it can be printed: it is one page long. */
export function reportInTab({ file, link }) {
  const form = Object.assign(document.createElement("form"), { method: "post", action: inLanguage(), target: "_blank", enctype: "multipart/form-data", hidden: true });
  const field = Object.assign(document.createElement("input"), { type: file ? "file" : "hidden", name: file ? "image" : "url" });
  if (file) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    field.files = transfer.files;
  } else field.value = link;
  form.append(field);
  document.body.append(form);
  form.submit();
  form.remove();
}

/** What the server finds in a report: { kind: "verified", answer }, else as outcomeOf() does. */
export async function verifyReport(file) {
  const form = new FormData();
  form.append("report", file, "report.html");
  try {
    const response = await fetch(serverPath(`${REPORT}/verify`), { method: "POST", body: form });
    return outcomeOf(response, await bodyOf(response), (answer) => typeof answer?.intact === "boolean" && "verified");
  } catch {
    return { kind: "failed", code: "unreachable", message: "" };
  }
}
