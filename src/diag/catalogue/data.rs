//! PL03: data: sorts and payloads.

codes! {}
