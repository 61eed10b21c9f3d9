//! What RCS puts inside: CPIM, IMDN, is-composing, files, places, lists, conferences.
