package report

// NoisySpread is the spread from which on the reader is warned.
const NoisySpread = 0.15
