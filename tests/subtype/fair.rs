//! Fair subtyping among several peers, and examples as they are told in the literature.

use polylogue::verify::{
    Options, Progress,
    subtype::{Answer, Certificate, Meter, Relation, ahead, closed, decide, fair::refutes},
};

use super::common::{shown, types, word};

fn expect(answer: &str, sub: &str, sup: &str) {
    let pair = types(sub, sup);
    let options = Options { max_states: 100_000, ..Options::default() };
    let given = decide(&pair, Relation::Fair, &mut Meter::new(&options, &mut |_: &Progress| None));
    assert_eq!(word(&given), answer, "{sub} <: fair {sup}: {}", shown(&pair, &given));
    match &given {
        Answer::Yes(Certificate::Ahead(sets)) => assert!(ahead::certifies(&pair, sets), "{sub} <: fair {sup}"),
        Answer::Yes(Certificate::Regular(sets)) => assert_eq!(closed::check(&pair, sets, true), Ok(())),
        Answer::No(refutation) => assert!(refutes(&pair, refutation), "{sub} <: fair {sup}: {refutation:?}"),
        _ => {}
    }
}

#[test]
fn between_two() {
    // A spacecraft that sends all its telemetry before it takes commands.
    let ground = "rec X. P?{tc(). X, done(). rec Y. P!{tm(). Y, over(). end}}";
    let craft = "rec X. P!{tm(). X, over(). rec Y. P?{tc(). Y, done(). end}}";
    expect("yes", craft, ground);
    expect("no", ground, craft);
    // Outputs may not be left out, inputs may be added.
    expect("no", "rec X. P!b(). end", "rec X. P!{a(). X, b(). end}");
    expect("no", "rec X. P!a(). X", "rec X. P!{a(). X, b(). end}");
    expect("yes", "rec X. P?{a(). X, b(). end, c(). X}", "rec X. P?{a(). X, b(). end}");
    // The larger type has no end, so nobody is right for it.
    expect("yes", "rec X. P?a(). X", "rec X. P!a(). X");
}

#[test]
fn among_several() {
    expect("yes", "Q!b(). P!a(). end", "P!a(). Q!b(). end");
    expect("no", "P!b(). P!a(). end", "P!a(). P!b(). end");
    expect("yes", "Q?b(). P?a(). end", "P?a(). Q?b(). end");
    expect("no", "P?b(). P?a(). end", "P?a(). P?b(). end");
    expect("yes", "Q!b(). P?a(). end", "P?a(). Q!b(). end");
    expect("no", "P?a(). Q!b(). end", "Q!b(). P?a(). end");
    expect("no", "P!a(). end", "P!{a(). end, b(). end}");
    // All that goes to one before all that goes to the other: without a bound, and told apart.
    expect("no", "rec X. Q!{a(). X, b(). rec Y. P!{a(). Y, b(). end}}", "rec X. P!{a(). Q!a(). X, b(). Q!b(). end}");
    expect("yes", "rec X. Q!{a(). R?x(). X, b(). end}", "rec X. Q!{a(). R?x(). X, b(). end}");
    expect(
        "yes",
        "rec X. Q!{a(). X, b(). rec Y. R?{x(). Y, y(). end}}",
        "rec Y. R?{x(). Y, y(). rec X. Q!{a(). X, b(). end}}",
    );
    expect(
        "yes",
        "rec Y. Q?{x(). Y, y(). rec X. P?{a(). X, b(). end}}",
        "rec X. P?{a(). X, b(). rec Y. Q?{x(). Y, y(). end}}",
    );
    expect("no", "rec Y. Q?{x(). Y, y(). P?b(). end}", "rec X. P?{a(). X, b(). rec Y. Q?{x(). Y, y(). end}}");
    // Something that is passed over and never taken.
    expect("no", "Q?y(). end", "P?a(). Q?y(). end");
    // A loop that never ends is right for nobody, whoever its peers are.
    expect("no", "rec X. Q!b(). P!a(). X", "P!a(). Q!b(). end");
}
