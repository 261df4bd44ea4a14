/** AV1 of the sharp layer, by the browser. */

/** @import { DecodeAvif } from "./sharp.js" */

/** @type {DecodeAvif} */
export async function decodeAvif(file, width, height) {
  const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (file)], { type: "image/avif" });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  if (bitmap.width !== width || bitmap.height !== height) throw new Error(`it is ${bitmap.width}x${bitmap.height}`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("there is no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const out = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) for (let k = 0; k < 3; k++) out[3 * p + k] = data[4 * p + k];
  return out;
}
