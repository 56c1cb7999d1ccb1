//! PL01: syntax.

codes! {}
