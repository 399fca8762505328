// The faces of an image, cut out for the card and the popup.
import { areNumbers } from "../../src/veraface/server/static/js/validate.js";
import { toDataAddress } from "./base64.js";

const SIDE = 80; // px
const AROUND = 1.3; // the cut-out's side in sides of the face
export const MAX_FACES = 64;

/**
 * Small JPEGs as data: addresses, in the order of `faces`; null for a face whose box makes no sense, none at all where
 * the browser cannot decode the image.
 */
export async function cutOuts(blob, { faces, width, height }) {
  const bitmap = await globalThis.createImageBitmap?.(blob).catch(() => null);
  if (!bitmap || !areNumbers([width, height])) return [];
  const pictures = await Promise.all(faces.slice(0, MAX_FACES).map((face) => cutOut(bitmap, bitmap.width / width, face?.box)));
  bitmap.close();
  return pictures;
}

async function cutOut(bitmap, scale, box) {
  if (!Array.isArray(box) || box.length !== 4 || !areNumbers([...box, scale])) return null;
  const [x, y, width, height] = box.map((value) => value * scale);
  const side = AROUND * Math.max(width, height);
  if (!(side > 0)) return null;
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.scale(SIDE / side, SIDE / side);
  context.drawImage(bitmap, side / 2 - x - width / 2, side / 2 - y - height / 2);
  return toDataAddress(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 }));
}
