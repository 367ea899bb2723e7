// Remembers one recipient, as a command does: node remember-pin.mjs FILE NUMBER
import { Pins } from "@git-vault/sharing";

const [, , file, number] = process.argv;
const fingerprint = `SHA256:${number.padStart(43, "A")}`;
const source = `https://keys.example/user-${number}.keys`;
new Pins(file).remember([{ name: source, source, keys: [{ key: {}, fingerprint, unusable: null }] }]);
