/** Modes of pictures, by permanent number: which have transparency, what comes back, how many samples a pixel has. */

export const MODES = ["RGB", "RGBA", "L", "LA", "1", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa", "La"];

export const ALPHA_MODES = ["RGBA", "LA", "PA", "RGBa", "La"];
export const ALPHA_OPTIONAL_MODES = ["P"];
export const PALETTE_MODES = ["P", "PA"];
export const GREY_MODES = ["L", "LA", "La", "1"];

/** Samples of a pixel of a lossless file; of a palette, its index. */
export const SAMPLES = /** @type {Record<string, number>} */ ({
  L: 1, 1: 1, P: 1, LA: 2, PA: 2, La: 2, RGB: 3, YCbCr: 3, LAB: 3, HSV: 3, RGBA: 4, CMYK: 4, RGBX: 4, RGBa: 4,
});
