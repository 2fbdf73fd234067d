// Internationalized host names: `import "sluice-js/idna"` gives URL the tables that they need. They make a module two megabytes
// larger, and an instance one: hence the import.

import tr46 from "tr46";

import { provide } from "./whatwg/tr46.js";

provide(tr46);
