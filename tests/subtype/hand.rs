//! Cases by hand: what the theory says, and what is beyond it.

use polylogue::verify::Options;

use super::common::{ask, shown, types, word};

/// The answer to `sub <: sup` is this word.
fn expect(answer: &str, sub: &str, sup: &str) {
    let pair = types(sub, sup);
    let given = ask(&pair, &Options::default());
    assert_eq!(word(&given), answer, "{sub} <: {sup}: {}", shown(&pair, &given));
}

#[test]
fn several_peers() {
    // What is sent ahead without end: each round leaves one more for the larger type to reach.
    expect("yes", "rec X. P!a(). P!a(). Q?b(). X", "rec X. P!a(). Q?b(). X");
    expect("yes", "rec X. P!a(). P!a(). Q?b(). Q?b(). X", "rec X. P!a(). Q?b(). X");
    expect("no", "rec X. P!a(). Q?b(). Q?b(). X", "rec X. P!a(). Q?b(). X");
    // An output is chosen with hindsight.
    expect("yes", "P!a(). Q!{x(). end, y(). end}", "Q!{x(). P!a(). end, y(). P!a(). end}");
    expect("no", "P!{a(). Q!{x(). end, y(). end}, b(). Q!y(). end}", "Q!{x(). P!a(). end, y(). P!b(). end}");
    expect("yes", "P!{a(). Q!x(). end, b(). Q!y(). end}", "Q!{x(). P!a(). end, y(). P!b(). end}");
    // An input overtakes inputs from others, never an output.
    expect("yes", "Q?x(). P?{a(). end, b(). end}", "P?{a(). Q?x(). end, b(). Q?x(). end}");
    expect("yes", "Q?{x(). P?a(). end, y(). P?b(). end}", "P?{a(). Q?x(). end, b(). Q?y(). end}");
    expect("no", "Q?{x(). P?a(). end, y(). P?b(). end}", "P?{a(). Q?y(). end, b(). Q?x(). end}");
    expect("no", "Q?x(). P!a(). P?b(). end", "P?b(). P!a(). Q?x(). end");
    expect("yes", "P!a(). Q?x(). P?b(). end", "P?b(). P!a(). Q?x(). end");
    // Passed over without end, and taken in turn.
    expect("yes", "rec X. Q?x(). Q?x(). P?a(). X", "rec X. P?a(). Q?x(). X");
    expect("no", "rec X. Q?x(). X", "rec X. P?a(). Q?x(). X");
    expect("no", "P?a(). rec X. Q?x(). X", "rec X. P?a(). Q?x(). X");
    // Nobody may be forgotten.
    expect("no", "rec X. P!a(). X", "rec X. P!a(). Q!b(). X");
    expect("no", "rec X. P!a(). Q?b(). X", "rec X. Q?b(). R?c(). P!a(). X");
    expect("yes", "rec X. P!a(). Q?b(). R?c(). X", "rec X. Q?b(). R?c(). P!a(). X");
}

#[test]
fn counting() {
    // Three are sent for each one that is taken; the larger type wants them in threes.
    expect("yes", "rec X. P!a(). P!a(). P!a(). P?b(). X", "rec X. P!a(). P!a(). P!a(). P?b(). X");
    expect("no", "rec X. P!a(). P!a(). P!b(). P?c(). P?c(). X", "rec X. P!a(). P!a(). P!b(). P?c(). X");
    expect(
        "yes",
        "rec X. P!a(). P!a(). P!b(). P?c(). P?c(). X",
        "rec X. P?c(). P!a(). P?c(). P!a(). P?c(). P!b(). P?c(). X",
    );
    expect("no", "rec X. P!a(). P!b(). P!b(). P?c(). X", "rec X. P!a(). P!a(). P!b(). P?c(). X");
    // Two words ahead, in the pattern of the larger.
    expect("yes", "P!a(). P!b(). rec X. P!a(). P!b(). P?c(). X", "rec X. P!a(). P!b(). P?c(). X");
    expect("no", "P!a(). rec X. P!a(). P!b(). P?c(). X", "rec X. P!a(). P!b(). P?c(). X");
}

#[test]
fn beyond_the_class() {
    // Without any reordering what is beyond is still related.
    let mixed = "rec X. *{P!a(). X, P?b(). X}";
    expect("yes", mixed, mixed);
    expect("unknown", "P!c(). rec X. *{P!a(). X, P?b(). X}", mixed);
    expect("yes", "rec X. Self:work(). P!a(). X", "rec X. Self:work(). P!a(). X");
    expect("unknown", "P!a(). Self:work(). end", "Self:work(). P!a(). end");
    // Several peers at once: the smaller type may send to any, the larger may wait for any.
    expect("yes", "+{P!a(). Q!b(). end, Q!b(). P!a(). end}", "P!a(). Q!b(). end");
    expect("yes", "P!a(). Q!b(). end", "+{P!a(). Q!b(). end, Q!c(). end}");
    expect("unknown", "Q!b(). P!a(). end", "+{P!a(). Q!b(). end, Q!c(). end}");
    expect("yes", "P?a(). Q?b(). end", "&{P?a(). Q?b(). end, Q?b(). P?a(). end}");
}

#[test]
fn deep_types_do_not_overflow() {
    let deep = |n: usize| format!("{}end", "P!a(). P?b(). ".repeat(n));
    expect("yes", &deep(3_000), &deep(3_000));
    let ahead = |n: usize| format!("{}{}end", "P!a(). ".repeat(n), "P?b(). ".repeat(n));
    expect("yes", &ahead(1_000), &deep(1_000));
    expect("no", &ahead(1_001), &deep(1_000));
}
