// `node age-encryption.mjs seal|open KEY FILE`: streams the file through npm's age-encryption, to
// nowhere.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { Decrypter, Encrypter } from "age-encryption";

const [job, key, path] = process.argv.slice(2);
const input = Readable.toWeb(createReadStream(path, { highWaterMark: 1024 * 1024 }));
let output;
if (job === "seal") {
  const encrypter = new Encrypter();
  encrypter.addRecipient(key);
  output = await encrypter.encrypt(input);
} else {
  const decrypter = new Decrypter();
  decrypter.addIdentity(key);
  output = await decrypter.decrypt(input);
}
await output.pipeTo(new WritableStream({ write() {} }));
