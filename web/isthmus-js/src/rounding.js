/** Rounding as NumPy does it. */

/** The nearest whole number, halves to even. @param {number} x */
export function rint(x) {
  const below = Math.floor(x);
  const over = x - below;
  return over > 0.5 || (over === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
