//! Payloads of messages in all relations.

use polylogue::{
    data::Sort,
    load::Loaded,
    protocol::{ClaimKind, Expected, Local, NoImports, Spec, Target},
    verify::{
        Options, Progress,
        subtype::{Answer, Fit, Meter, Pair, Part, Relation, decide, settle, sort_below},
    },
};

/// The sorts of the two fields of a message.
fn sorts(small: &str, large: &str) -> (Sort, Sort) {
    let text = format!("local type T at A = B!m(x: {small}, y: {large}). end;");
    let loaded = Loaded::new("sorts", text, &mut NoImports).sound().unwrap();
    let local = loaded.spec.locals[0].local.as_ref().unwrap();
    let arm = local.states.values().find_map(|state| state.arms.first()).unwrap();
    let payload = loaded.spec.names.payload(arm.sort).unwrap();
    (payload.fields[0].sort.clone(), payload.fields[1].sort.clone())
}

#[test]
fn sorts_below_sorts() {
    use Fit::{No, Unknown, Yes};
    let table = [
        ("int", "int", Yes, Yes),
        ("int", "decimal", Yes, No),
        ("uint", "int", Yes, No),
        ("uint", "decimal", Yes, No),
        ("int", "string", No, No),
        ("uuid", "string", Yes, No),
        ("int", "json", Yes, No),
        ("Thing", "json", Yes, No),
        ("Thing", "Other", No, No),
        ("enum {a, b}", "enum {a, b, c}", Yes, No),
        ("enum {a}", "string", Yes, No),
        ("int", "option<int>", Yes, No),
        ("option<uint>", "option<int>", Yes, No),
        ("unit", "option<int>", Yes, No),
        ("list<uint>", "list<int>", Yes, No),
        ("set<uint>", "list<uint>", No, No),
        ("map<string, uint>", "map<string, int>", Yes, No),
        ("int", "secret<int>", Yes, No),
        ("{x: int}", "{x: int, y?: string}", Yes, No),
        ("{x: int}", "{x: decimal, ...}", Yes, No),
        ("{x: int, y: int}", "{x: int, ...}", Yes, No),
        ("{x: int, ...}", "{x: int, y?: int, ...}", No, Yes),
        ("{x: int}", "{x?: int}", Yes, No),
        ("{x: int}", "{y: int}", No, No),
        ("int{this > 3}", "int", Yes, No),
        ("int{this > 3}", "int{this > 2}", Yes, No),
        ("int{this > 3 && this < 5}", "int{this == 4}", Yes, Yes),
        ("uint", "int{this >= 0}", Yes, No),
        ("uint{this != 0}", "uint{this > 0}", Yes, Yes),
        ("int{this % 4 == 0}", "int{this % 4 == 0 || this > 7}", Yes, No),
        ("int{this % 4 == 0}", "int{this % 2 == 0}", Unknown, No),
        ("string{size(this) >= 8}", "string{size(this) >= 6}", Yes, No),
        ("string{this == \"a\"}", "string{this != \"b\"}", Yes, No),
        ("enum {a, b, c}{this != \"c\"}", "enum {a, b}", No, Yes),
        ("bool{this}", "bool{this || !this}", Yes, No),
        ("list<int{this > 1}>", "list<int{this > 0}>", Yes, No),
        ("decimal{this > 2}", "decimal{this > 1}", Yes, No),
    ];
    for (small, large, one, other) in table {
        let (a, b) = sorts(small, large);
        let (fit, why) = sort_below(&a, &b);
        assert_eq!(fit, one, "`{small}` below `{large}`: {why}");
        let (fit, why) = sort_below(&b, &a);
        assert_eq!(fit, other, "`{large}` below `{small}`: {why}");
    }
}

/// The local type that a claim names.
fn local(spec: &Spec, target: Target) -> Local {
    match target {
        Target::Local(at) => spec.locals[at].local.clone().unwrap(),
        Target::ProtocolRole(at, role) => spec.endpoints(Target::Protocol(at)).unwrap().locals[role].clone(),
        other => panic!("{other:?} is no local type"),
    }
}

/// Every claim of a text comes out as stated.
fn as_stated(text: &str) {
    let loaded = Loaded::new("text", text, &mut NoImports).sound().unwrap();
    let spec = &loaded.spec;
    assert!(!spec.claims.is_empty());
    for claim in &spec.claims {
        let ClaimKind::Subtype { sub, sup, relation } = claim.kind else { panic!("not about subtyping") };
        let relation = Relation::find(relation).unwrap();
        let (small, large) = (local(spec, sub), local(spec, sup));
        let part = |target, local| Part { names: &spec.names, header: spec.header(target).unwrap(), local };
        let mut pair = Pair::of(part(sub, &small), part(sup, &large)).unwrap();
        let mut poll = |_: &Progress| None;
        let options = Options::default();
        let mut meter = Meter::new(&options, &mut poll);
        settle(&mut pair, spec, spec, relation, &options.outside, &mut meter);
        let answer = decide(&pair, relation, &mut meter);
        let verdict = match answer {
            Answer::Yes(_) => Expected::Holds,
            Answer::No(_) => Expected::Violated,
            Answer::Unknown(_) => Expected::Unknown,
        };
        assert_eq!(verdict, claim.expected, "{}: {answer:?}", claim.target_text);
    }
}

#[test]
fn sent_less_received_more() {
    let mut text = "
        local type SendsInt at A = B!m(int). end;
        local type SendsUint at A = B!m(uint). end;
        local type TakesInt at A = B?m(int). end;
        local type TakesUint at A = B?m(uint). end;
        local type SendsMore at A = B!m(x: int, y: int). end;
        local type SendsOpen at A = B!m(x: int, ...). end;
        local type SendsOdd at A = B!m(int{this % 4 == 0}). end;
        local type SendsEven at A = B!m(int{this % 2 == 0}). end;
        "
    .to_owned();
    for relation in ["sync", "fair"] {
        text.push_str(&format!(
            "
            check SendsUint <: {relation} SendsInt;
            check SendsInt <: {relation} SendsUint is violated;
            check TakesInt <: {relation} TakesUint;
            check TakesUint <: {relation} TakesInt is violated;
            check SendsMore <: {relation} SendsOpen;
            check SendsOpen <: {relation} SendsMore is violated;
            check SendsOdd <: {relation} SendsEven is unknown;
        "
        ));
    }
    as_stated(&text);
}

#[test]
fn sessions_that_are_handed_over() {
    // Who gets a session uses it: a session in which less is to be borne with is given where more was promised.
    as_stated(
        "
        protocol Small(role C, role S) { C -> S: a(); S -> C: x(); }
        protocol Large(role C, role S) {
          choice at C { C -> S: a(); S -> C: x(); } or { C -> S: b(); S -> C: x(); }
        }
        local type GivesSmall at A = B!take(Small@C). end;
        local type GivesLarge at A = B!take(Large@C). end;
        local type GetsSmall at A = B?take(Small@C). end;
        local type GetsLarge at A = B?take(Large@C). end;
        check Small@C <: sync Large@C;
        check Large@C <: sync Small@C is violated;
        // A process for Small@C sends only `a`: it is at ease with Large@C.
        check GivesLarge <: sync GivesSmall;
        check GivesSmall <: sync GivesLarge is violated;
        check GetsSmall <: sync GetsLarge;
        check GetsLarge <: sync GetsSmall is violated;
        check GivesSmall <: sync GivesSmall;
        // Left out of a choice, `b` may be waited for in vain.
        check GivesLarge <: fair GivesSmall is unknown;
        check GivesSmall <: fair GivesSmall;
        ",
    );
}

#[test]
fn sessions_that_hand_over_themselves() {
    as_stated(
        "
        protocol P(role A, role B) { rec X { choice at A { A -> B: pass(P@A); continue X; } or { A -> B: stop(); } } }
        protocol Q(role A, role B) {
          rec X { choice at A { A -> B: pass(Q@A); continue X; } or { A -> B: stop(); } or { A -> B: more(); } }
        }
        // Q@A may be passed only where a process for P@A can use it, which is so if P@A is below Q@A: they hold together.
        check P@A <: sync P@A;
        check P@B <: sync Q@B is violated;
        check Q@A <: sync P@A is violated;
        protocol R(role A, role B) { rec X { choice at A { A -> B: pass(R@B); continue X; } or { A -> B: stop(); } } }
        protocol S(role A, role B) { rec Y { choice at A { A -> B: pass(S@B); continue Y; } or { A -> B: stop(); } } }
        check R@A <: sync S@A;
        check S@B <: sync R@B;
        ",
    );
}

#[test]
fn several_peers_in_any_order() {
    as_stated(
        "
        local type Plain at A = B?x(). C!y(). D!z(). end;
        local type Ahead at A = C!y(). B?x(). D!z(). end;
        local type Turned at A = B?x(). D!z(). C!y(). end;
        check Plain <: fair Plain;
        check Ahead <: fair Plain;
        // Nobody can tell in which order several are sent to.
        check Turned <: fair Plain;
        check Turned <: Plain;
        ",
    );
}
