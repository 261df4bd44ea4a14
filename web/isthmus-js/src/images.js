/** Plain `<img src="photo.isth">`, on pages that register the service worker. */

import { MissingExtraError } from "./errors.js";

/** @param {string} address */
export function isIsthAddress(address) {
  return /^[^?#]*\.isth([?#]|$)/.test(address);
}

/**
 * Registers the service worker that lets `<img src="photo.isth">` show, and shows those that are on the page already.
 *
 * @param {string | URL} worker the address of isthmus-sw.js; pages that lie below it are served
 * @param {{models?: string | URL, fallback?: string}} [where] `models` is an address to which `ID.isthmodel` is added, by
 *   default the worker's folder; `fallback` a suffix, as in ".jpg", of pictures that stand in for those that cannot be shown
 */
export async function showPlainImages(worker, { models, fallback } = {}) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) {
    throw new MissingExtraError("there are no service workers here", { expected: "a page from https: or this machine" });
  }
  const address = new URL(worker, document.baseURI);
  if (models !== undefined) address.searchParams.set("models", new URL(models, document.baseURI).href);
  if (fallback !== undefined) address.searchParams.set("fallback", fallback);
  await serviceWorker.register(address);
  const { active } = await serviceWorker.ready;
  if (!serviceWorker.controller) {
    const inCharge = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    active?.postMessage("claim");
    await inCharge;
  }
  for (const image of document.images) if (isIsthAddress(image.currentSrc || image.src)) retry(image);
}

/** Asks again for a picture that was asked of nobody who knows it. @param {HTMLImageElement} image */
function retry(image) {
  const again = () => {
    image.src = image.src;
  };
  if (!image.complete) image.addEventListener("error", again, { once: true });
  else if (!image.naturalWidth) again();
}
