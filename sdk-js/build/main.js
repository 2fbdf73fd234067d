// The command `sluice-js`: makes a handler module of a JavaScript or TypeScript file.

import { readFileSync, statSync, watch, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { BuildError } from "./problems.js";

const help = `Makes a handler for Sluice of a JavaScript or TypeScript module.

usage: sluice-js build FILE [-o OUT.wasm] [options]

  -o, --out FILE    where the handler goes; FILE with .wasm instead of its extension otherwise
      --minify      shortens names: a smaller module, and less readable names in stacks
      --no-sourcemap  leaves out where code lies: a smaller module, whose errors name places in the bundle
      --watch       builds again whenever one of the files changes
      --help        prints this
      --version     prints the version

Types are stripped, not checked: that is what \`tsc --noEmit\` is for. The module is evaluated while it is built, and every
instance begins with the memory that this leaves; the date is then that of SOURCE_DATE_EPOCH, or 1970.
`;

/** Exit codes. */
const exit = { done: 0, failed: 1, usage: 2 };

const options = {
  out: { type: "string", short: "o" },
  minify: { type: "boolean", default: false },
  sourcemap: { type: "boolean", default: true },
  "no-sourcemap": { type: "boolean", default: false },
  watch: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", default: false },
};

/** Runs the command and gives its exit code. */
export async function main(args) {
  const command = commandOf(args);
  if (typeof command === "number") return command;
  if (command.watch) return watchAndBuild(command);
  return (await report(command)).ok ? exit.done : exit.failed;
}

// ----- The command line -----

/** What to do, or the exit code when that was said already. */
function commandOf(args) {
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return misuse(error.message.split(". ")[0]);
  }
  const {
    values,
    positionals: [verb, entry, ...rest],
  } = parsed;
  if (values.help || (verb === "help" && entry === undefined)) return say(help);
  if (values.version) return say(`sluice-js ${version()}\n`);
  if (verb === undefined) return misuse("what is to be done is missing");
  if (verb !== "build") return misuse(`there is no command '${verb}'`);
  if (entry === undefined) return misuse("the file to build is missing");
  if (rest.length > 0) return misuse(`one file is built at a time: '${rest[0]}' is one too many`);
  if (!/\.[cm]?[jt]sx?$/.test(entry))
    return misuse(`'${entry}' is neither JavaScript nor TypeScript: .js, .mjs, .ts, .mts, .jsx or .tsx`);
  return {
    entry: path.resolve(entry),
    out: path.resolve(values.out ?? entry.replace(/\.[^.]*$/, ".wasm")),
    minify: values.minify,
    sourcemap: values.sourcemap && !values["no-sourcemap"],
    watch: values.watch,
  };
}

function say(text) {
  process.stdout.write(text);
  return exit.done;
}

function misuse(what) {
  process.stderr.write(`sluice-js: ${what}\nTry 'sluice-js --help'.\n`);
  return exit.usage;
}

function version() {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}

// ----- Building -----

/** Builds once and tells how it went. `inputs` are the files that it depended on, as far as they are known. */
async function report(command) {
  const start = performance.now();
  try {
    const { size, inputs } = await build(command);
    const place = path.relative("", command.out) || command.out;
    process.stderr.write(`${place}: ${Math.ceil(size / 1024)} KiB in ${((performance.now() - start) / 1000).toFixed(2)} s\n`);
    return { ok: true, inputs };
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`sluice-js: ${error.message}\n`);
    return { ok: false, inputs: error.inputs ?? [command.entry] };
  }
}

async function build({ entry, out, minify, sourcemap }) {
  if (!isFile(entry)) throw new BuildError(`There is no file ${entry}.`);
  const [{ bundle }, { evaluate }] = await Promise.all([import("./bundle.js"), import("./evaluate.js")]);
  const made = await bundle(entry, { minify, sourcemap });
  for (const warning of made.warnings) process.stderr.write(`${warning}\n`);
  let handler;
  try {
    handler = evaluate(made, { log: (text) => process.stderr.write(text) });
  } catch (error) {
    error.inputs = made.inputs;
    throw error;
  }
  write(out, handler);
  return { size: handler.length, inputs: made.inputs };
}

function isFile(name) {
  return statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
}

function write(out, bytes) {
  try {
    writeFileSync(out, bytes);
  } catch (error) {
    throw new BuildError(`${out} cannot be written: ${error.message}.`);
  }
}

// ----- Watching -----

/** How long files have to be quiet before they are built, in milliseconds: editors write in several steps. */
const quiet = 100;

/** Builds whenever one of the files changes, until the process is ended. */
async function watchAndBuild(command) {
  let watched = [];
  for (;;) {
    const start = Date.now();
    const { ok, inputs } = await report(command);
    // What was read before it failed need not be all that the handler is made of.
    watched = ok ? inputs : [...new Set([...watched, ...inputs])];
    await changeOf(watched, start);
  }
}

/**
 * Waits until one of some files changes, or has changed since a time. Their folders are watched, because editors put new files
 * in place of old ones.
 */
function changeOf(files, since) {
  return new Promise((resolve) => {
    const watchers = [];
    let timer;
    const changed = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const watcher of watchers) watcher.close();
        resolve();
      }, quiet);
    };
    const names = new Set(files);
    for (const folder of new Set(files.map((file) => path.dirname(file)))) {
      watchers.push(watch(folder, (_, name) => names.has(path.join(folder, name ?? "")) && changed()));
    }
    const now = Date.now();
    const times = files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs);
    if (times.some((time) => time > since && time <= now)) changed();
  });
}
