// What `import … from "sluice-js"` gives: the second level, events and calls as the ABI has them, and help with forms that both
// levels use.

export { SluiceError } from "./errors.js";
export { sluice } from "./events.js";
export { boundaryOf, part, parts } from "./multipart.js";
