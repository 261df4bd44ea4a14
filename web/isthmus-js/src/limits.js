/** What a file may ask for before anything is allocated. */

/**
 * @typedef {object} Limits
 * @property {number} maxPixels width times height
 * @property {number} maxMetadataBytes of one block of metadata, inflated
 */

/** @type {Limits} */
export const LIMITS = { maxPixels: 16384 ** 2, maxMetadataBytes: 2 ** 24 };

export const MAX_SIDE = 2 ** 24;
