/** The units of the two dials. As `isthmus.quality` and `isthmus.tune`. */

/** Quality is a whole number of hundredths, up to these. */
export const HUNDREDTHS = 10000;
/** Tune all the way to the eye. */
export const WHOLE_TUNE = 100;
