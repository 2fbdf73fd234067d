// Where the parts of a bundle lie in the author's files, read from its source map (ECMA-426).

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const valueOf = new Uint8Array(128);
for (let i = 0; i < digits.length; i++) valueOf[digits.charCodeAt(i)] = i;

export class Positions {
  /** @param {{ sources: string[], mappings: string }} map */
  constructor(map, nameOf) {
    /** The names of the author's files. */
    this.files = map.sources.map(nameOf);
    /** Rows of line, column, file, line there, column there; lines and columns count from 1. In order. */
    this.rows = rowsOf(map.mappings);
  }

  /** As the engine takes them (`mapping_t` in engine/build.h). */
  table() {
    return new Uint8Array(Int32Array.from(this.rows.flat()).buffer);
  }

  /** Replaces places in a bundle, as they stand in stacks, by those in the author's files. */
  translate(text, bundle) {
    const place = new RegExp(`${escaped(bundle)}:(\\d+):(\\d+)`, "g");
    return text.replace(place, (whole, line, column) => this.find(Number(line), Number(column)) ?? whole);
  }

  find(line, column) {
    const row = this.rows.findLast((row) => row[0] === line && row[1] <= column);
    return row && `${this.files[row[2]]}:${row[3]}:${row[4]}`;
  }
}

function rowsOf(mappings) {
  const rows = [];
  let [file, sourceLine, sourceColumn] = [0, 0, 0];
  mappings.split(";").forEach((line, at) => {
    let column = 0;
    if (line === "") return;
    for (const segment of line.split(",")) {
      const [columnStep, fileStep, lineStep, sourceStep] = numbersOf(segment);
      column += columnStep;
      if (fileStep === undefined) continue;
      file += fileStep;
      sourceLine += lineStep;
      sourceColumn += sourceStep;
      rows.push([at + 1, column + 1, file, sourceLine + 1, sourceColumn + 1]);
    }
  });
  return rows;
}

/** The numbers of a segment: base 64 digits of five bits, the lowest first, a sixth bit while more follow, the sign lowest. */
function numbersOf(segment) {
  const numbers = [];
  let value = 0,
    shift = 0;
  for (let i = 0; i < segment.length; i++) {
    const digit = valueOf[segment.charCodeAt(i)];
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >>> 1) : value >>> 1);
    value = shift = 0;
  }
  return numbers;
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
