// Whole forms as they come in: what formData() gives.

import { natives } from "./natives.js";
import { File } from "./globals/Blob.js";
import { FormData } from "./globals/FormData.js";
import { parseQuery } from "./globals/URL.js";
import { boundaryOf, part } from "./multipart.js";

/** The form that a body is, by its Content-Type. It throws a TypeError for another type and for a body that is broken. */
export function parseForm(type, bytes) {
  const form = new FormData();
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    for (const [name, value] of parseQuery(natives.decode(bytes))) form.append(name, value);
    return form;
  }
  const boundary = boundaryOf(type);
  if (boundary === null)
    throw new TypeError(`formData() reads forms, not ${type === "" ? "a body without Content-Type" : type}`);
  for (let at = 0; ;) {
    const { next, part: found } = part(bytes, at, boundary);
    if (found === null) return form;
    form.append(found.name, valueOf(found));
    at = next;
  }
}

function valueOf({ filename, type, content }) {
  return filename === null ? natives.decode(content) : new File([content], filename, { type });
}
