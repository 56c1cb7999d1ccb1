//! Claims of a specification: names, targets, defaults, what is not supported.

use polylogue::{
    diag::catalogue::verdict as codes,
    event::{Limit, Verdict},
    load::Loaded,
    protocol::{Loader, NoImports},
    verify::{Detail, Error, Evidence, Options, Outcome, check_claim, claims, expand},
};

use super::common::{bound, word};

fn load(text: &str) -> Loaded {
    let mut none: Box<dyn Loader> = Box::new(NoImports);
    let mut loaded = Loaded::new("test", text, &mut *none);
    expand(&mut loaded.spec, Some(2), &polylogue::solve::Outside::default());
    loaded
}

/// The outcomes of all claims, or of the default ones.
fn outcomes(loaded: &Loaded, options: &Options) -> Vec<(String, Result<Outcome, Error>)> {
    let answer = |claim| check_claim(&loaded.spec, claim, options, &mut |_| None);
    claims(&loaded.spec).iter().map(|claim| (claim.target_text.to_string(), answer(claim))).collect()
}

fn words(text: &str) -> Vec<String> {
    let loaded = load(text);
    let all = outcomes(&loaded, &Options::default());
    all.into_iter().map(|(target, outcome)| format!("{target} {}", word(&outcome.unwrap().verdict))).collect()
}

const SHOP: &str = "
    protocol Shop(role B, role S) { B -> S: ask(); choice at S { S -> B: yes(); } or { S -> B: no(); } }
    aux protocol Part(role A, role B) { A -> B: m(); }
    system Stuck(role P, role Q) { P = Q?a(). end; Q = P?b(). end; }
";

#[test]
fn defaults() {
    // Protocols are projected, systems explored; what is only there to be called is neither.
    assert_eq!(words(SHOP), ["Shop holds", "Stuck violated"]);
}

#[test]
fn what_projects_needs_no_exploration_to_the_end() {
    let text = "protocol Flood(role A, role B) { rec X { A -> B: m(); continue X; } }
        check safe(Flood); check live(Flood); check bounded(Flood) is violated; check terminating(Flood) is violated;
        check bounded(Flood, 3) is violated; check safe(Flood, 3);";
    let loaded = load(text);
    let all: Vec<Outcome> = outcomes(&loaded, &Options::default()).into_iter().map(|(_, o)| o.unwrap()).collect();
    for outcome in &all[..2] {
        assert_eq!(outcome.evidence, Some(Evidence::Projection));
        assert_eq!((&outcome.verdict, outcome.bound, outcome.exhaustive), (&Verdict::Holds, None, true));
    }
    assert!(matches!(all[2].detail, Some(Detail::Unbounded { .. })));
    assert!(matches!(all[3].detail, Some(Detail::Endless)));
    assert!(matches!(all[4].detail, Some(Detail::Overflow { bound: 3, .. })));
    assert_eq!((all[5].bound, all[5].exhaustive, all[5].configurations), (Some(3), false, 4));
    assert_eq!(all[5].evidence, Some(Evidence::Bounded(3)));
}

#[test]
fn a_bound_in_a_claim_goes_before_that_of_the_options() {
    let loaded = load(
        "system F(role P, role Q) { P = rec X. Q!a(). X; Q = rec X. P?a(). X; }
        check safe(F); check safe(F, 5);",
    );
    let all = outcomes(&loaded, &bound(2));
    let bounds: Vec<_> = all.into_iter().map(|(_, o)| o.unwrap()).map(|o| (o.bound, o.configurations)).collect();
    assert_eq!(bounds, [(Some(2), 3), (Some(5), 6)]);
}

#[test]
fn a_choice_that_a_third_role_cannot_see() {
    let text = "protocol Blind(role A, role B, role C) {
        choice at A { A -> B: l(); C -> B: x(); } or { A -> B: r(); C -> B: y(); } }
        check projectable(Blind) is violated; check safe(Blind) is violated;";
    let loaded = load(text);
    let all: Vec<Outcome> = outcomes(&loaded, &Options::default()).into_iter().map(|(_, o)| o.unwrap()).collect();
    let header = &loaded.spec.protocols[0].header;
    let projectable = &all[0];
    let Verdict::Violated(counterexample) = &projectable.verdict else { panic!("{projectable:?}") };
    // The automata of the roles go wrong, and the run is there to show it.
    assert_eq!(counterexample.run.len(), 3);
    assert_eq!(counterexample.cone, [0, 1, 2]);
    assert_eq!(projectable.diagnostics.len(), 1);
    let text = projectable.detail.as_ref().unwrap().text(header, &loaded.spec.names);
    assert!(text.starts_with("no local type for role `C`; unspecified reception: `B` waits for"), "{text}");
    assert_eq!(projectable.roles.iter().map(|&role| header.role_name(role)).collect::<Vec<_>>(), ["C"]);
    assert_eq!(word(&all[1].verdict), "violated");
}

#[test]
fn names_and_targets() {
    let loaded = load(&format!(
        "{SHOP}
        check saef(Shop); check dead_lock_free(Shop); check xyzzy(Shop); check safe(Shop@B); check projectable(Stuck);"
    ));
    let errors: Vec<_> = outcomes(&loaded, &Options::default())
        .into_iter()
        .map(|(_, outcome)| match outcome {
            Err(Error::Claim(found)) => (found.code, found.text, found.help.unwrap_or_default()),
            other => panic!("{other:?}"),
        })
        .collect();
    let text: Vec<String> = errors.iter().map(|(code, text, help)| format!("{code} {text} | {help}")).collect();
    assert_eq!(
        text,
        [
            "PL0501 there is no check `saef` | did you mean `safe`?",
            "PL0501 there is no check `dead_lock_free` | did you mean `deadlock_free`?",
            "PL0501 there is no check `xyzzy` | there are `projectable`, `safe`, `deadlock_free`, `terminating`, `live`, \
             `bounded`, `implementable`, `never_terminating`, `live_plus`, `live_plus_plus`, `kmc`, `fair_live`, \
             `fair_terminating`, `communication_safe`",
            "PL0502 one role alone has no runs to check | name the whole protocol or system",
            "PL0502 `Stuck` is a system: it has no global type to project | ",
        ]
    );
}

#[test]
fn what_is_not_built_is_unknown() {
    let loaded = load(&format!(
        "{SHOP}
        protocol Generic<type T>(role A, role B) {{ A -> B: m(T); }}
        check safe(Generic);"
    ));
    let limits: Vec<String> = outcomes(&loaded, &Options::default())
        .into_iter()
        .map(|(_, outcome)| match outcome.unwrap().verdict {
            Verdict::Unknown(Limit::NotSupported(code)) => code.to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(limits, [codes::GENERIC.id()]);
}

/// A witness may be missing: nothing holds that a condition in its place would leave open.
#[test]
fn witnesses_may_be_missing() {
    let ask = |word: &str, of: &str| {
        words(&format!(
            "extern predicate checked(int);
             def never(x: int) = x > 0 && x < 0;
             protocol P(role A, role B) {{ B -> A: n(x: int); A -> B: m(y: int) {word} {of}(x); }}
             check safe(P); check deadlock_free(P); check terminating(P); check projectable(P);"
        ))
    };
    for of in ["checked", "never"] {
        let said = ask("requires", of);
        assert_eq!(said, ask("where", of), "{of}");
        assert_eq!(said[..3], ["P unknown", "P unknown", "P unknown"], "{of}");
    }
    // A payload can be chosen so that a `def` holds.
    assert_eq!(
        words(
            "def fair(y: int) = y > 3;
             protocol P(role A, role B) { B -> A: n(x: int); A -> B: m(y: int) requires fair(y); }
             check safe(P); check deadlock_free(P);"
        ),
        ["P holds", "P holds"]
    );
}

/// Whoever asks says how far families are unrolled; who does not is told so.
#[test]
fn what_is_not_unrolled_is_unknown() {
    let text = "protocol Data(role A, role B) { A -> B: m(x: int) where x > 0; } check safe(Data);";
    let loaded = Loaded::new("test", text, &mut NoImports);
    let verdicts: Vec<Verdict> =
        outcomes(&loaded, &Options::default()).into_iter().map(|(_, outcome)| outcome.unwrap().verdict).collect();
    let not_unrolled = Limit::Undecided("its scopes and families were not unrolled".to_owned());
    assert_eq!(verdicts, [Verdict::Unknown(not_unrolled)]);
    assert_eq!(words(text), ["Data holds"]);
}
