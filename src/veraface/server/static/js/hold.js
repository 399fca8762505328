// A button that does something as long as it is held: with a pointer, or with space or Enter.
import { element } from "./dom.js";

/** `change(held)` is called with true when it is pressed and with false when it is let go. */
export function holdButton(id, path, change) {
  const button = element("button", { type: "button", class: "quiet hold", id, "data-text": path, "aria-pressed": "false" });
  const set = (held) => {
    if (button.getAttribute("aria-pressed") === String(held)) return;
    button.setAttribute("aria-pressed", String(held));
    change(held);
  };
  button.addEventListener("pointerdown", ({ button: which, pointerId }) => {
    if (which !== 0) return;
    button.setPointerCapture(pointerId); // let go anywhere
    set(true);
  });
  button.addEventListener("keydown", ({ key }) => [" ", "Enter"].includes(key) && set(true));
  for (const end of ["pointerup", "pointercancel", "keyup", "blur"]) button.addEventListener(end, () => set(false));
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long press
  return button;
}
