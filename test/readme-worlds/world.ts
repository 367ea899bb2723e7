/** What the examples of a README find around them, beside what the world put into their folder. */
export interface World {
  /** Variables beside those that every example has: PATH, and HOME, which is the folder. */
  readonly env?: Readonly<Record<string, string>>;
  close?(): void | Promise<void>;
}

/**
 * Makes the world of one README's examples. The file beside this one that is named as the package
 * exports it by default; a package whose examples need nothing has none.
 *
 * @param folder - an empty folder, in which each example of the README runs
 */
export type MakeWorld = (folder: string) => Promise<World>;
