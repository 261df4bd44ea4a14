/** The numbers of latents, weights and activations: what is a multiple of what, and within which limits. As `isthmus.coding.formats`. */

/** Means, and so decoded latents, are whole sixteenths of a quantization step. */
export const MEAN_STEPS = 16;
/** Latents enter networks clipped to +-this, in sixteenths. */
export const LATENT_LIMIT = 1 << 15;
/** Scale indices, each with a probability table of its own. */
export const SCALES = 64;
/** Symbols of a trellis have this scale index or a higher one. */
export const FIRST_TRELLIS_SCALE = 10;
/** Largest magnitude of a weight of 8 bits. */
export const WEIGHT_LIMIT = 63;
/** Companded latents are within +-this, in units of 2 ** -FEATURE_BITS. */
export const FEATURE_LIMIT = 127;
export const FEATURE_BITS = 4;
/** Activations are from minus this on, in units of 2 ** -ACTIVATION_BITS. */
export const ACTIVATION_LIMIT = 128;
export const ACTIVATION_BITS = 3;
/** Channels of the first group: the means of a block's three colours. */
export const DC_CHANNELS = 3;
