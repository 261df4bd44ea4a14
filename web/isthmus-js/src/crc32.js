/** The CRC-32 of PNG, gzip and zlib. */

const TABLES = new Uint32Array(4 * 256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  TABLES[n] = c;
}
for (let n = 256; n < 1024; n++) TABLES[n] = TABLES[TABLES[n - 256] & 255] ^ (TABLES[n - 256] >>> 8);

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  const t = TABLES;
  let c = 0xffffffff;
  let i = 0;
  // Four bytes at once: latents are megabytes.
  for (; i + 4 <= bytes.length; i += 4) {
    c ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    c = t[768 + (c & 255)] ^ t[512 + ((c >>> 8) & 255)] ^ t[256 + ((c >>> 16) & 255)] ^ t[c >>> 24];
  }
  for (; i < bytes.length; i++) c = t[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
