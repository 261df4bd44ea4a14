// Trellis-coded quantization: two quantizers, and a state that says which of them the next symbol has.

/** Sixteenths from one value of both quantizers together to the next. */
const UNIT = 10;
/** What the state becomes after the second quantizer, and after an odd symbol. */
const FEEDBACK = 0b100001;
const FORWARD = 0b001010;

/**
 * Adds what symbols stand for to means, in sixteenths, both i32 (count, channels).
 *
 * @param scales u8 (count, channels)
 * @param first symbols of this scale index or a higher one are of the trellis; others are whole steps
 * @param state of the trellis, by the passes before
 * @returns the state after the pass
 */
export function dequantize(
  symbols: usize, scales: usize, count: i32, channels: i32, first: i32, state: i32, means: usize,
): i32 {
  for (let c: i32 = 0; c < channels; c++) {
    for (let p: i32 = 0; p < count; p++) {
      const at = <usize>(p * channels + c);
      const symbol = load<i32>(symbols + (at << 2));
      let value = symbol << 4;
      if (<i32>load<u8>(scales + at) >= first) {
        const second = state & 1;
        const sign = (symbol >> 31) | <i32>(symbol != 0);
        value = UNIT * (2 * symbol - second * sign);
        state = (state >> 1) ^ (-second & FEEDBACK) ^ (-(symbol & 1) & FORWARD);
      }
      const to = means + (at << 2);
      store<i32>(to, load<i32>(to) + value);
    }
  }
  return state;
}
