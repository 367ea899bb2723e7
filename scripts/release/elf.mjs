// What Node's own builder of single executables cannot do: it damages programs for musl, whose
// tables other tools have moved before.

const [LOAD, DYNAMIC, NOTE] = [1, 2, 4];
const [NEEDED, STRTAB, RPATH] = [1n, 5n, 15n];

/** Marks where Node keeps whether it holds a program. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";

/** The table of segments of a program for 64 bits, little-endian. */
function segmentsOf(elf) {
  if (elf.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") throw new Error("expected a program of ELF for 64 bits");
  const start = Number(elf.readBigUInt64LE(32));
  return Array.from({ length: elf.readUInt16LE(56) }, (_, at) => {
    const header = elf.subarray(start + at * 56, start + (at + 1) * 56);
    const [offset, address, , size, memory] = [0, 1, 2, 3, 4].map((each) => header.readBigUInt64LE(8 + each * 8));
    return { type: header.readUInt32LE(0), header, offset, address, size, memory };
  });
}

/**
 * Names libraries as the system has them, in place: a wheel brings its own beside the program, and
 * a path to them, which here would be anybody's folder.
 *
 * @param elf the bytes of the program, which are changed
 * @param names from those that the program needs to shorter ones
 */
export function useSystemLibraries(elf, names) {
  const segments = segmentsOf(elf);
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  const entries = [];
  for (let at = Number(dynamic.offset); at < Number(dynamic.offset + dynamic.size); at += 16)
    entries.push([elf.readBigUInt64LE(at), elf.readBigUInt64LE(at + 8)]);
  const address = entries.find(([tag]) => tag === STRTAB)[1];
  const holder = segments.find((each) => address >= each.address && address < each.address + each.size);
  const strings = Number(address - holder.address + holder.offset);
  const replace = (index, name) => {
    const start = strings + Number(index);
    const end = elf.indexOf(0, start);
    const found = name(elf.toString("latin1", start, end));
    elf.fill(0, start, end).write(found, start);
  };
  for (const [tag, index] of entries) {
    if (tag === NEEDED)
      replace(index, (found) => names.find((name) => found.startsWith(`${name.split(".")[0]}-`)) ?? found);
    if (tag === RPATH) replace(index, () => "");
  }
}

/**
 * Puts what Node prepared of a script into Node: a note behind all else, in the last segment that
 * is loaded.
 *
 * @param elf the bytes of Node
 * @param prepared what `node --experimental-sea-config` wrote
 * @returns the bytes of the program
 */
export function withNote(elf, prepared) {
  const program = Buffer.from(elf);
  const segments = segmentsOf(program);
  const last = segments
    .filter(({ type }) => type === LOAD)
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
    .at(-1);
  const spare = segments.find(({ type }) => type === NOTE);
  if (last.size !== last.memory || spare === undefined) throw new Error("there is no room for a note");
  const name = Buffer.from("NODE_SEA_BLOB\0\0\0");
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE("NODE_SEA_BLOB\0".length, 0);
  sizes.writeUInt32LE(prepared.length, 4);
  const note = Buffer.concat([sizes, name, prepared]);
  // It begins where its address has the alignment that notes have.
  const gap = -program.length & 7;
  const offset = BigInt(program.length + gap);
  const size = BigInt(note.length);
  for (const field of [32, 40]) last.header.writeBigUInt64LE(offset + size - last.offset, field);
  spare.header.writeBigUInt64LE(offset, 8);
  for (const field of [16, 24]) spare.header.writeBigUInt64LE(last.address + offset - last.offset, field);
  for (const field of [32, 40]) spare.header.writeBigUInt64LE(size, field);
  const fuse = program.indexOf(FUSE) + FUSE.length;
  if (fuse < FUSE.length || program.indexOf(FUSE, fuse) !== -1) throw new Error("expected one mark of Node's");
  program.write("1", fuse);
  return Buffer.concat([program, Buffer.alloc(gap), note]);
}
