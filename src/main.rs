//! The `polylogue` command.

fn main() {}
