// Wrong addresses.
import { element, serverPath } from "../dom.js";

/** Fill root with a remark and the way to the start. */
export function open(root) {
  root.append(
    element(
      "section",
      { class: "nothing" },
      element("h1", { "data-text": "missing.heading" }),
      element("p", { "data-text": "missing.detail" }),
      element(
        "p",
        { class: "links" },
        element("a", { class: "primary", href: serverPath("/"), "data-text": "result.toStart" }),
        element("a", { class: "button", href: serverPath("/history"), "data-text": "result.toHistory" }),
      ),
    ),
  );
  return { title: "missing.title" };
}
