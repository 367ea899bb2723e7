/*
 * What the script says, in one place, to be translated together with page.html.
 */

/** `148 bytes`, `1.5 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const units = ["KiB", "MiB", "GiB"];
  const step = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** step).toFixed(1)} ${units[step - 1]}`;
}

export const TEXTS = {
  looking: (name: string): string => `Asking for the keys of ${name} …`,
  usable: (count: number): string => (count === 1 ? "1 key can be used." : `${count} keys can be used.`),
  noName: "Type a name, such as @choldgraf, or paste a public key.",
  badName: (title: string): string =>
    `That is no name on ${title}. Type a user name, not an e-mail address or a fingerprint; or paste a line that begins with ssh-ed25519 or ssh-rsa.`,
  privateKey:
    "This is a private key, which no page may have. It was removed here, and sent nowhere. Ask for the public key: a line that begins with ssh-ed25519, ssh-rsa or age1.",
  noSuchUser: (name: string, title: string): string => `${title} knows no user ${name}. Check the spelling.`,
  noKeys: (name: string): string =>
    `${name} has no SSH keys there. Ask for a public key, or for a link by “Request a secret”.`,
  noneUsable: "None of these keys can receive a secret. Ask for an Ed25519 or RSA key.",
  rateLimit: (title: string, time: string): string =>
    `${title} answers no more questions from this address until ${time}. Paste the keys instead.`,
  unreachable: (title: string, address: string): string =>
    `Cannot reach ${title}. Check the network, or open ${address} yourself and paste its text here.`,
  badAnswer: (title: string): string =>
    `${title} gave an answer that is no list of keys. Try later, or paste the keys.`,
  refused: (title: string, status: number): string => `${title} refused to answer (${status}). Paste the keys instead.`,
  pasteOnly: (address: string): string =>
    `This forge does not let pages ask. Open ${address}, copy all of it, and paste it below.`,
  since: (date: string): string => `account since ${date}`,
  organization: "This is an organization: it has no keys. Name one of its people.",
  callsItself: (name: string): string => `calls itself ${name}`,
  tooManyKeys: (most: number): string => `More than ${most} lines of keys. Paste only those that should open it.`,
  pastedKeys: "Pasted keys",
  oneTimeKey: "An age key",
  fromLink: (name: string): string =>
    `A link chose ${name}. Anybody can make such a link: I checked that this is who I mean.`,
  oneTimeFromLink:
    "A link holds this key and does not say whose it is. I got the link from the person who should have the secret.",
  cannot: (reason: string): string => `cannot be used: ${reason}`,
  needReceiver: "Press “Find keys” first, and look who it is.",
  needYes: "Tick the box above first: the link chose the right receiver.",
  needKey: "Choose at least one key.",
  needSecret: "Type a secret or add a file first.",
  noFolders: "Folders cannot be sealed. Pack it into one file, such as a .zip, and add that.",
  sendThis: ({ title, about }: { readonly title: string; readonly about: string }): string =>
    `3. Send this to ${about === "" ? "the receiver" : title}`,
  sealing: (name: string): string => `Sealing ${name} …`,
  sealed: "Sealed.",
  stopped: "Stopped. Nothing was sealed.",
  download: (name: string, bytes: number): string => `Download ${name} (${size(bytes)})`,
  copyBoth: "Copy with how to open it",
  copyWords: "Copy how to open it",
  copied: "Copied.",
  notCopied: "The browser does not allow it: select the text and copy it by hand.",
  requestHere: "Send this link to the person who has the secret",
  requestKey:
    "This page is a file, so a link to it works nowhere else. Send the file, and this key, which goes into “To whom?”",
  waiting: "This tab has a one-time key: paste the answer here.",
  notWaiting: "Paste a message that was sealed to a passphrase or to a one-time key.",
  noOpener: "Type the passphrase, or make a request first and open its answer here.",
  opening: "Opening …",
  sshMessage:
    "This message is sealed to an SSH key, which a page must never have. Open it on the computer that has the key: vault view message.txt, or age -d -i ~/.ssh/id_ed25519 message.txt.",
  noOneTimeKey:
    "This message is sealed to a one-time key that this tab does not have. If the tab that asked for it was closed or reloaded, its key is gone: make a new request.",
  opened: (bytes: number): string =>
    `Opened: ${size(bytes)}. Nobody changed it since it was sealed; who sealed it, it does not say.`,
  binary: "It is not text: download it.",
  noMessage: "Paste the sealed message, or choose its file.",
  failed: "Something went wrong in this browser. Reload the page and try again.",
  noMemory: "This browser has not enough memory for it.",
};

/** The words that are sent along: how the receiver opens the messages. */
export function howToOpen(
  messages: readonly { readonly name: string; readonly holds: string }[],
  recipients: readonly string[],
  isFile: boolean,
): string {
  const [first] = messages;
  // The words are for several shells, which quote differently.
  const isPlain = /^\w[\w.-]*$/.test(first?.name ?? "");
  const name = isPlain && first !== undefined ? first.name : `message.${isFile ? "age" : "txt"}`;
  const out = isFile ? ` -o ${isPlain && first !== undefined ? first.holds : "secret"}` : "";
  const ssh = recipients.filter((line) => line.startsWith("ssh-"));
  const key = ssh.length > 0 && ssh.every((line) => line.startsWith("ssh-rsa")) ? "id_rsa" : "id_ed25519";
  const isMixed = ssh.some((line) => line.startsWith("ssh-rsa")) && key !== "id_rsa";
  const save = isFile ? `Save the file as ${name}` : `Save the lines from BEGIN to END as ${name}`;
  const own = [
    "If you made a request in the page, open it in that tab, under “Open a message”.",
    "Else, with age (age-encryption.org) and the file of your key:",
    `  age -d -i key.txt${out} ${name}`,
  ];
  const bySsh = [
    "With vault (git-vault):",
    ...(isFile ? [] : ["  vault view                      # what you copied is on the clipboard"]),
    `  vault view${out} ${name}`,
    "",
    "With age (age-encryption.org), on Linux and macOS:",
    `  age -d -i ~/.ssh/${key}${out} ${name}`,
    "On Windows, in PowerShell:",
    `  age -d -i $HOME\\.ssh\\${key}${out} ${name}`,
    ...(isMixed ? ["If your key is an RSA key, write id_rsa instead of id_ed25519."] : []),
    "",
    "It is not signed: anyone who has your public key could have made it. Ask the sender if in doubt.",
  ];
  return [
    `This is a secret for you. ${save}, and open it.`,
    ...(messages.length > 1 ? ["The other files are opened likewise."] : []),
    "",
    ...(ssh.length > 0 ? bySsh : []),
    ...(ssh.length > 0 && ssh.length < recipients.length ? [""] : []),
    ...(ssh.length < recipients.length ? own : []),
  ].join("\n");
}
