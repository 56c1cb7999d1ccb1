//! Types that go through phases: what they owe in one of them is not what they owe in the next, however much it is.

use polylogue::verify::{
    Options,
    subtype::{Answer, Certificate, Why, closed},
};

use super::common::{ask, shown, types, word};

/// Each `a` is answered by more `x` than the larger type takes; `y` ends the phase in which `b` may come.
const AHEAD: &str = "rec X. P?{a(). P!x(). P!x(). X, b(). P!y(). rec Y. P?{b(). Y, a(). P!x(). P!x(). X}}";

#[test]
fn what_was_sent_in_an_earlier_phase() {
    for (answer, sup) in [
        ("yes", "rec X. P?a(). rec Z. P?{a(). P!x(). Z, b(). rec W. P!{x(). P?a(). W, y(). X}}"),
        ("yes", "rec X. P?a(). rec Z. P?{a(). P!x(). Z, b(). rec W. P!{x(). P?a(). P?a(). W, y(). X}}"),
        // Here `b` may come when `y` was sent already and is not reached yet, and it never is.
        ("no", "rec X. P?a(). rec Z. P?{a(). P!x(). Z, b(). P!{x(). rec W. P?b(). W, y(). X}}"),
        // Here a second `y` may come where only an `x` is taken.
        ("no", "rec X. P?a(). rec Z. P?{a(). P!x(). Z, b(). rec W. P!{x(). P?b(). P!x(). W, y(). X}}"),
    ] {
        let pair = types(AHEAD, sup);
        let found = ask(&pair, &Options::default());
        assert_eq!(word(&found), answer, "{AHEAD} <: {sup}: {}", shown(&pair, &found));
    }
}

#[test]
fn a_cycle_among_ever_new_configurations_is_seen() {
    // The larger type waits for ever for what it has behind it, in one of infinitely many configurations.
    let pair = types(AHEAD, "rec X. P?a(). rec Z. P?{a(). P!x(). Z, b(). P!{x(). rec W. P?b(). W, y(). X}}");
    let Answer::No(refutation) = ask(&pair, &Options { max_states: 20_000, ..Options::default() }) else { panic!() };
    assert!(matches!(refutation.why, Why::Forgotten { .. }) && refutation.cycle.is_some(), "{refutation:?}");
}

#[test]
fn spoiled_sets_are_refused() {
    let pair = types(AHEAD, "rec X. P?a(). rec Z. P?{a(). P!x(). Z, b(). rec W. P!{x(). P?a(). W, y(). X}}");
    let Answer::Yes(Certificate::Regular(regular)) = ask(&pair, &Options::default()) else { panic!("not by sets") };
    assert_eq!(closed::check(&pair, &regular, false), Ok(()));
    let (mut rows, mut steps, mut ends) = (0, 0, 0);
    for at in 0..regular.rows.len() {
        let mut fewer = regular.clone();
        fewer.rows.remove(at);
        assert!(closed::check(&pair, &fewer, false).is_err(), "without row {at}");
        rows += 1;
        for queue in 0..regular.rows[at].queues.len() {
            for step in &regular.rows[at].queues[queue].1.steps {
                let mut fewer = regular.clone();
                fewer.rows[at].queues[queue].1.steps.remove(step);
                steps += usize::from(closed::check(&pair, &fewer, false).is_err());
            }
            let mut fewer = regular.clone();
            fewer.rows[at].queues[queue].1.end.clear();
            ends += usize::from(closed::check(&pair, &fewer, false).is_err());
        }
    }
    let mut turned = regular.clone();
    turned.dual = !turned.dual;
    assert!(closed::check(&pair, &turned, false).is_err());
    println!("refused: {rows} certificates without a row, {steps} without a step, {ends} without ends");
    assert!(rows > 10 && steps > 50 && ends > 10, "{rows} {steps} {ends}");
}
