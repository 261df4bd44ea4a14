/** The geometry of a picture: boxes, tiles, the blocks behind latent positions, and what lies beyond the edges. */

export const TILE = 1024;
/** Pixels between latent positions. */
export const BLOCK = 16;

/** @typedef {{top: number, left: number, height: number, width: number}} Box a rectangle of pixels, or of latent positions */

/**
 * @param {number} top
 * @param {number} left
 * @param {number} height
 * @param {number} width
 * @returns {Box}
 */
export function box(top, left, height, width) {
  return { top, left, height, width };
}

/**
 * What two boxes share; its height or width is not above 0 where that is nothing.
 *
 * @param {Box} a
 * @param {Box} b
 */
export function shared(a, b) {
  const top = Math.max(a.top, b.top);
  const left = Math.max(a.left, b.left);
  const bottom = Math.min(a.top + a.height, b.top + b.height);
  return box(top, left, bottom - top, Math.min(a.left + a.width, b.left + b.width) - left);
}

/**
 * Whether two boxes share anything.
 *
 * @param {Box} a
 * @param {Box} b
 */
export function meets(a, b) {
  const both = shared(a, b);
  return both.height > 0 && both.width > 0;
}

/**
 * @param {Box} of
 * @param {number} margin rows and columns more on every side
 */
export function grown(of, margin) {
  return box(of.top - margin, of.left - margin, of.height + 2 * margin, of.width + 2 * margin);
}

/**
 * The latent positions whose blocks cover a box in pixels.
 *
 * @param {Box} pixels
 */
export function blocksOf(pixels) {
  const top = Math.floor(pixels.top / BLOCK);
  const left = Math.floor(pixels.left / BLOCK);
  const bottom = Math.ceil((pixels.top + pixels.height) / BLOCK);
  return box(top, left, bottom - top, Math.ceil((pixels.left + pixels.width) / BLOCK) - left);
}

/** How a picture splits into tiles, which count row by row. */
export class Grid {
  /**
   * @param {number} width in pixels
   * @param {number} height
   * @param {number} tile side of a tile
   */
  constructor(width, height, tile) {
    this.width = width;
    this.height = height;
    this.tile = tile;
    this.rows = Math.ceil(height / tile);
    this.columns = Math.ceil(width / tile);
    this.count = this.rows * this.columns;
    this.latentHeight = Math.ceil(height / BLOCK);
    this.latentWidth = Math.ceil(width / BLOCK);
    /** The whole picture. */
    this.box = box(0, 0, height, width);
  }

  /**
   * A tile in pixels; those at the right and bottom edges are smaller.
   *
   * @param {number} index
   */
  tileBox(index) {
    const row = Math.floor(index / this.columns);
    const { tile } = this;
    return shared(box(row * tile, (index - row * this.columns) * tile, tile, tile), this.box);
  }
}

/**
 * Where an axis of `size` samples, continued by mirroring at both ends, has what stands at any index; -1 is 0.
 *
 * @param {number} index
 * @param {number} size
 */
export function mirrored(index, size) {
  const period = ((index % (2 * size)) + 2 * size) % (2 * size);
  return Math.min(period, 2 * size - 1 - period);
}

/**
 * Whether `mirrored` shows an index back to front: there, odd functions change their sign.
 *
 * @param {number} index
 * @param {number} size
 */
export function isReversed(index, size) {
  return ((index % (2 * size)) + 2 * size) % (2 * size) >= size;
}
