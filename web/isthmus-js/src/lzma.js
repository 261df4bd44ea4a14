/** Raw LZMA streams (of LZMA SDK) with an end marker, lc 4, lp 0, pb 0: those of docs/format.md, "Samples". */

const LC = 4;
const DICTIONARY = 2 ** 22;
const STATES = 12;
const HALF = 1024;

/**
 * What a stream expands to: `size` bytes, no more and no fewer, and then its end. undefined where it does not.
 *
 * @param {Uint8Array} stream
 * @param {number} size
 * @returns {Uint8Array | undefined}
 */
export function decodeLzma(stream, size) {
  const out = new Uint8Array(size);
  let range = 0xffffffff;
  let code = 0;
  let next = 0;
  let short = stream.length < 5 || stream[0] !== 0;
  const byte = () => {
    if (next >= stream.length) short = true;
    return stream[next++] | 0;
  };
  for (let i = 0; i < 5; i++) code = ((code << 8) | byte()) >>> 0;
  const probabilities = (/** @type {number} */ count) => new Uint16Array(count).fill(HALF);
  const bit = (/** @type {Uint16Array} */ of, /** @type {number} */ index) => {
    const bound = (range >>> 11) * of[index];
    let found = 0;
    if (code < bound) {
      range = bound;
      of[index] += (2048 - of[index]) >>> 5;
    } else {
      range -= bound;
      code -= bound;
      of[index] -= of[index] >>> 5;
      found = 1;
    }
    if (range < 2 ** 24) {
      range = (range << 8) >>> 0;
      code = ((code << 8) | byte()) >>> 0;
    }
    return found;
  };
  const direct = (/** @type {number} */ count) => {
    let value = 0;
    for (let i = 0; i < count; i++) {
      range >>>= 1;
      const one = code >= range ? 1 : 0;
      if (one) code -= range;
      if (range < 2 ** 24) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | byte()) >>> 0;
      }
      value = 2 * value + one;
    }
    return value;
  };
  const tree = (/** @type {Uint16Array} */ of, /** @type {number} */ bits) => {
    let m = 1;
    for (let i = 0; i < bits; i++) m = 2 * m + bit(of, m);
    return m - (1 << bits);
  };
  const reversed = (/** @type {Uint16Array} */ of, /** @type {number} */ from, /** @type {number} */ bits) => {
    let [m, value] = [1, 0];
    for (let i = 0; i < bits; i++) {
      const one = bit(of, from + m);
      m = 2 * m + one;
      value |= one << i;
    }
    return value;
  };
  const lengths = () => ({ choice: probabilities(2), low: probabilities(8), middle: probabilities(8), high: probabilities(256) });
  const length = (/** @type {ReturnType<lengths>} */ of) => {
    if (!bit(of.choice, 0)) return tree(of.low, 3);
    return bit(of.choice, 1) ? 16 + tree(of.high, 8) : 8 + tree(of.middle, 3);
  };
  const literal = probabilities(0x300 << LC);
  const [isMatch, isRep, isRep0, isRep1, isRep2, isLong] = Array.from({ length: 6 }, () => probabilities(STATES));
  const slots = Array.from({ length: 4 }, () => probabilities(64));
  const [special, aligned] = [probabilities(128), probabilities(16)];
  const [matched, repeated] = [lengths(), lengths()];
  let [state, at] = [0, 0];
  let [rep0, rep1, rep2, rep3] = [0, 0, 0, 0];
  while (!short) {
    if (!bit(isMatch, state)) {
      if (at === size) return undefined;
      const own = 0x300 * ((at ? out[at - 1] : 0) >> (8 - LC));
      let symbol = 1;
      if (state >= 7) {
        let match = out[at - rep0 - 1];
        while (symbol < 256) {
          const one = match >> 7;
          match = (match << 1) & 255;
          const found = bit(literal, own + ((1 + one) << 8) + symbol);
          symbol = 2 * symbol + found;
          if (found !== one) break;
        }
      }
      while (symbol < 256) symbol = 2 * symbol + bit(literal, own + symbol);
      out[at++] = symbol;
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
      continue;
    }
    let count;
    if (bit(isRep, state)) {
      if (at === 0) return undefined;
      if (!bit(isRep0, state)) {
        if (!bit(isLong, state)) {
          if (at === size || rep0 >= at) return undefined;
          state = state < 7 ? 9 : 11;
          out[at] = out[at - rep0 - 1];
          at++;
          continue;
        }
      } else if (!bit(isRep1, state)) [rep0, rep1] = [rep1, rep0];
      else if (!bit(isRep2, state)) [rep0, rep1, rep2] = [rep2, rep0, rep1];
      else [rep0, rep1, rep2, rep3] = [rep3, rep0, rep1, rep2];
      count = length(repeated);
      state = state < 7 ? 8 : 11;
    } else {
      [rep1, rep2, rep3] = [rep0, rep1, rep2];
      count = length(matched);
      state = state < 7 ? 7 : 10;
      const slot = tree(slots[Math.min(count, 3)], 6);
      if (slot < 4) rep0 = slot;
      else {
        const bits = (slot >> 1) - 1;
        rep0 = (2 | (slot & 1)) * 2 ** bits;
        // Places of probabilities count from the slot's first distance.
        if (slot < 14) rep0 += reversed(special, rep0 - slot, bits);
        else rep0 += direct(bits - 4) * 16 + reversed(aligned, 0, 4);
      }
      if (rep0 === 0xffffffff) return !short && at === size && next === stream.length && code === 0 ? out : undefined;
    }
    count += 2;
    if (rep0 >= at || rep0 >= DICTIONARY || at + count > size) return undefined;
    for (let i = 0; i < count; i++, at++) out[at] = out[at - rep0 - 1];
  }
  return undefined;
}
