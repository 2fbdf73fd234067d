// One file of a handler's code and the runtime, by esbuild: types stripped, imports resolved, what is not used left out.

import { isBuiltin } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

import esbuild from "esbuild";

import { features } from "../runtime/features.js";
import { Positions } from "./positions.js";
import { BuildError } from "./problems.js";

const runtime = fileURLToPath(new URL("../runtime/", import.meta.url));

/** The name under which a bundle is evaluated. Functions bear the names of the author's files; the module's own level this. */
export const bundleName = "sluice:bundle";

/**
 * @param {string} entry the path of the author's module
 * @param {{ minify?: boolean, sourcemap?: boolean }} options without `sourcemap`, positions stay those in the bundle
 * @returns {Promise<{ code: string, positions: Positions, inputs: string[], warnings: string[] }>} `inputs` are the paths of
 * all files
 */
export async function bundle(entry, { minify = false, sourcemap = true } = {}) {
  const root = path.dirname(entry);
  const { define, plugins } = features(await textOf(entry, root));
  const result = await esbuild
    .build({
      ...settings,
      stdin: { contents: startOf(entry), resolveDir: runtime, sourcefile: "sluice:start" },
      absWorkingDir: root,
      outfile: path.join(root, "bundle.js"),
      plugins,
      define: { ...settings.define, ...define },
      minify,
      keepNames: false,
      sourcemap: "external",
      sourcesContent: false,
      metafile: true,
    })
    .catch(async (error) => {
      if (error.errors === undefined) throw error;
      throw new BuildError(await messages(error.errors, "error"));
    });
  const [map, code] = result.outputFiles.sort((a, b) => b.path.length - a.path.length);
  return {
    code: code.text,
    positions: new Positions(sourcemap ? JSON.parse(map.text) : { sources: [], mappings: "" }, (source) =>
      nameOf(source, root),
    ),
    inputs: Object.keys(result.metafile.inputs)
      .filter((name) => name !== "sluice:start")
      .map((name) => path.resolve(root, name)),
    warnings: result.warnings.length === 0 ? [] : [await messages(result.warnings, "warning")],
  };
}

const settings = {
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  target: "es2024",
  mainFields: ["module", "main"],
  conditions: ["sluice", "worker", "import", "module"],
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none",
  logLevel: "silent",
  tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false } },
};

/** The author's code without the runtime, in which the runtime looks for what it needs. What is wrong with it is told later. */
async function textOf(entry, root) {
  const alone = { ...settings, entryPoints: [entry], absWorkingDir: root, external: ["sluice-js", "sluice-js/*"] };
  return esbuild.build(alone).then(
    (result) => result.outputFiles[0].text,
    () => "",
  );
}

/** The module that brings handler and runtime together. */
function startOf(entry) {
  return `
    import "sluice:globals";
    import { serve } from "./serve.js";
    import * as handler from ${JSON.stringify(entry)};
    serve(handler);`;
}

/** How stacks name a file: relative to the author's module, with forward slashes anywhere. */
function nameOf(source, root) {
  if (source.startsWith("sluice:")) return source;
  const file = path.resolve(root, source);
  if (file.startsWith(runtime)) return `sluice:${file.slice(runtime.length).replaceAll("\\", "/")}`;
  return path.relative(root, file).replaceAll("\\", "/");
}

async function messages(list, kind) {
  const formatted = await esbuild.formatMessages(list.map(advised), {
    kind,
    color: process.stderr.isTTY === true && !process.env.NO_COLOR,
  });
  return formatted.map((text) => text.trimEnd()).join("\n\n");
}

/** Says what to do about an import that leads nowhere: what esbuild says of it is meant for bundles that run elsewhere. */
function advised(message) {
  const [, name] = /^Could not resolve "([^"]+)"/.exec(message.text) ?? [];
  if (name === undefined || /^[./]/.test(name)) return message;
  const text = isBuiltin(name)
    ? "Handlers run outside of Node.js, without files, sockets and processes. Use the globals of the web, or a package that does."
    : `Is it installed? npm install ${name}`;
  return { ...message, notes: [{ text }] };
}
