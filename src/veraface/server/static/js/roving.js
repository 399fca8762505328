// Moving the focus in a grid of cards with the arrow keys.

/** Moves the focus from one of root's `selector` to its neighbour: "left", "right", "up" or "down", as on screen. */
export function moveFocus(root, selector, direction) {
  const all = [...root.querySelectorAll(selector)];
  const at = all.indexOf(document.activeElement);
  if (at < 0) {
    all[0]?.focus();
    return;
  }
  const places = all.map((node) => middle(node));
  const [x, y] = places[at];
  const sideways = direction === "left" || direction === "right";
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  // The nearest in that direction; sideways, at the end of a row, the next one in order.
  const ahead = places
    .map(([ownX, ownY], index) => ({ index, along: sign * (sideways ? ownX - x : ownY - y), across: Math.abs(sideways ? ownY - y : ownX - x) }))
    .filter(({ along, across }) => along > 4 && (!sideways || across < 4))
    .sort((one, other) => one.along - other.along || one.across - other.across);
  const nearest = ahead.filter(({ along }) => along < ahead[0].along + 4).sort((a, b) => a.across - b.across)[0];
  const rightToLeft = getComputedStyle(root).direction === "rtl" ? -1 : 1;
  const next = nearest ? nearest.index : sideways ? at + sign * rightToLeft : at;
  all[Math.min(all.length - 1, Math.max(0, next))].focus();
}

function middle(node) {
  const { left, top, width, height } = node.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}
