import type { SignatureState } from "@git-vault/sharing/grants";

/** How a signature is spoken of. */
export function signatureText(signature: SignatureState): string {
  switch (signature.state) {
    case "unsigned":
      return "not signed";
    case "invalid":
      return "signature does not fit";
    case "confirmed":
      return "signed";
    case "denied":
      return `signed by ${signature.fingerprint}, which is not theirs`;
    case "unchecked":
      break;
  }
  return `signed by ${signature.fingerprint}`;
}
