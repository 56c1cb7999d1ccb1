//! PL04: projection.

codes! {}
