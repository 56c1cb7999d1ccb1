//! Two versions of a specification.

use polylogue::{
    load::Loaded,
    protocol::NoImports,
    verify::{
        Options, Progress,
        diff::{Change, Diff, Mixed, Standing, diff},
    },
};

fn compare(old: &str, new: &str) -> Diff {
    let load = |text: &str| Loaded::new("text", text, &mut NoImports).sound().unwrap();
    let (old, new) = (load(old), load(new));
    let mut poll = |_: &Progress| None;
    diff(&old.spec, &new.spec, &|_| false, &|_| true, &Options::default(), &mut poll)
}

/// What became of each role of the only protocol.
fn changes(old: &str, new: &str) -> Vec<(String, Change, bool, bool)> {
    let found = compare(old, new);
    assert_eq!(found.changed.len(), 1);
    let yes = |standing: &Standing| *standing == Standing::Yes;
    let roles = found.changed[0].roles.iter();
    roles.map(|role| (role.name.to_string(), role.change, yes(&role.replaces), yes(&role.stays))).collect()
}

fn is(old: &str, new: &str, expected: &[(&str, Change, bool, bool)]) {
    let expected: Vec<_> = expected.iter().map(|&(name, change, a, b)| (name.to_owned(), change, a, b)).collect();
    assert_eq!(changes(old, new), expected, "{old}\n{new}");
}

const PING: &str = "protocol P(role A, role B) { A -> B: ping(); B -> A: pong(); }";

#[test]
fn each_role_by_itself() {
    use Change::{Breaking, Compatible, Same};
    is(PING, PING, &[("A", Same, true, true), ("B", Same, true, true)]);
    let wider = "protocol P(role A, role B) { choice at A { A -> B: ping(); B -> A: pong(); } or { A -> B: bye(); } }";
    is(PING, wider, &[("A", Breaking, false, true), ("B", Compatible, true, false)]);
    is(wider, PING, &[("A", Compatible, true, false), ("B", Breaking, false, true)]);
    let payload = |sort: &str| format!("protocol P(role A, role B) {{ A -> B: m({sort}); }}");
    is(&payload("int"), &payload("uint"), &[("A", Compatible, true, false), ("B", Breaking, false, true)]);
    is(&payload("int"), &payload("string"), &[("A", Breaking, false, false), ("B", Breaking, false, false)]);
    // It sends ahead of what it has yet to receive.
    let system = |order: &str| format!("system P(role A, role B) {{ A = {order}. end; B = A!x(). A?y(). end; }}");
    is(&system("B?x(). B!y()"), &system("B!y(). B?x()"), &[("A", Compatible, true, false), ("B", Same, true, true)]);
}

#[test]
fn what_nobody_says_cannot_be_missed() {
    // The old machine takes something that nobody sends: no subtype, but nothing goes wrong.
    let old = "system P(role A, role B) { A = B!x(). end; B = A?{ x(). end, y(). end }; }";
    let new = "system P(role A, role B) { A = B!x(). end; B = A?x(). end; }";
    let found = compare(old, new);
    let role = &found.changed[0].roles[1];
    assert_eq!((role.change, &role.mixed), (Change::Compatible, &Some(Mixed::Safe)));
    assert!(matches!(role.replaces, Standing::No(_)));
    assert_eq!(found.change(), Change::Compatible);
}

#[test]
fn an_order_in_which_nothing_goes_wrong() {
    let wider = "protocol P(role A, role B) { choice at A { A -> B: ping(); B -> A: pong(); } or { A -> B: bye(); } }";
    let order = |old, new| {
        let found = compare(old, new);
        found.changed[0].order.as_ref().map(|order| order.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(order(PING, wider), Some(vec!["B".to_owned(), "A".to_owned()]));
    assert_eq!(order(wider, PING), Some(vec!["A".to_owned(), "B".to_owned()]));
    assert_eq!(order(PING, "protocol P(role A, role B) { A -> B: pang(); B -> A: pong(); }"), None);
}

#[test]
fn names_that_come_and_go() {
    let found = compare(
        "protocol P(role A, role B, role C) { A -> B: x(); B -> C: y(); } protocol Q(role A, role B) { A -> B: x(); }",
        "protocol P(role A, role B, role D) { A -> B: x(); B -> D: y(); } protocol R(role A, role B) { A -> B: x(); }",
    );
    let names =
        |all: &[polylogue::verify::diff::Declared]| all.iter().map(|one| one.name.to_string()).collect::<Vec<_>>();
    assert_eq!((names(&found.removed), names(&found.added)), (vec!["Q".to_owned()], vec!["R".to_owned()]));
    let changed = &found.changed[0];
    assert_eq!((&*changed.removed_roles[0], &*changed.added_roles[0]), ("C", "D"));
    assert_eq!(
        (&changed.removed_messages[..], &changed.added_messages[..]),
        (&["B -> C: y".to_owned()][..], &["B -> D: y".to_owned()][..])
    );
    assert_eq!(changed.roles[0].change, Change::Same);
    assert_eq!(changed.roles[1].change, Change::Breaking);
    assert_eq!(found.change(), Change::Breaking);
}

/// Whoever is said to be replaceable is, in the system of all others as they were: explored.
#[test]
fn subtypes_and_explored_systems_agree() {
    let bodies = [
        "A -> B: x(); B -> C: y(); C -> A: z();",
        "A -> B: x(); B -> C: y(); C -> A: w();",
        "choice at A { A -> B: x(); B -> C: y(); C -> A: z(); } or { A -> B: u(); B -> C: v(); C -> A: z(); }",
        "choice at A { A -> B: x(); B -> C: y(); C -> A: z(); } or { A -> B: u(); B -> C: y(); C -> A: w(); }",
        "rec X { choice at A { A -> B: x(); B -> C: y(); C -> A: z(); continue X; } or { A -> B: u(); B -> C: v(); } }",
        "rec X { A -> B: x(); B -> C: y(); C -> A: z(); continue X; }",
        "A -> C: y(); A -> B: x(); C -> B: z();",
        "A -> B: x(); A -> C: y(); C -> B: z();",
        "choice at B { B -> A: x(); A -> C: y(); } or { B -> A: u(); A -> C: v(); }",
        "choice at B { B -> A: x(); A -> C: y(); } or { B -> A: u(); A -> C: y(); }",
        "B -> A: x(); A -> C: y();",
        "A -> B: x(n: int); B -> C: y(); C -> A: z();",
        "A -> B: x(n: uint); B -> C: y(); C -> A: z();",
        "A -> B: x(n: int{this > 2}); B -> C: y(); C -> A: z();",
    ];
    let texts = bodies.map(|body| format!("protocol P(role A, role B, role C) {{ {body} }}"));
    let (mut pairs, mut same, mut yes, mut no, mut mixed) = (0, 0, 0, 0, [0, 0]);
    for old in &texts {
        for new in &texts {
            let found = compare(old, new);
            for role in &found.changed[0].roles {
                pairs += 1;
                same += usize::from(role.change == Change::Same);
                match (&role.replaces, &role.mixed) {
                    (Standing::Yes, None | Some(Mixed::Safe)) => yes += 1,
                    (Standing::No(_), Some(Mixed::Safe)) => mixed[0] += 1,
                    (Standing::No(_), Some(Mixed::Wrong { run, .. })) => {
                        assert!(!run.is_empty() || role.change == Change::Breaking);
                        mixed[1] += 1;
                    }
                    (Standing::No(_), _) => no += 1,
                    (replaces, mixed) => panic!("{old}\n{new}\n{}: {replaces:?}, {mixed:?}", role.name),
                }
                assert_eq!(
                    role.change == Change::Same,
                    role.replaces == Standing::Yes && role.stays == Standing::Yes && role.mixed.is_none()
                );
            }
        }
    }
    println!(
        "{pairs} roles in two versions: {same} same, {yes} replaceable, {no} not; explored {mixed:?} (safe, wrong)"
    );
    assert_eq!((pairs, same, yes, no, mixed), (507, 61, 83, 0, [1, 423]));
}
