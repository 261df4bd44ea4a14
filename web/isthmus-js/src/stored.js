/** zlib streams that are not compressed. */

const MOST = 65535;
const ADLER = 65521;
/** So many bytes can be summed before the sums outgrow 32 bits. */
const RUN = 3800;

/**
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 */
export function zlibWrapped(bytes) {
  const blocks = Math.max(1, Math.ceil(bytes.length / MOST));
  const out = new Uint8Array(bytes.length + 5 * blocks + 6);
  out.set([0x78, 0x01]);
  let at = 2;
  for (let block = 0; block < blocks; block++) {
    const part = bytes.subarray(block * MOST, (block + 1) * MOST);
    const { length } = part;
    out.set([block === blocks - 1 ? 1 : 0, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255], at);
    out.set(part, at + 5);
    at += 5 + length;
  }
  let [a, b] = [1, 0];
  for (let i = 0; i < bytes.length; ) {
    for (const end = Math.min(bytes.length, i + RUN); i < end; i++) {
      a += bytes[i];
      b += a;
    }
    a %= ADLER;
    b %= ADLER;
  }
  out.set([b >> 8, b & 255, a >> 8, a & 255], at);
  return out;
}
