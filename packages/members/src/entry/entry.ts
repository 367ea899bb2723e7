import type { Identifier, MemberKey } from "./identifiers.ts";

/*
 * The entries of the members log. Their form is described in docs/formats.md.
 */

/** What a member may do: an admin changes the log, a reader opens keys. */
export type Role = "admin" | "reader";

/** A git-crypt key of a name, and for whom it is. */
export interface NamedCommitment {
  readonly keyName: string;
  /** 64 hexadecimal digits: see `commitmentOf`. */
  readonly commitment: string;
  /**
   * 64 hexadecimal digits: see `audienceOf`. It shows whether the author took the same people for
   * members as the one who reads it.
   */
  readonly audience: string;
}

/** A sealed copy of a git-crypt key, which lies beside the log. */
export interface SealedCopy {
  /** The commitment of the key that it holds. */
  readonly commitment: string;
  /** 64 hexadecimal digits: the SHA-256 of its file. */
  readonly digest: string;
  /**
   * The id of the one key that it is for, of OpenPGP (in git-crypt's form) or of an age plugin: not
   * everybody can seal to these. Null for a copy that is for several.
   */
  readonly recipient: Identifier | null;
}

/** What an author may do along: seal keys. */
interface Sealing {
  /** The copies that the author made; left out where there are none. */
  readonly copies?: readonly SealedCopy[];
}

/** The first entry: its author is the first member, and an admin. */
export interface StartAction extends Sealing {
  readonly kind: "start";
  /** 32 random hexadecimal digits, so that no two logs have one root. */
  readonly nonce: string;
  readonly account: string | null;
  /** At least the author's. */
  readonly keys: readonly MemberKey[];
  /** The names of the git-crypt keys that the member may open. */
  readonly opens: readonly string[];
  readonly label: string | null;
  readonly generations: readonly NamedCommitment[];
}

/** A new member, or one who was removed and comes back. */
export interface AddAction extends Sealing {
  readonly kind: "add";
  readonly account: string | null;
  /** At least one; an admin has one that signs. */
  readonly keys: readonly MemberKey[];
  readonly role: Role;
  readonly opens: readonly string[];
  readonly label: string | null;
  /** The entries that removed or took what is named here: without this it does not come back. */
  readonly readmits: readonly string[];
}

/** More for a member. */
export interface GiveAction extends Sealing {
  readonly kind: "give";
  /** The entry that added the member. */
  readonly member: string;
  readonly keys: readonly MemberKey[];
  readonly role: "admin" | null;
  readonly opens: readonly string[];
  readonly label: string | null;
  readonly readmits: readonly string[];
}

/** Less for a member, who stays. */
export interface TakeAction extends Sealing {
  readonly kind: "take";
  /** The entry that added the member. */
  readonly member: string;
  /** The ids of keys. */
  readonly keys: readonly Identifier[];
  /** `admin` makes a reader of an admin. */
  readonly role: "admin" | null;
  readonly opens: readonly string[];
  readonly generations: readonly NamedCommitment[];
}

/** Members go, with all their accounts and keys, under every name. */
export interface RemoveAction extends Sealing {
  readonly kind: "remove";
  /** At least one account or id of a key. */
  readonly members: readonly Identifier[];
  readonly generations: readonly NamedCommitment[];
}

/** New git-crypt keys. */
export interface GenerationAction extends Sealing {
  readonly kind: "generation";
  /** At least one. */
  readonly generations: readonly NamedCommitment[];
}

/** Something for people to read. */
export interface NoteAction {
  readonly kind: "note";
  readonly text: string;
}

/** What an entry does. */
export type Action = StartAction | AddAction | GiveAction | TakeAction | RemoveAction | GenerationAction | NoteAction;

/** An entry before it is signed. Lists are sets: their order means nothing. */
export interface EntryDraft {
  /** The id of the log's first entry; null in that entry. */
  readonly root: string | null;
  /** The ids of the entries that the author saw last; none in the first entry. */
  readonly parents: readonly string[];
  /** The id of the SSH key that signs. */
  readonly author: Identifier;
  /** UTC to the second, `2026-11-25T02:45:17Z`. For people: no rule looks at it. */
  readonly time: string;
  readonly action: Action;
}

/** An entry as its file holds it. That it was read says nothing of its signature. */
export interface Entry extends EntryDraft {
  /**
   * 64 hexadecimal digits: SHA-256 of what is signed. It does not depend on the signature, of which
   * anybody can make a second valid one where the key is ECDSA.
   */
  readonly id: string;
  /** An SSH signature as `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
}
