import { createHash } from "node:crypto";

/** An OpenPGP packet (RFC 9580 section 4). */
interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

const PRIMARY_KEY = 6;
const USER_ID = 13;
const SUBKEY = 14;

/** The bytes inside an ASCII armor; its checksum is left unread. */
function dearmor(text: string): Buffer {
  const lines = text.split(/\r?\n/);
  const start = lines.indexOf(
    "",
    lines.findIndex((line) => line.startsWith("-----BEGIN PGP PUBLIC KEY BLOCK")),
  );
  const end = lines.findIndex((line) => line.startsWith("=") || line.startsWith("-----END"));
  return Buffer.from(lines.slice(start + 1, end).join(""), "base64");
}

/** The length of a packet's body and of its header (RFC 9580 section 4.2). */
function packetLengths(bytes: Buffer): readonly [header: number, body: number] {
  const first = bytes.readUInt8(0);
  if ((first & 0x40) === 0) {
    const size = 1 << (first & 3);
    return [1 + size, bytes.readUIntBE(1, size)];
  }
  const length = bytes.readUInt8(1);
  if (length < 192) return [2, length];
  if (length < 224) return [3, ((length - 192) << 8) + bytes.readUInt8(2) + 192];
  return [6, bytes.readUInt32BE(2)];
}

function* packets(bytes: Buffer): Generator<Packet> {
  for (let rest = bytes; rest.length > 0;) {
    const [header, body] = packetLengths(rest);
    const first = rest.readUInt8(0);
    const tag = (first & 0x40) === 0 ? (first >> 2) & 15 : first & 63;
    yield { tag, body: rest.subarray(header, header + body) };
    rest = rest.subarray(header + body);
  }
}

/** The last 8 bytes of a version 4 fingerprint (RFC 9580 section 5.5.4.2). */
function keyId(body: Buffer): string {
  const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
  return createHash("sha1").update(head).update(body).digest("hex").slice(-16).toUpperCase();
}

/** A number that stays the same for the same text. */
export const stableId = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE(0) >>> 1;

/**
 * The packet alone, with the header that GitHub gives it, whatever it had before (RFC 9580 section
 * 4.2.1).
 */
function inNewForm({ tag, body }: Packet): Buffer {
  const length = body.length < 192 ? [body.length] : [((body.length - 192) >> 8) + 192, (body.length - 192) & 0xff];
  return Buffer.concat([Buffer.from([0xc0 | tag, ...length]), body]);
}

function describeKey(packet: Packet, primary: number | null, emails: readonly object[]): Record<string, unknown> {
  const id = keyId(packet.body);
  return {
    id: stableId(id),
    primary_key_id: primary,
    key_id: id,
    public_key: inNewForm(packet).toString("base64"),
    emails,
    subkeys: [],
    can_sign: primary === null,
    can_encrypt_comms: primary !== null,
    can_encrypt_storage: primary !== null,
    can_certify: primary === null,
    created_at: new Date(packet.body.readUInt32BE(1) * 1000).toISOString().replace(".000", ""),
    expires_at: null,
    revoked: false,
    raw_key: null,
  };
}

/**
 * An armored OpenPGP key as GitHub describes it. The capabilities are those of the usual pair, a
 * primary key that signs and a subkey that encrypts; the signatures are not read.
 */
export function describeGpgKey(armored: string): Record<string, unknown> {
  const all = [...packets(dearmor(armored))];
  const primary = all.find(({ tag }) => tag === PRIMARY_KEY);
  if (primary === undefined) throw new Error("expected an armored OpenPGP public key");
  const emails = all
    .filter(({ tag }) => tag === USER_ID)
    .flatMap(({ body }) => /<([^<>]+)>/.exec(body.toString())?.[1] ?? [])
    .map((email) => ({ email, verified: true }));
  const described = describeKey(primary, null, emails);
  const subkeys = all
    .filter(({ tag }) => tag === SUBKEY)
    .map((packet) => describeKey(packet, Number(described["id"]), []));
  return { ...described, name: null, subkeys, raw_key: armored };
}
