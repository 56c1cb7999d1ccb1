//! The rows of the public corpora that are about asynchronous subtyping: every answer is a yes or a no, and the expected
//! one.

use std::time::Instant;

use polylogue::verify::Options;

use super::common::{ask, pair, shown, word};

fn rows(path: &str, relation: &str) -> Option<(usize, usize)> {
    let text = crate::shared::text(path)?;
    let (mut yes, mut no) = (0, 0);
    let mut wrong = Vec::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let Some(expected) = row["expect"][relation].as_bool() else { continue };
        let id = row["id"].as_str().unwrap();
        let pair = pair(row["mpst"].as_str().unwrap());
        let begun = Instant::now();
        let answer = ask(&pair, &Options::default());
        println!("{id} {:?} {}", begun.elapsed(), shown(&pair, &answer));
        if word(&answer) != if expected { "yes" } else { "no" } {
            wrong.push(format!("{id}: {}", shown(&pair, &answer)));
        }
        if expected { yes += 1 } else { no += 1 }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Some((yes, no))
}

#[test]
fn the_binary_rows() {
    let Some((yes, no)) = rows("corpus/subtyping.jsonl", "async (orphan-free, CONCUR19)") else { return };
    println!("{yes} positives, {no} negatives");
    assert!(yes > 0 && no > 0);
}

#[test]
fn the_multiparty_rows() {
    let Some((yes, no)) = rows("corpus/multiparty-subtyping.jsonl", "async precise") else { return };
    println!("{yes} positives, {no} negatives");
    assert!(yes > 0 && no > 0);
}
