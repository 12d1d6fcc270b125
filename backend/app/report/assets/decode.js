/* Tables as the page holds them: base64 over deflate over columns. `columns.py` packs them. */

function bytesOf(base64) {
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Numbers of seven bits a byte, the sign in the lowest bit; beyond 31 bits by multiplication. */
function readVarints(bytes, rows) {
  const found = new Float64Array(rows);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    let byte = bytes[at++];
    let value = byte & 127;
    let unit = 128;
    while (byte > 127) {
      byte = bytes[at++];
      value += (byte & 127) * unit;
      unit *= 128;
    }
    found[row] = value % 2 ? -(value + 1) / 2 : value / 2;
  }
  return found;
}

function readColumn(spec, bytes, rows) {
  if (spec.kind === "float64") {
    return new Float64Array(bytes.slice().buffer, 0, rows);
  }
  const numbers = readVarints(bytes, rows);
  if (spec.kind === "words") return { words: spec.words, codes: Int32Array.from(numbers) };
  if (spec.kind === "steps") {
    for (let row = 1; row < rows; row++) numbers[row] += numbers[row - 1];
  }
  const scale = 10 ** (spec.decimals || 0);
  for (let row = 0; row < rows; row++) {
    numbers[row] = numbers[row] === spec.missing ? NaN : numbers[row] / scale;
  }
  return numbers;
}

function readTable(spec, bytes) {
  const table = { rows: spec.rows };
  let at = 0;
  for (const column of spec.columns) {
    const end = at + column.bytes;
    table[column.name] = readColumn(column, bytes.subarray(at, end), spec.rows);
    at = end;
  }
  return table;
}

/* The table of a name, or null; each is unpacked when it is first asked for. */
class Store {
  constructor(specs) {
    this.specs = specs;
    this.tables = new Map();
  }

  has(name) {
    return name in this.specs;
  }

  table(name) {
    if (!this.tables.has(name)) this.tables.set(name, this.unpacked(name));
    return this.tables.get(name);
  }

  async unpacked(name) {
    if (!this.has(name)) return null;
    const holder = document.getElementById("table-" + this.specs[name].place);
    const table = readTable(this.specs[name], await inflate(bytesOf(holder.textContent)));
    holder.textContent = ""; // it is big, and nobody reads it twice
    return table;
  }
}

/* The word of a row in a column of words. */
function wordAt(column, row) {
  return column.words[column.codes[row]];
}
