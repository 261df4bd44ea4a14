// The range decoder of docs/format.md: 32-bit words, a 64-bit state, probabilities of 24 bits, as constriction's RangeDecoder.

const PRECISION: u64 = 24;

let lower: u64 = 0;
let range: u64 = u64.MAX_VALUE;
let point: u64 = 0;
let next: usize = 0;
let end: usize = 0;

// Found by `step`: how many of 2 ** 24 the decoded place is.
let scale: u64 = 0;

function word(): u64 {
  if (next == end) return 0;
  const found = load<u32>(next);
  next += 4;
  return found;
}

/** Begins to decode `count` words at `words`. */
export function begin(words: usize, count: i32): void {
  lower = 0;
  range = u64.MAX_VALUE;
  next = words;
  end = words + ((<usize>count) << 2);
  point = word() << 32;
  point |= word();
}

// @ts-ignore: decorator
@inline
function quantile(): u64 {
  scale = range >> PRECISION;
  return (point - lower) / scale;
}

// @ts-ignore: decorator
@inline
function advance(left: u64, probability: u64): void {
  lower += scale * left;
  range = scale * probability;
  if (range >> 32 == 0) {
    lower <<= 32;
    range <<= 32;
    point = (point << 32) | word();
  }
}

/** The next digit of so many bits; -1 where the words are no valid code. */
export function digit(bits: i32): i32 {
  const place = quantile();
  if (place >> PRECISION != 0) return -1;
  const width = PRECISION - bits;
  const found = place >> width;
  advance(found << width, 1 << width);
  return <i32>found;
}

/** Marks, one in 2 ** rarity: `count` bytes of 0 or 1 at `out`. False where the words are no valid code. */
export function marks(rarity: i32, count: i32, out: usize): bool {
  const one: u64 = 1 << PRECISION;
  const free = one - 2;
  const left = free - (free >> rarity) - ((free & ((1 << rarity) - 1)) == 0 ? 0 : 1) + 1;
  for (let i: i32 = 0; i < count; i++) {
    const place = quantile();
    if (place >= one) return false;
    const marked = place >= left;
    if (marked) advance(left, one - left);
    else advance(0, left);
    store<u8>(out + i, marked ? 1 : 0);
  }
  return true;
}

/**
 * Symbols of one table.
 *
 * @param count how many
 * @param lefts the table's cumulative counts of 2 ** 24, u32, of every symbol and last 2 ** 24
 * @param first u16 for each 2 ** 16: the last symbol that begins there or before
 * @param out where they go, i32, from 0 on
 */
export function symbols(count: i32, lefts: usize, first: usize, out: usize): bool {
  for (let i: i32 = 0; i < count; i++) {
    const place = quantile();
    if (place >> PRECISION != 0) return false;
    const wanted = <u32>place;
    let symbol: u32 = load<u16>(first + ((wanted >> 16) << 1));
    let above = load<u32>(lefts + ((symbol + 1) << 2));
    while (above <= wanted) {
      symbol++;
      above = load<u32>(lefts + ((symbol + 1) << 2));
    }
    const left = load<u32>(lefts + (symbol << 2));
    advance(left, above - left);
    store<i32>(out + (i << 2), symbol);
  }
  return true;
}

/** Whether no word is left that the decoder can tell from its own ending. */
export function finished(): bool {
  return next == end && (range == u64.MAX_VALUE || point - lower < <u64>0x1ffffffff);
}
