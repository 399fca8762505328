// Finds images on a page, also inside open shadow roots.

export const IMAGES = "img, input[type=image], video[poster], image";

export function deepAll(selector, root = document) {
  const inside = [...root.querySelectorAll("*")].filter((node) => node.shadowRoot);
  return [...root.querySelectorAll(selector), ...inside.flatMap((node) => deepAll(selector, node.shadowRoot))];
}
