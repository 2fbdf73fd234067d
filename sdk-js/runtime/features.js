// What the build asks of the runtime: which of it a handler needs. Only that is bundled, because every byte that lies in a
// handler's memory is compared after each request.
//
// The handler's code is searched for words. A global that it mentions is defined by its file in globals/. What is reached only
// through a property, such as the stream behind request.body, is there when the property is mentioned.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The names that each file of globals/ gives. */
const globals = {
  abort: ["AbortController", "AbortSignal"],
  Blob: ["Blob", "File"],
  console: ["console"],
  crypto: ["crypto"],
  encoding: ["TextDecoder", "TextEncoder"],
  encodingStreams: ["TextDecoderStream", "TextEncoderStream"],
  events: ["Event", "EventTarget"],
  fetch: ["fetch"],
  FormData: ["FormData"],
  Headers: ["Headers"],
  performance: ["performance"],
  Request: ["Request"],
  Response: ["Response"],
  streams: [
    "ByteLengthQueuingStrategy",
    "CountQueuingStrategy",
    "ReadableByteStreamController",
    "ReadableStream",
    "ReadableStreamBYOBReader",
    "ReadableStreamBYOBRequest",
    "ReadableStreamDefaultController",
    "ReadableStreamDefaultReader",
    "TransformStream",
    "TransformStreamDefaultController",
    "WritableStream",
    "WritableStreamDefaultController",
    "WritableStreamDefaultWriter",
  ],
  structuredClone: ["structuredClone"],
  timers: ["clearInterval", "clearTimeout", "setImmediate", "setInterval", "setTimeout"],
  URL: ["URL", "URLSearchParams"],
};

// Members of Request and Response that take a body.
const readers = "text|json|bytes|arrayBuffer|blob|formData|body|bodyUsed|clone|trailers";
const reads = new RegExp(
  `(?<!\\b(?:Response|JSON)\\s*)\\.\\s*(?:${readers})\\b|["'\`](?:${readers})["'\`]|[{,]\\s*(?:${readers})\\s*[},:=]`,
);

/** What has to be there when the handler's code has such words in it. Too much is found rather than too little. */
const words = {
  // Bodies of requests are read.
  SLUICE_BODIES: reads,
  // A body is asked for as a stream.
  SLUICE_STREAMS:
    /\.\s*(?:body|stream|clone)\b|\{[^{}]*\bbody\b[^{}]*\}\s*=|["'`](?:body|stream|clone)["'`]|\b(?:Readable|Writable|Transform|Digest)Stream\b/,
  // Answers are sent piece by piece.
  SLUICE_STREAMING: /\bbody\b|\bstream\b|\bclone\b|Stream\b|\basync\s*(?:function\s*)?\*|\basyncIterator\b|\btrailers\b/,
  SLUICE_BLOBS: /\bblob\b|\bBlob\b|\bFile\b/,
  // Something is asked of the context.
  SLUICE_CONTEXT: /\b(?:waitUntil|stream|sendInformational|drain)\b/,
  SLUICE_FORMS: /\bformData\b|\bFormData\b/,
  SLUICE_DIGESTS: /\bsubtle\b/,
  SLUICE_DIGEST_STREAMS: /\bDigestStream\b/,
  SLUICE_SIGNALS: /\bsignal\b|\bAbort(?:Controller|Signal)\b/,
  SLUICE_URLS: /\bURL\b|\bnew\s+Request\b|\bredirect\b/,
  // The second level.
  SLUICE_EVENTS: /\bsluice\b|\bon\s*[:(,}]/,
};

/**
 * Options of esbuild for a handler. `code` is the handler's own code with what it imports, as text: bundled without the
 * runtime, for instance. To be merged into those of the build, which bundles an entry that says
 *
 *     import "sluice:globals";
 *     import { serve } from "./serve.js";
 *     import * as handler from "./handler.js";
 *     serve(handler);
 */
export function features(code) {
  const define = {};
  for (const [name, found] of Object.entries(words)) define[name] = String(found.test(code));
  return { define, plugins: [packages, globalsOf(code)] };
}

/** Has "sluice:globals" define the globals that a handler mentions, before the handler is evaluated. */
function globalsOf(code) {
  let contents = `import { define } from "./define.js";\n`;
  for (const [file, names] of Object.entries(globals)) {
    const mentioned = names.filter((name) => mentions(code, name)).join(", ");
    if (mentioned !== "") contents += `import { ${mentioned} } from "./globals/${file}.js";\ndefine({ ${mentioned} });\n`;
  }
  return {
    name: "sluice-globals",
    setup(build) {
      build.onResolve({ filter: /^sluice:globals$/ }, () => ({ path: "globals", namespace: "sluice" }));
      build.onLoad({ filter: /^globals$/, namespace: "sluice" }, () => ({ contents, resolveDir: here(".") }));
    },
  };
}

function mentions(code, name) {
  return new RegExp(`\\b${name}\\b`).test(code);
}

/** Has packages find each other and be left out when nothing uses them: their packages do not say that they may be. */
const packages = {
  name: "sluice-packages",
  setup(build) {
    // One runtime in a module, wherever the handler lies.
    build.onResolve({ filter: /^sluice-js(?:\/idna)?$/ }, ({ path }) => ({
      path: here(path === "sluice-js" ? "index.js" : "idna.js"),
    }));
    // The generated tables say nothing of what may be left out: of most, nothing is used.
    build.onLoad({ filter: /[\\/]sdk-js[\\/]abi\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replaceAll("Object.freeze(", "/* @__PURE__ */ Object.freeze("),
    }));
    build.onResolve({ filter: /^(?:tr46|\.\/encoding)$/ }, ({ path, importer }) =>
      /[\\/]whatwg-url[\\/]lib[\\/]/.test(importer) ? { path: here(`whatwg/${path.replace("./", "")}.js`) } : undefined,
    );
    build.onResolve(
      { filter: /^(?:web-streams-polyfill|whatwg-url\/.*)$/ },
      async ({ path: name, importer, resolveDir, kind, pluginData }) => {
        if (pluginData === packages) return undefined;
        const { path, errors } = await build.resolve(name, { importer, resolveDir, kind, pluginData: packages });
        return errors.length > 0 ? { errors } : { path, sideEffects: false };
      },
    );
  },
};
