// Host names for whatwg-url in place of the package tr46, whose tables are larger than the rest of a handler. Names in ASCII
// need none of them. A handler that imports `sluice-js/idna` has the tables.

let full = null;

/** Has a package that knows all names take over: sluice-js/idna calls it. */
export function provide(tr46) {
  full = tr46;
}

/** The name in ASCII; null when it is none (https://url.spec.whatwg.org/#concept-domain-to-ascii). */
export function toASCII(domain, options) {
  if (full !== null) return full.toASCII(domain, options);
  const lower = domain.toLowerCase();
  if (/^[\0-\x7f]*$/.test(domain) && !/(?:^|\.)xn--/.test(lower)) return lower;
  throw new TypeError(`the host ${JSON.stringify(domain)} is an internationalized name: import "sluice-js/idna" for these`);
}
