/**
 * Each vector is an export like this one. The package's own declarations do not compile in a
 * module: see tsconfig.json.
 */
export declare const empty: Uint8Array;
