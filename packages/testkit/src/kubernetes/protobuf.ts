import { badRequest, unsupported } from "./failures.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { timestamp } from "./objects.ts";
import { type FieldType, type Message, MESSAGES } from "./protobuf-messages.ts";

/** What a protobuf body of Kubernetes begins with. */
const MAGIC = Buffer.from("k8s\0");

type Wire = number | Buffer;

/** The fields of a message as they stand on the wire: their numbers with a varint or bytes. */
function* fields(bytes: Buffer): Generator<readonly [number: number, value: Wire]> {
  let offset = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined) throw badRequest("the protobuf body ends in the middle of a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (offset < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire !== 0 && wire !== 2) throw badRequest(`the protobuf body has a field of wire type ${wire}`);
    if (wire === 0) yield [tag >> 3, varint()];
    else {
      const length = varint();
      if (offset + length > bytes.length) throw badRequest("the protobuf body is cut off");
      yield [tag >> 3, bytes.subarray(offset, (offset += length))];
    }
  }
}

const bytesOf = (value: Wire | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));
const numberOf = (value: Wire | undefined): number => (typeof value === "number" ? value : 0);

function readTime(bytes: Buffer): string | undefined {
  const seconds = numberOf(new Map(fields(bytes)).get(1));
  return bytes.length === 0 ? undefined : timestamp(seconds * 1000);
}

/** The value of a field, added to what the same field said before. */
function readField(name: string, type: FieldType, value: Wire, before: Json | undefined): Json | undefined {
  if (typeof type === "object") {
    if ("one" in type) return readMessage(type.one, bytesOf(value), name);
    return [...(Array.isArray(before) ? before : []), readMessage(type.many, bytesOf(value), name)];
  }
  switch (type) {
    case "text":
      return bytesOf(value).toString() || undefined;
    case "texts":
      return [...(Array.isArray(before) ? before : []), bytesOf(value).toString()];
    case "flag":
      return value !== 0;
    case "count":
      return numberOf(value) || undefined;
    case "number":
      return numberOf(value);
    case "time":
      return readTime(bytesOf(value));
    case "json": {
      const text = bytesOf(new Map(fields(bytesOf(value))).get(1)).toString();
      const parsed: Json = JSON.parse(text);
      return parsed;
    }
    case "texts-by-name":
    case "bytes-by-name":
      break;
  }
  const entry = new Map(fields(bytesOf(value)));
  const content = bytesOf(entry.get(2)).toString(type === "bytes-by-name" ? "base64" : "utf8");
  return { ...(isObject(before) ? before : {}), [bytesOf(entry.get(1)).toString()]: content };
}

function readMessage(message: Message, bytes: Buffer, what: string): JsonObject {
  const read: JsonObject = {};
  for (const [number, value] of fields(bytes)) {
    const field = message[number];
    // To pass over it would lose something that the client sent.
    if (field === undefined)
      throw unsupported(`the stand-in does not know field ${number} of the protobuf message ${what}`);
    const content = readField(field[0], field[1], value, read[field[0]]);
    if (content !== undefined) read[field[0]] = content;
  }
  return read;
}

/** Whether a body is protobuf by its first bytes. */
export const isProtobuf = (body: Buffer): boolean => body.subarray(0, MAGIC.length).equals(MAGIC);

/**
 * Reads a body of `application/vnd.kubernetes.protobuf`: the envelope `runtime.Unknown` with the
 * object in it.
 */
export function readProtobuf(body: Buffer): JsonObject {
  const envelope = new Map(fields(body.subarray(MAGIC.length)));
  const type = new Map(fields(bytesOf(envelope.get(1))));
  const kind = bytesOf(type.get(2)).toString();
  const message = MESSAGES[kind];
  if (message === undefined) throw unsupported(`the stand-in reads no protobuf of the kind ${kind}: send JSON`);
  return { apiVersion: bytesOf(type.get(1)).toString(), kind, ...readMessage(message, bytesOf(envelope.get(2)), kind) };
}
