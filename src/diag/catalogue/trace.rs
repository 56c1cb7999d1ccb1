//! PL06: traces and their maps.

codes! {}
