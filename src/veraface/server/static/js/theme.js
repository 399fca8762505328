// Dark or light: the system's wish, until the person chooses; then that choice, remembered.
import { strings } from "./strings.js";

const KEY = "veraface-theme";
const systemLight = matchMedia("(prefers-color-scheme: light)");

function current() {
  return document.documentElement.dataset.theme ?? (systemLight.matches ? "light" : "dark");
}

export function setUpTheme(button) {
  const describe = () => {
    const label = current() === "dark" ? strings.theme.toLight : strings.theme.toDark;
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // No storage allowed: the choice lasts until the page is closed.
    }
    describe();
  });
  systemLight.addEventListener("change", describe);
  describe();
}
