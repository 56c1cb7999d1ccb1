//! Cases by hand: what the theory says, and what is beyond it.

use polylogue::{
    event::Verdict,
    verify::{Detail, Evidence, Options, check_claim},
};

use super::common::{ask, shown, spec, types, word};

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

/// The outcomes of the claims of a specification.
fn outcomes(text: &str) -> Vec<polylogue::verify::Outcome> {
    let spec = spec(text);
    let check = |claim| check_claim(&spec, claim, &Options::default(), &mut |_| None).unwrap();
    spec.claims.iter().map(check).collect()
}

#[test]
fn a_claim_is_answered_in_words() {
    let found = outcomes(
        "local type Early at S = Q!done(). P?work(). end;\n\
         local type Plain at S = P?work(). Q!done(). end;\n\
         local type Busy at S = rec X. Q!done(). X;\n\
         protocol Work(role P, role Q, role S) { P -> S: work(); S -> Q: done(); }\n\
         check Early <: Plain; check Early <: Work@S; check Work@S <: Plain;\n\
         check Plain <: Early is violated; check Busy <: Plain is violated;",
    );
    assert!(found.iter().take(3).all(|outcome| outcome.verdict == Verdict::Holds), "{found:?}");
    assert!(matches!(found[0].evidence, Some(Evidence::Subtyping(_))));
    let Some(Detail::NotSubtype(shown)) = &found[3].detail else { panic!("{:?}", found[3]) };
    assert_eq!(found[3].detail.as_ref().unwrap().code().id(), "PL0540");
    assert_eq!(shown.text, "the smaller type waits for `P?work()` where the larger first sends `Q!done()`");
    assert_eq!(shown.lines(), ["smaller: [P?work()]", "larger : [Q!done()]"]);
    let Some(Detail::NotSubtype(shown)) = &found[4].detail else { panic!("{:?}", found[4]) };
    assert!(shown.cycle.is_some() && shown.text.contains("for ever"), "{shown:?}");
}

#[test]
fn bounded_edges_do_not_reorder() {
    let found = outcomes(
        "protocol Work(role P, role Q, role S) { channel S -> Q: bounded(1); P -> S: work(); S -> Q: done(); }\n\
         local type Early at S in Work = Q!done(). P?work(). end;\n\
         local type Plain at S in Work = P?work(). Q!done(). end;\n\
         check Plain <: Work@S; check Early <: Work@S is unknown;",
    );
    assert_eq!(found[0].verdict, Verdict::Holds, "{:?}", found[0]);
    assert!(matches!(found[1].verdict, Verdict::Unknown(_)), "{:?}", found[1]);
}
