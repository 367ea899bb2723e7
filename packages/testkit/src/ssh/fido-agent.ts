import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";

/** An SSH agent with a FIDO key that is no hardware. */
export interface FidoAgent extends AsyncDisposable {
  /** Its socket, for SSH_AUTH_SOCK. */
  readonly path: string;
  /** The public key's line, without a comment. */
  readonly publicKey: string;
  /**
   * Whether somebody touches the key when it signs, as at first; untouched it signs all the same,
   * and says so.
   */
  isTouched: boolean;
  /** How often it signed. */
  readonly signatures: number;
}

/** The messages of draft-ietf-sshm-ssh-agent that are known here. */
const NUMBER = { failure: 5, listRequest: 11, listAnswer: 12, signRequest: 13, signAnswer: 14 } as const;
const APPLICATION = "ssh:";
const USER_PRESENT = 1;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A `string` of SSH's wire encoding (RFC 4251 section 5). */
const wireString = (content: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
};

/** An `mpint` of a magnitude that may begin with zero bytes. */
const wireNumber = (magnitude: Buffer): Buffer => {
  const short = magnitude.subarray(magnitude.findIndex((byte) => byte !== 0));
  return wireString((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
};

const sha256 = (data: Uint8Array | string): Buffer => createHash("sha256").update(data).digest();

const coordinate = (key: KeyObject, name: "x" | "y"): Buffer =>
  Buffer.from(key.export({ format: "jwk" })[name] ?? "", "base64url");

/** What the kinds of FIDO keys differ in. */
interface FidoKind {
  readonly type: string;
  readonly generate: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** The fields of the public key between its type and its application. */
  readonly publicFields: (key: KeyObject) => readonly (Buffer | string)[];
  readonly sign: (key: KeyObject, data: Buffer) => Buffer;
}

const KINDS: Readonly<Record<"ed25519" | "ecdsa", FidoKind>> = {
  ed25519: {
    type: "sk-ssh-ed25519@openssh.com",
    generate: () => generateKeyPairSync("ed25519"),
    publicFields: (key) => [coordinate(key, "x")],
    sign: (key, data) => sign(null, data, key),
  },
  ecdsa: {
    type: "sk-ecdsa-sha2-nistp256@openssh.com",
    generate: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    publicFields: (key) => ["nistp256", Buffer.concat([Buffer.of(4), coordinate(key, "x"), coordinate(key, "y")])],
    sign: (key, data) => {
      const raw = sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });
      return Buffer.concat([wireNumber(raw.subarray(0, 32)), wireNumber(raw.subarray(32))]);
    },
  },
};

/**
 * Starts an agent with one FIDO key, as PROTOCOL.u2f in OpenSSH's source has them. Its socket is in
 * `folder`, whose path must be a short one.
 */
export async function startFidoAgent(folder: string, kind: "ed25519" | "ecdsa"): Promise<FidoAgent> {
  const { type, generate, publicFields, sign: signWith } = KINDS[kind];
  const { publicKey, privateKey } = generate();
  const blob = Buffer.concat([type, ...publicFields(publicKey), APPLICATION].map(wireString));
  let isTouched = true;
  let signatures = 0;

  const signature = (data: Buffer): Buffer => {
    signatures += 1;
    const state = Buffer.concat([Buffer.of(isTouched ? USER_PRESENT : 0), uint32(signatures)]);
    const signed = Buffer.concat([sha256(APPLICATION), state, sha256(data)]);
    return Buffer.concat([wireString(type), wireString(signWith(privateKey, signed)), state]);
  };
  const answer = (request: Buffer): Buffer => {
    if (request[0] === NUMBER.listRequest) {
      return Buffer.concat([Buffer.of(NUMBER.listAnswer), uint32(1), wireString(blob), wireString("a FIDO key")]);
    }
    const asked = wireString(blob);
    if (request[0] !== NUMBER.signRequest || !request.subarray(1, 1 + asked.length).equals(asked)) {
      return Buffer.of(NUMBER.failure);
    }
    const rest = request.subarray(1 + asked.length);
    return Buffer.concat([
      Buffer.of(NUMBER.signAnswer),
      wireString(signature(rest.subarray(4, 4 + rest.readUInt32BE()))),
    ]);
  };

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let held: Buffer = Buffer.alloc(0);
    socket.on("error", () => {}); // the one who asked has gone
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (piece) => {
      held = Buffer.concat([held, piece]);
      while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
        const end = 4 + held.readUInt32BE();
        socket.write(wireString(answer(held.subarray(4, end))));
        held = held.subarray(end);
      }
    });
  });
  const path = join(folder, "fido.sock");
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(path, resolve);
  });
  return {
    path,
    publicKey: `${type} ${blob.toString("base64")}`,
    get isTouched() {
      return isTouched;
    },
    set isTouched(value) {
      isTouched = value;
    },
    get signatures() {
      return signatures;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
