//! What every command prints, and with which exit code: transcripts of `tests/cmd`, and of the README.
//!
//! `TRYCMD=overwrite cargo test --test cli` rewrites the transcripts; look at the difference before you keep it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod cli {
    mod evidence;
    mod json;
    mod process;
}

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    cases.env("LC_ALL", "C.UTF-8").env("COLUMNS", "110").env("NO_COLOR", "1");
    cases.case("tests/cmd/*.trycmd");
    if std::path::Path::new("README.md").exists() {
        cases.case("README.md");
    }
}
