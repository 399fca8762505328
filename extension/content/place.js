// Where the card is: beside the image, never over it as long as there is room elsewhere in the window.

export const WIDTH = 320; // px of the card, where there is room
const GAP = 10; // px between image and card
const MARGIN = 8; // px between card and window
const MIN_WIDTH = 232; // px
const MIN_HEIGHT = 140; // px

/**
 * Returns { left, top, width, height, folded } in px: the place next to an image that shows most of a card.
 *
 * @param image The rectangle of the image, null without one.
 * @param height Of the whole card at its full width.
 * @param room { width, height } of the window.
 */
export function placeBeside(image, height, room) {
  const most = { width: room.width - 2 * MARGIN, height: room.height - 2 * MARGIN };
  const width = Math.min(WIDTH, most.width);
  const whole = { width, height: Math.min(height, most.height) };
  if (!image?.width) return { left: room.width - MARGIN - width, top: MARGIN, ...whole, folded: false };
  const sides = [
    { at: "right", width: room.width - MARGIN - image.right - GAP, height: most.height },
    { at: "left", width: image.left - GAP - MARGIN, height: most.height },
    { at: "below", width: most.width, height: room.height - MARGIN - image.bottom - GAP },
    { at: "above", width: most.width, height: image.top - GAP - MARGIN },
  ];
  const fitting = sides
    .filter((side) => side.width >= Math.min(MIN_WIDTH, most.width) && side.height >= Math.min(MIN_HEIGHT, height))
    .map(({ at, ...side }) => ({ at, width: Math.min(width, side.width), height: Math.min(height, side.height) }));
  const best = fitting.reduce((best, side) => (!best || area(side) > area(best) ? side : best), null);
  // The image fills the window: one line at its lower edge.
  if (!best) return { ...within({ left: image.left, top: room.height, width, height: 0 }, room), folded: true };
  const left = { right: image.right + GAP, left: image.left - GAP - best.width }[best.at] ?? image.left;
  const top = { below: image.bottom + GAP, above: image.top - GAP - best.height }[best.at] ?? image.top;
  return { ...within({ left, top, width: best.width, height: best.height }, room), folded: false };
}

/** The same place moved into the window. */
export function within({ left, top, width, height }, room) {
  const clamp = (value, size, whole) => Math.max(MARGIN, Math.min(value, whole - MARGIN - size));
  return { left: clamp(left, width, room.width), top: clamp(top, height, room.height), width, height };
}

function area({ width, height }) {
  return width * height;
}
