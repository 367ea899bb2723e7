import type { JsonObject } from "./json.ts";

/** A refusal, as the API words it: what the `Status` object of the answer says. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  readonly headers: Record<string, string>;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: JsonObject,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.headers = headers;
  }

  /** The `Status` object. */
  get status(): JsonObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** What a refusal is about. */
interface Subject {
  readonly plural: string;
  readonly group: string;
  readonly kind: string;
}

/** The core has none. */
const groupOf = ({ group }: Subject): JsonObject => (group === "" ? {} : { group });

const qualified = ({ plural, group }: Subject): string => (group === "" ? plural : `${plural}.${group}`);

export const notFound = (subject: Subject, name: string): Refusal =>
  new Refusal(404, "NotFound", `${qualified(subject)} "${name}" not found`, {
    name,
    ...groupOf(subject),
    kind: subject.plural,
  });

export const noSuchPath = (): Refusal =>
  new Refusal(404, "NotFound", "the server could not find the requested resource", {});

export const alreadyExists = (subject: Subject, name: string): Refusal =>
  new Refusal(409, "AlreadyExists", `${qualified(subject)} "${name}" already exists`, {
    name,
    ...groupOf(subject),
    kind: subject.plural,
  });

export const conflict = (subject: Subject, name: string, why: string): Refusal =>
  new Refusal(409, "Conflict", `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`, {
    name,
    ...groupOf(subject),
    kind: subject.plural,
  });

/** One thing that is wrong with an object. */
export interface Flaw {
  readonly reason: "FieldValueInvalid" | "FieldValueRequired" | "FieldValueTooLong" | "FieldValueForbidden";
  readonly field: string;
  readonly message: string;
}

export const invalid = (subject: Subject, name: string, flaws: readonly Flaw[]): Refusal => {
  const worded = flaws.map(({ field, message }) => `${field}: ${message}`);
  const all = worded.length === 1 ? (worded[0] ?? "") : `[${worded.join(", ")}]`;
  const kind = subject.group === "" ? subject.kind : `${subject.kind}.${subject.group}`;
  return new Refusal(422, "Invalid", `${kind} "${name}" is invalid: ${all}`, {
    name,
    ...groupOf(subject),
    kind: subject.kind,
    causes: flaws.map(({ reason, field, message }) => ({ reason, field, message })),
  });
};

export const badRequest = (message: string): Refusal => new Refusal(400, "BadRequest", message);
export const forbidden = (message: string): Refusal => new Refusal(403, "Forbidden", message);
export const unauthorized = (): Refusal => new Refusal(401, "Unauthorized", "Unauthorized");
export const gone = (message: string): Refusal => new Refusal(410, "Expired", message);
export const unsupported = (message: string): Refusal => new Refusal(415, "UnsupportedMediaType", message);

export const tooManyRequests = (message: string, retryAfter: number | undefined, details: JsonObject = {}): Refusal =>
  new Refusal(
    429,
    "TooManyRequests",
    message,
    retryAfter === undefined ? details : { ...details, retryAfterSeconds: retryAfter },
    retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
  );
