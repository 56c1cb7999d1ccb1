//! PL09: parsed and printed, but without a meaning yet.

codes! {}
