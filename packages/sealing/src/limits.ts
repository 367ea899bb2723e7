/**
 * So many stanzas age reads in one header. Each that seems to be for an identity costs it a private
 * key operation, so this bounds what a hostile message costs. It holds for OpenPGP's as well.
 */
export const MAX_STANZAS = 1024;
