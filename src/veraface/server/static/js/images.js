// SHA-256 hashes and thumbnails of images, computed in the browser.

const QUALITY = 0.82;

let last = Promise.resolve(); // one thumbnail at a time: decoding a huge image takes hundreds of megabytes

/** The SHA-256 of the file in hex; null where the browser gives no such thing (on an origin that is not secure). */
export async function sha256(file) {
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

/** An upright copy no longer than `side` px, WebP or else JPEG, without metadata; null where the browser cannot read it. */
export function makeThumbnail(file, side) {
  last = last.then(() => copy(file, side).catch(() => null));
  return last;
}

async function copy(file, side) {
  const url = URL.createObjectURL(file);
  try {
    const image = await load(url);
    if (!image.naturalWidth) return null;
    const scale = Math.min(1, side / Math.max(image.naturalWidth, image.naturalHeight));
    const width = Math.max(1, Math.round(image.naturalWidth * scale));
    const height = Math.max(1, Math.round(image.naturalHeight * scale));
    const canvas = newCanvas(width, height);
    await draw(canvas.getContext("2d"), file, image, width, height);
    return await encode(canvas);
  } finally {
    URL.revokeObjectURL(url);
  }
}

// Return the size in upright orientation without decoding the image.
async function load(url) {
  const image = new Image();
  await new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
    image.src = url;
  });
  return image;
}

// createImageBitmap() decodes beside the page, which stays alive; where it does not know its options, the image does.
async function draw(context, file, image, width, height) {
  context.imageSmoothingQuality = "high";
  const bitmap = await reducedBitmap(file, width, height).catch(() => null);
  if (!bitmap) await image.decode();
  context.drawImage(bitmap ?? image, 0, 0, width, height);
  bitmap?.close();
}

async function reducedBitmap(file, width, height) {
  const options = { imageOrientation: "from-image", resizeWidth: width, resizeHeight: height, resizeQuality: "medium" };
  const bitmap = await createImageBitmap(file, options);
  if (bitmap.width === width && bitmap.height === height) return bitmap;
  bitmap.close(); // the options were passed over
  return null;
}

function newCanvas(width, height) {
  if ("OffscreenCanvas" in globalThis) return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

async function encode(canvas) {
  const webp = await toBlob(canvas, "image/webp");
  if (webp?.type === "image/webp") return webp;
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "destination-over"; // JPEG has no transparency: white shows through instead
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  return toBlob(canvas, "image/jpeg");
}

function toBlob(canvas, type) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type, quality: QUALITY });
  return new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
}
