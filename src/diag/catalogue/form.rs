//! PL02: names and form.

codes! {}
