// Finds images of a list that are the same file, or look the same.

const WIDTH = 9; // px; each pixel is compared with its right neighbor
const HEIGHT = 8;
const MAX_DISTANCE = 4; // bits, of 64

/** The difference hash of an image (Krawetz, "Kind of Like That", 2013) as 64 characters; null where it has no structure. */
export async function differenceHash(image) {
  try {
    const bitmap = await createImageBitmap(image, { resizeWidth: WIDTH, resizeHeight: HEIGHT, resizeQuality: "high" });
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0, WIDTH, HEIGHT);
    bitmap.close();
    return bitsOf(context.getImageData(0, 0, WIDTH, HEIGHT).data);
  } catch {
    return null;
  }
}

function bitsOf(pixels) {
  const light = (row, column) => {
    const at = 4 * (row * WIDTH + column);
    return 299 * pixels[at] + 587 * pixels[at + 1] + 114 * pixels[at + 2];
  };
  let bits = "";
  for (let row = 0; row < HEIGHT; row += 1) {
    for (let column = 1; column < WIDTH; column += 1) bits += light(row, column) > light(row, column - 1) ? "1" : "0";
  }
  return /01|10/.test(bits) ? bits : null;
}

/** For each check that repeats an earlier one: Map of its id to { first, exact }. */
export function duplicatesOf(checks) {
  const found = new Map();
  const firsts = [];
  for (const check of checks) {
    const same = firsts.find(({ hash }) => hash && hash === check.hash);
    const similar = same ?? firsts.find(({ look }) => look && check.look && distance(look, check.look) <= MAX_DISTANCE);
    if (similar) found.set(check.id, { first: similar, exact: Boolean(same) });
    else firsts.push(check);
  }
  return found;
}

function distance(one, other) {
  let bits = 0;
  for (let i = 0; i < one.length && bits <= MAX_DISTANCE; i += 1) bits += one[i] === other[i] ? 0 : 1;
  return bits;
}
