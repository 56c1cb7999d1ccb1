//! Lowering of data and scopes: frames, slots and rules of the examples of the language page and of the drafts, what a
//! name means where, and which message names which instance.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "common/shared.rs"]
mod shared;

use polylogue::{
    data::{ExternId, Value, Why},
    diag::{Diagnostic, Sources},
    id::SortId,
    machine::{
        Live, Program,
        live::{self, Seen, Sides},
    },
    protocol::{NoImports, Predicate, Spec, Stmt, Target, Term, TraceKind, read},
};

#[path = "lower/dump.rs"]
mod dump;

fn load(text: &str) -> (Spec, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let file = sources.add("spec.mpst", text).unwrap();
    let (_, spec, found) = read(&mut sources, file, &mut NoImports);
    (spec, found, sources)
}

fn sound(text: &str) -> Spec {
    let (spec, found, sources) = load(text);
    let errors: Vec<String> = found
        .iter()
        .filter(|found| found.is_error())
        .map(|found| {
            let at = sources.start(found.span);
            format!("{}:{} {} {} {:?}", at.line, at.column, found.code, found.text, found.help)
        })
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    spec
}

/// The dump of the protocol of a name.
fn dumped(text: &str, name: &str) -> String {
    let spec = sound(text);
    let protocol = spec.protocols.iter().find(|protocol| &*protocol.header.name == name).unwrap();
    dump::protocol(&spec, protocol)
}

/// The codes of errors, with the line of each.
fn errors(text: &str) -> Vec<(&'static str, u32)> {
    let (_, found, sources) = load(text);
    found
        .iter()
        .filter(|found| found.is_error())
        .map(|found| (found.code.id(), sources.start(found.span).line))
        .collect()
}

fn has(dump: &str, lines: &[&str]) {
    let mut rest = dump;
    for line in lines {
        let Some(at) = rest.find(line) else { panic!("no `{line}` in\n{rest}\nof\n{dump}") };
        rest = &rest[at + line.len()..];
    }
}

/// Prints a file: `SHOW=path cargo test --test lower show -- --nocapture`.
#[test]
fn show() {
    let Ok(path) = std::env::var("SHOW") else { return };
    let spec = sound(&std::fs::read_to_string(path).unwrap());
    for protocol in &spec.protocols {
        println!("{}", dump::protocol(&spec, protocol));
    }
}

// ---- plain protocols

#[test]
fn plain_protocols_have_no_frames_and_the_same_signatures_as_ever() {
    let spec = sound(
        "protocol P(role A, role B) {
           nested protocol Q(role X, role Y) { X -> Y: q(x: int); }
           A -> B: m(x: int, y: string); do Q(A, B); do Q(B, A); rec X { B -> A: m(x: int, y: string); continue X; }
         }",
    );
    let term = &spec.protocols[0].term;
    assert!(term.is_plain() && term.frames.is_empty() && term.scopes.is_empty() && term.memories == 0);
    assert_eq!(term.bodies.len(), 3);
    // Nothing, `()`, and the two payloads.
    assert_eq!(spec.names.sorts().count(), 4);
}

// ---- names

#[test]
fn a_field_is_bound_only_if_it_is_used_later() {
    let dump = dumped(
        "protocol P(role A, role B) {
           A -> B: m(x: int, y: int);
           B -> A: n(z: int) where z > x;
           B -> A: o(x: int) where x > 0;
         }",
        "P",
    );
    has(&dump, &["frame 0", "0 name x<A, B>: int", "body", "m(x", "bind field 0 to 0.0", "n(z", "reads 0.0, field 0"]);
    has(&dump, &["o(x", "`x > 0` reads field 0"]);
    assert_eq!(dump.matches("bind").count(), 1, "{dump}");
}

#[test]
fn a_field_hides_a_variable_until_it_is_named_as_one() {
    let dump = dumped(
        "protocol P(role A, role B) {
           var n: int = 1;
           A -> B: a(n: int) where n > var.n set n = n + var.n;
           B -> A: b() where n == 2;
           B -> A: c() where var.n == 3;
         }",
        "P",
    );
    has(&dump, &["0 var n<A, B>", "1 name n<A, B>", "a(n", "`n > var.n` reads 0.0, field 0", "bind field 0 to 0.1"]);
    has(&dump, &["set 0.0<ends> = `n + var.n` reads 0.0, field 0", "`n == 2` reads 0.1", "`var.n == 3` reads 0.0"]);
}

#[test]
fn what_all_arms_bind_goes_on_behind_a_choice() {
    let dump = dumped(
        "protocol P(role A, role B) {
           rec X {
             choice at A { A -> B: a(x: int); } or { A -> B: b(y: int, x: int); } or { A -> B: c(); continue X; }
             B -> A: d(z: int) where z > x;
           }
         }",
        "P",
    );
    has(&dump, &["a(x", "bind field 0 to 0.0", "b(y", "bind field 1 to 0.0", "c()", "d(z", "reads 0.0"]);
    // In one arm only, in one turn only, of another sort.
    let head = "protocol P(role A, role B) {\n";
    for (body, code) in [
        ("choice at A { A -> B: a(x: int); }\nor { A -> B: b(); }\nB -> A: d(z: int) where z > x; }", "PL0330"),
        (
            "rec X { choice at A {\nA -> B: a(z: int) where z > x; A -> B: b(x: int);\ncontinue X; } or { A -> B: c(); } } }",
            "PL0310",
        ),
        (
            "choice at A { A -> B: a(x: int); }\nor { A -> B: b(x: string); }\nB -> A: d(z: int) where z > x; }",
            "PL0330",
        ),
        ("par { A -> B: a(x: int); } and { B -> A: b(x: int); }\n\nB -> A: d(z: int) where z > x; }", "PL0330"),
        (
            "try { A -> B: a(x: int); } on timeout 1s at B { B -> A: b(); }\n\nB -> A: d(z: int) where z > x; }",
            "PL0330",
        ),
    ] {
        let found = errors(&format!("{head}{body}"));
        assert_eq!(found.len(), 1, "{body}: {found:?}");
        assert_eq!(found[0].0, code, "{body}");
    }
}

#[test]
fn a_name_bound_again_in_one_arm_is_the_later_one_there_alone() {
    let dump = dumped(
        "protocol P(role A, role B) {
           A -> B: m(x: int);
           choice at A { A -> B: a(x: int); } or { A -> B: b(); }
           B -> A: d(z: int) where z > x;
         }",
        "P",
    );
    // One slot, filled by whichever came last.
    has(&dump, &["m(x", "bind field 0 to 0.0", "a(x", "bind field 0 to 0.0", "d(z", "reads 0.0"]);
}

#[test]
fn block_variables_end_with_their_block() {
    let found = errors(
        "protocol P(role A, role B) {
           choice at A { var n: int = 0; A -> B: a() set n = 1; } or { A -> B: b(); }
           A -> B: c() where n == 0;
         }",
    );
    assert_eq!(found, [("PL0310", 3)]);
    let dump = dumped(
        "protocol P(role A, role B) {
           var n: int = 5;
           choice at A { var n: int = n + 1; A -> B: a() where n == 6; } or { A -> B: b(); }
           A -> B: c() where n == 5;
         }",
        "P",
    );
    has(&dump, &["init 0.0", "init 0.1<A, B> = `n + 1` reads 0.0", "`n == 6` reads 0.1", "`n == 5` reads 0.0"]);
}

#[test]
fn who_knows_what() {
    for (body, found) in [
        // Receivers know, others do not.
        ("A -> B: m(x: int);\nB -> C: n(y: int) where y == x;", vec![]),
        ("A -> B: m(x: int);\nC -> B: n(y: int) where y == x;", vec![("PL0331", 3)]),
        // Each end computes what it assigns.
        ("var v: int = 0;\nA -> B: m(x: int);\nB -> C: n() set v = x;", vec![("PL0331", 4)]),
        ("var v: int = 0;\nA -> B: m(x: int);\nB -> C: n() set v@B = x;", vec![]),
        ("var v<A, B>: int = 0;\nA -> B: m(x: int);\nB -> C: n() set v = x;", vec![]),
        ("var v<A>: int = 0;\nC -> B: m() where v == 0;", vec![("PL0331", 3)]),
        ("var v<A>: int = 0;\nC -> B: m() set v = 1;", vec![("PL0333", 3)]),
        ("var v: int = 0;\nC -> B: m() set v@A = 1;", vec![("PL0333", 3)]),
        // Nobody in particular: the specification itself.
        ("var v<>: int = 0;\nA -> B: m(x: int) set v = x;\nC -> B: n(y: int) where y > v;", vec![]),
        // Each role in R computes the values of a loop.
        ("A -> B: m(x: int);\nrec X [v<A, C>: int = x] { A -> C: n(); }", vec![("PL0331", 3)]),
        ("A -> B: m(x: int);\nrec X [v<A, B>: int = 0] { A -> B: n(); continue X [\"a\"]; }", vec![("PL0311", 3)]),
    ] {
        let text = format!("protocol P(role A, role B, role C) {{\n{body} }}");
        assert_eq!(errors(&text), found, "{body}");
    }
}

#[test]
fn nested_protocols_see_their_surroundings_and_others_do_not() {
    let dump = dumped(
        "protocol P(role A, role B) {
           nested protocol Q(role X, role Y) { X -> Y: q(y: int) where y > x && y > n set n = y; do R(Y, X); }
           nested protocol R(role X, role Y) { choice at X { X -> Y: r() where x > 0; do Q(X, Y); } or { X -> Y: s(); } }
           var n: int = 0;
           A -> B: m(x: int);
           do Q(A, B);
         }",
        "P",
    );
    has(&dump, &["0 var n", "1 name x", "m(x", "bind field 0 to 0.1", "q(y", "`y > x` reads 0.1, field 0"]);
    has(&dump, &["`y > n` reads 0.0, field 0", "set 0.0<ends> = `y`", "`x > 0` reads 0.1"]);
    // Coming back is a jump: four roles' orders, no more.
    assert!(!dump.contains("body 5"), "{dump}");
    let found = errors(
        "protocol P(role A, role B) { var n: int = 0; A -> B: m(x: int); do Q(A, B); }
         aux protocol Q(role X, role Y) { X -> Y: q(y: int) where y > n; }",
    );
    assert_eq!(found, [("PL0310", 2)]);
}

#[test]
fn two_calls_of_a_nested_protocol_see_what_was_bound_before_each() {
    let dump = dumped(
        "protocol P(role A, role B) {
           nested protocol Q(role X, role Y) { X -> Y: q(y: int) where y > x; }
           A -> B: m(x: int); do Q(A, B);
           A -> B: o(x: int); do Q(A, B);
         }",
        "P",
    );
    has(&dump, &["bind field 0 to 0.0", "call 1", "bind field 0 to 0.1", "call 2"]);
    has(&dump, &["body 1", "reads 0.0, field 0", "body 2", "reads 0.1, field 0"]);
}

// ---- families

#[test]
fn a_message_names_its_instance_by_field_or_condition() {
    let dump = dumped(
        "protocol P(role A, role B) {
           var total: int = 0;
           during { A -> B: end(); }
           interleave f each (k: string, n: int rising) {
             var own: int = total;
             A -> B: open(data: { id: string, ... }, size: int) where data.id == k && size > own && n == size;
             B -> A: ack(k: string, z: int) where z == size set own = own + z set total = total + 1;
             during { B -> A: done(n: int); }
             interleave g each part: int reusable { A -> B: chunk(part: int, k: string) unique by (part); }
           }
         }",
        "P",
    );
    has(
        &dump,
        &[
            "frame 0 session",
            "frame 1 f depth 1 [k: string Once at 1.0, n: int Rising at 1.1]",
            "2 var own",
            "3 name size",
        ],
    );
    has(&dump, &["frame 2 g depth 2 [part: int Reusable at 2.0]"]);
    has(&dump, &["open(", "key 0 of depth 1: `data.id` reads field 0", "key 1 of depth 1: `size` reads field 1"]);
    // The conjuncts that name the instance are no conditions.
    has(&dump, &["open(", "Where `size > own` reads 1.2, field 1", "bind field 1 to 1.3", "ack("]);
    assert!(!dump.contains("Where `data.id"), "{dump}");
    has(
        &dump,
        &[
            "ack(",
            "key 0 of depth 1: `k` reads field 0",
            "`z == size` reads 1.3, field 1",
            "set 1.2<ends>",
            "set 0.0<ends>",
        ],
    );
    has(&dump, &["done(n", "key 1 of depth 1: `n` reads field 0"]);
    has(
        &dump,
        &["chunk(", "key 0 of depth 2: `part`", "key 0 of depth 1: `k`", "unique 0 of depth 1 by `part` reads field 0"],
    );
}

#[test]
fn families_are_maps_for_all_parts() {
    let dump = dumped(
        "protocol P(role A, role B) {
           during { A -> B: end(k: string) where k in jobs && jobs[k].left == 0; }
           interleave jobs each k: string { var left: int = 3; A -> B: job(k: string); }
           interleave others each m: string { A -> B: other(m: string, k: string) where jobs[k].left > 1; }
         }",
        "P",
    );
    has(
        &dump,
        &[
            "end(k",
            "Where `k in jobs`",
            "Where `jobs[k].left == 0`",
            "other(",
            "key 0 of depth 1: `m`",
            "jobs[k].left > 1",
        ],
    );
    assert_eq!(errors("protocol P(role A, role B) { during { A -> B: e(); } interleave f each k: string { A -> B: m(k: string); }\nA -> B: n(k: string) where f[k].x == 1; }").len(), 1);
}

#[test]
fn an_aux_protocol_in_a_family_carries_its_keys() {
    let dump = dumped(
        "protocol P(role A, role B) {
           do Step(A, B);
           during where id != \"\" { A -> B: end(id: string); }
           interleave f each k: string { A -> B: open(k: string, id: string); do Step(B, A); }
         }
         aux protocol Step(role X, role Y) { var n: int = 0; X -> Y: step(k: string, id: string) set n = n + 1; }",
        "P",
    );
    has(&dump, &["frame 0", "var n", "frame 1 f", "1 var n", "body 1", "set 0.0", "body 2"]);
    has(
        &dump,
        &[
            "body 2",
            "init 1.1",
            "key 0 of depth 1: `k` reads field 0",
            "Where `id != \"\"` reads field 1",
            "set 1.1<ends>",
        ],
    );
    assert_eq!(dump.matches("Where").count(), 3, "{dump}");
}

#[test]
fn a_family_may_be_all_in_what_it_calls() {
    let dump = dumped(
        "protocol P(role A, role B) {
           nested protocol Outer(role A, role B) { during interleave inner each n: int { do Inner(A, B); } }
           nested protocol Inner(role A, role B) { A -> B: m(k: string, n: int, x: int) set total = total + x; }
           var total: int = 0;
           during interleave outer each k: string { do Outer(A, B); } interleave other each k: string { do Outer(B, A); }
         }",
        "P",
    );
    has(&dump, &["frame 1 outer depth 1", "frame 2 other depth 1", "frame 3 inner depth 2", "frame 4 inner depth 2"]);
    assert_eq!(dump.matches("key 0 of depth 2: `n`").count(), 2, "{dump}");
    assert_eq!(dump.matches("key 0 of depth 1: `k`").count(), 2, "{dump}");
}

#[test]
fn memories_are_one_per_option() {
    let spec = sound(
        "protocol P(role A, role B) {
           during unique by (id) for 1h { A -> B: a(id: string); B -> A: b(id: string); }
           interleave f each k: string { A -> B: c(id: string) idempotent by (id); A -> B: d(k: string, id: string) idempotent by (id); }
         }",
    );
    let dump = dump::protocol(&spec, &spec.protocols[0]);
    assert_eq!(spec.protocols[0].term.memories, 3);
    assert_eq!(dump.matches("unique 0 of depth 0 by `id` reads field").count(), 4, "{dump}");
    // They outlive the instance; a message that has its key is told from those of other instances by it.
    has(
        &dump,
        &[
            "c(id",
            "idempotent 1 of depth 0 by `id` reads field 0\n",
            "d(k",
            "idempotent 2 of depth 0 by `id` reads field 1, `k` reads field 0",
        ],
    );
    has(&dump, &["for `1h`"]);
}

// ---- scopes, constants, roles

#[test]
fn interrupts_reach_everybody() {
    for head in [
        "try { A -> B: a(); B -> C: b(); } on interrupt stop(why: string) where why != \"\" by B { A -> C: c(w: string) where w == why; }",
        "interruptible S { A -> B: a(); B -> C: b(); } with { stop(why: string) where why != \"\" by B; }",
    ] {
        let text = format!("protocol P(role A, role B, role C) {{ {head} }}");
        if head.starts_with("try") {
            has(
                &dumped(&text, "P"),
                &["on interrupt by B", "B -> A, C: stop(why", "Where `why != \"\"`", "bind field 0", "A -> C: c(w"],
            );
        } else {
            has(&dumped(&text, "P"), &["on interrupt by B", "B -> A, C: stop(why", "Where `why != \"\"`"]);
        }
    }
}

#[test]
fn what_is_assigned_once_is_assigned_with_the_first_of_several_receivers() {
    let dump = dumped(
        "protocol P(role A, role B, role C) { var n: int = 0; A -> B, C: m(x: int) where x == n + 1 set n = x; }",
        "P",
    );
    has(&dump, &["A -> B: m", "Where `x == n + 1`", "set 0.0<ends> = `x`", "A -> C: m", "set 0.0<C> = `x`"]);
    assert_eq!(dump.matches("Where").count(), 1, "{dump}");
}

#[test]
fn constants_count_roles_and_are_seen_by_expressions() {
    let spec = sound(
        "protocol P<const N: int>(role A, role W[N]) {
           foreach i in 0..N - 1 { W[i] -> W[i + 1]: next(x: int) where x == i * N; }
           do Tell<N>(A, W);
         }
         aux protocol Tell<const M: int>(role A, role V[M]) { A -> V[M - 1]: tell(x: int) where x == M; }
         check safe(P<2>);",
    );
    let two = spec.protocols.iter().rfind(|protocol| &*protocol.header.name == "P").unwrap();
    let roles: Vec<&str> = two.header.roles.values().map(|role| &*role.name).collect();
    assert_eq!(roles, ["A", "W[0]", "W[1]"]);
    let dump = dump::protocol(&spec, two);
    has(&dump, &["W[0] -> W[1]: next(", "x == i * N", "A -> W[1]: tell("]);
    assert_eq!(dump.matches("next(").count(), 1, "{dump}");
    assert_eq!(errors("protocol P(role A, role W[3]) {\nA -> W: m();\nA -> W[3]: m(); A[0] -> W[1]: m(); }").len(), 3);
}

#[test]
fn assertions_are_conditions_on_what_comes_next() {
    let dump = dumped(
        "protocol P(role A, role B) {
           A -> B: m(x: int);
           assert x > 0;
           choice at B { B -> A: a(x: int); } or { B -> A: b(); }
           A -> B: c();
         }",
        "P",
    );
    has(&dump, &["a(x", "Assert `x > 0` reads 0.0", "b()", "Assert `x > 0` reads 0.0", "c()"]);
    assert_eq!(dump.matches("Assert").count(), 2, "{dump}");
}

#[test]
fn what_is_lent_comes_back() {
    let body = |rest: &str| format!("protocol P(role A, role B, role C) {{\nA -> B: m(lend file: bytes);\n{rest} }}");
    has(
        &dumped(&body("B -> A: done(return file); A -> C: n(own file: bytes);"), "P"),
        &["Lend(0)", "Return(Slot(0))", "Own(0)"],
    );
    assert_eq!(errors(&body("A -> C: n(own file: bytes); B -> A: done(return file);")), [("PL0343", 3)]);
    assert_eq!(errors(&body("choice at B { B -> A: done(return file); } or { B -> A: never(); }")), [("PL0344", 2)]);
    assert_eq!(errors(&body("B -> A: done(return file); B -> A: done(return file);")), [("PL0343", 3)]);
}

#[test]
fn connections_without_messages_are_tacit() {
    let spec = sound("explicit protocol P(role A, role B) { connect A to B; A -> B: m(); disconnect A and B; }");
    assert!(spec.protocols[0].header.explicit);
    let tacit: Vec<bool> =
        spec.names.label_texts().map(|text| spec.names.is_tacit(spec.names.find_label(text).unwrap())).collect();
    assert_eq!(tacit, [true, false, true]);
}

#[test]
fn traces_have_times() {
    let spec = sound(
        "protocol P(role A, unreliable role B) { try { A -> B: m(x: int); B -> A: n(); } on crash B { } }
         trace t accepts P slack 250ms { A -> B: m(1 + 2) at 5s; A -> B: m(4) at \"1970-01-01T00:00:06Z\"; crash B; timeout A; A -> B: m(5) at 7000; }",
    );
    let trace = &spec.traces[0];
    assert_eq!(trace.slack, 250_000);
    let at: Vec<Option<i64>> = trace.events.iter().map(|event| event.at).collect();
    assert_eq!(at, [Some(5_000_000), Some(6_000_000), None, None, Some(7_000_000)]);
    assert_eq!(trace.events[0].payload, Some(serde_json::json!([3])));
    let kinds: Vec<TraceKind> = trace.events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [TraceKind::Message, TraceKind::Message, TraceKind::Crash, TraceKind::Timeout, TraceKind::Message,]
    );
}

// ---- whole specifications

/// The examples of a section of the language page.
fn example(section: &str) -> Option<String> {
    let page = shared::text("LANGUAGE.md")?;
    let (_, rest) = page.split_once(section).unwrap();
    let (_, rest) = rest.split_once("```\n").unwrap();
    Some(rest.split_once("\n```").unwrap().0.to_owned())
}

#[test]
fn the_examples_of_the_language_page_lower() {
    let Some(text) = example("## 1. A first look") else { return };
    let dump = dumped(&text, "TwoBuyer");
    has(&dump, &["0 name price<Alice, Bob, Seller>: int{this >= 0}", "quote(", "bind field 0 to 0.0"]);
    has(&dump, &["share(mine", "Refinement(0) `0 <= mine && mine <= price` reads 0.0, field 0"]);
    let text = example("## 4. More examples").unwrap();
    let jobs = dumped(&text, "Jobs");
    has(
        &jobs,
        &["frame 1 heartbeat depth 1 [nonce: string Once at 1.0]", "frame 2 jobs depth 1 [job_id: string Once at 1.0]"],
    );
    has(&jobs, &["pong(", "key 0 of depth 1: `nonce`", "within 0 to `beat` reads 0.1", "unique 0 of depth 0 by `id`"]);
    has(&jobs, &["submit(", "unique 0", "idempotent 1 of depth 0 by `id`", "accepted(", "key 0 of depth 1: `job_id`"]);
    has(
        &jobs,
        &["event(", "Where `event_seq == seq + 1` reads 0.0, field 1", "set 0.0<ends> = `event_seq` reads field 1"],
    );
    has(&jobs, &["on interrupt by Client", "Client -> Runtime: stop(why: string)", "Runtime -> Client: stopped()"]);
    let prepaid = dumped(&text, "Prepaid");
    has(
        &prepaid,
        &["0 var balance<Client, Meter>", "always balance >= 0", "init 0.0<Client, Meter> = `deposit` reads 0.1"],
    );
    has(
        &prepaid,
        &["receipt(", "reads 0.0, 0.2, field 0", "jump 0.0<Client, Meter> = `balance - cost` reads 0.0, 0.2"],
    );
    let commit = dumped(&text, "TwoPhaseCommit");
    has(
        &commit,
        &["P[2] -> Coord: yes()", "set 0.0<Coord> = `yes + 1`", "on crash P[2]", "Coord -> P[0]: commit()", "yes == N"],
    );
}

/// The drafts, with assignments written as they are now, and what sees its surroundings nested.
fn draft(name: &str) -> Option<String> {
    let text = shared::text(&format!("drafts/{name}.mpst"))?;
    let mut whole = String::new();
    let mut rest = text.as_str();
    // A comma in front of `name =` separates assignments.
    while let Some(at) = rest.find(',') {
        let (before, after) = rest.split_at(at);
        whole.push_str(before);
        let mut next = &after[1..];
        loop {
            next = next.trim_start();
            match next.strip_prefix("//") {
                Some(comment) => next = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => break,
            }
        }
        let word = next.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let behind = next[word.len()..].trim_start();
        let assigns = !word.is_empty() && behind.starts_with('=') && !behind.starts_with("==");
        let comment = after[1..].trim_start_matches([' ', '\t']).starts_with("//");
        if assigns && comment {
            let (line, behind) = after[1..].split_once('\n').unwrap();
            whole.push_str(line);
            whole.push_str("\n set ");
            rest = behind;
        } else {
            whole.push_str(if assigns { " set " } else { "," });
            rest = &after[1..];
        }
    }
    whole.push_str(rest);
    if let Some((main, aux)) = whole.split_once("/// Rules 3 no-receipt-on-refusal") {
        let nested = aux.replace("aux protocol", "nested protocol");
        let (head, body) = main.split_once("role chain) {").unwrap();
        return Some(format!("{head}role chain) {{\n// {nested}\n{body}"));
    }
    Some(whole)
}

#[test]
fn the_drafts_lower() {
    for (name, protocol, lines) in [
        ("arcp", "Arcp", &["jobs depth 1 [job_id: string Once", "job.accepted(", "key 0 of depth 1: `job_id`"][..]),
        (
            "payjoin",
            "Payjoin",
            &["var st<receiver>: string", "par", "log.append(", "legal_r(st, action, event, data, fb)"],
        ),
        (
            "prepaid",
            "Prepaid",
            &["calls depth 1 [exchange: string", "var ok_auth", "get.ok(", "key 0 of depth 1: `exchange`"],
        ),
        ("mppx", "Mppx", &["txs depth 1 [hash: string", "chain.receipt(", "key 0 of depth 1: `hash`"]),
    ] {
        let Some(mut text) = draft(name) else { return };
        if name == "prepaid" {
            // A payment is judged with the client's copy of `invoice`, of which nobody tells the client.
            assert_eq!(errors(&text), [("PL0349", 161)]);
            text = text.replace(" where amountSats == invoice[paymentHash]", "");
        }
        let spec = sound(&text);
        let found = spec.protocols.iter().find(|found| found.header.name.eq_ignore_ascii_case(protocol)).unwrap();
        has(&dump::protocol(&spec, found), lines);
        assert!(!found.term.is_plain() && !found.header.broken, "{name}");
    }
}

// ---- witnesses

const FUNDS: &str = "
    extern predicate checked(int);
    def fair(cost: int, left: int) = 0 < cost && cost <= left;
    def quiet() = true;
    protocol P(role A, role B, role C) {
      var left<A, B>: int = 10;
      A -> B: pay(cost: int) requires fair(cost, left) requires checked(cost + 1) set left = left - cost;
      A -> B, C: told(x: int) requires checked(x);
      B -> A: back() requires quiet;
    }
    protocol Other(role A, role B) { A -> B: told(x: int) requires checked(x); }
    local type L at A in Other = B!told(x: int) requires checked(x). end;";

#[test]
fn witnesses_are_required_of_predicates() {
    let dump = dumped(FUNDS, "P");
    has(
        &dump,
        &[
            "pay(cost: int)",
            "requires 0 of `cost` reads field 0, `left` reads 0.0: `fair(cost, left)` reads 0.0, field 0",
            "requires 1 of `cost + 1` reads field 0: `checked(cost + 1)` reads field 0",
            "set 0.0",
            "told(x: int)",
            "requires 1 of `x` reads field 0: `checked(x)` reads field 0",
            "told(x: int)",
            "back()",
            "requires 2 of : `quiet`",
        ],
    );
    // One message, one witness, however many it goes to.
    assert_eq!(dump.matches("requires 1 of `x`").count(), 1, "{dump}");
}

/// All declarations number predicates alike, so equal messages of two of them are equal.
#[test]
fn predicates_are_those_of_the_specification() {
    let spec = sound(FUNDS);
    for header in [&spec.protocols[0].header, &spec.protocols[1].header, &spec.locals[0].header] {
        let names: Vec<&str> = header.predicates.iter().map(|predicate| &*predicate.name).collect();
        assert_eq!(names, ["fair", "checked", "quiet"]);
    }
    let sends = |term: &Term| -> Vec<SortId> {
        term.blocks
            .values()
            .flatten()
            .filter_map(|stmt| match stmt {
                Stmt::Message { sort, .. } | Stmt::Send { sort, .. } => Some(*sort),
                _ => None,
            })
            .collect()
    };
    assert_eq!(sends(&spec.protocols[1].term), sends(&spec.locals[0].term));
    assert!(sends(&spec.protocols[0].term).contains(&sends(&spec.locals[0].term)[0]));
}

#[test]
fn predicates_are_asked_before_any_message() {
    let spec = sound(
        "extern predicate checked(decimal);
         def fair(cost: decimal{this > 0}, left: option<int>) = left == null || cost <= left;
         def asks(cost: decimal) = checked(cost) && now < 1s + now;
         protocol P(role A, role B) {
           A -> B: m(x: int) requires fair(x, null) requires checked(x) requires asks(x);
         }",
    );
    let [fair, checked, asks] = &*spec.protocols[0].header.predicates else { panic!("three") };
    let none = |_: ExternId, _: &[Value]| -> Option<bool> { panic!("nobody asks the host") };
    let ask = |predicate: &Predicate, values: &[Value]| {
        let args = predicate.arguments(values, 0, &none)?;
        predicate.holds(&args, 0, &none)
    };
    assert_eq!(ask(fair, &[Value::Int(3), Value::Int(3)]), Ok(true));
    assert_eq!(ask(fair, &[Value::Int(4), Value::Int(3)]), Ok(false));
    assert_eq!(ask(fair, &[Value::Int(4), Value::Unit]), Ok(true));
    assert!(matches!(ask(fair, &[Value::Int(-1), Value::Unit]).unwrap_err().why(), Why::Misfit(_)));
    assert!(matches!(ask(fair, &[Value::text("x"), Value::Unit]).unwrap_err().why(), Why::Misfit(_)));
    assert!(matches!(ask(fair, &[Value::Int(1)]).unwrap_err().why(), Why::Malformed(_)));
    // As one of the parameter's sort, however it was given.
    let one = checked.arguments(&[Value::Int(1)], 0, &none).unwrap();
    assert_eq!(one, checked.arguments(&[Value::text("1.0")], 0, &none).unwrap());
    for answer in [Some(true), Some(false), None] {
        let host = |id: ExternId, args: &[Value]| {
            assert_eq!((id, args), (ExternId(0), &*one));
            answer
        };
        for predicate in [checked, asks] {
            match predicate.holds(&one, 0, &host) {
                Ok(said) => assert_eq!(Some(said), answer),
                Err(fault) => assert_eq!((fault.why(), answer), (&Why::NoAnswer, None)),
            }
        }
    }
}

/// What a step requires, by the sender's copies: evaluated where there is a `def`, left to the witness where the host
/// would be asked.
#[test]
fn steps_say_what_they_require() {
    let spec = sound(FUNDS);
    let protocol = &spec.protocols[0];
    let graph = protocol.graph.as_ref().unwrap();
    let program = Program::of(&spec.names, &protocol.header, &protocol.term, graph).unwrap();
    let none = |_: ExternId, _: &[Value]| None;
    let role = |name: &str| protocol.header.role(name).unwrap();
    let pay = program.find(role("A"), role("B"), spec.names.find_label("pay").unwrap())[0];
    let mut live = Live::open(&program, 0, &none);
    let ask = |live: &Live, sides: Sides, cost: i64| {
        let payload = [Some(Value::Int(cost))];
        live.admits(&program, Seen { message: pay, sides, payload: &payload, content: 0, now: 0, externs: &none })
    };
    let refused = ask(&live, Sides::Send, 11).unwrap_err();
    assert_eq!((refused.why, refused.role), (live::Why::Unwitnessed { requirement: 0 }, role("A")));
    let ways = ask(&live, Sides::Send, 4).unwrap();
    let [way] = &*ways else { panic!("one way") };
    let required: Vec<(usize, Vec<Value>)> =
        way.required().iter().map(|(requirement, args)| (*requirement, args.to_vec())).collect();
    assert_eq!(required, [(0, vec![Value::Int(4), Value::Int(10)]), (1, vec![Value::Int(5)])]);
    live.take(&program, way);
    // Whoever receives needs none.
    let ways = ask(&live, Sides::Receive, 4).unwrap();
    assert!(ways[0].required().is_empty());
}

#[test]
fn what_only_looks_at_payloads_is_a_table() {
    let table = |text: &str| {
        let spec = sound(&format!("def fair(x: int) = x > 0; extern predicate checked(int); {text}"));
        let (is, target) = match spec.protocols.first() {
            Some(protocol) => (protocol.is_table(&spec.names), Target::Protocol(0)),
            None => (spec.systems[0].is_table(&spec.names), Target::System(0)),
        };
        assert_eq!(spec.tables(target).is_ok(), is, "{text}");
        is
    };
    let protocol = |body: &str| table(&format!("protocol P(role A, role B) {{ {body} }}"));
    assert!(protocol("A -> B: m(x: int);"));
    assert!(protocol("A -> B: m(x: int) requires fair(x) requires checked(x + 1) where x < 9; B -> A: n();"));
    assert!(protocol("rec X { choice at A { A -> B: m(x: int, y: int{this > x}); continue X; } or { A -> B: n(); } }"));
    assert!(
        protocol("A -> B: m(x: int) requires fair(x); A -> B: m(y: int) requires fair(y);"),
        "one signature or two"
    );
    for beyond in [
        "var left: int = 3; A -> B: m(x: int) where x < left;",
        "var left: int = 3; A -> B: m(x: int) requires fair(left);",
        "A -> B: m(x: int); B -> A: n() requires fair(x);",
        "A -> B: m(x: int) requires fair(x) within 5s;",
        "A -> B: m(t: timestamp) where t < now;",
        "A -> B: m(x: int) unique by (x);",
        "par { A -> B: m(x: int) requires fair(x); } and { B -> A: n(); }",
        "A -> B: m(x: int) where x > 0; A -> B: m(x: int) where x < 0;",
        "A -> B: m(x: int) may retry;",
    ] {
        assert!(!protocol(beyond), "{beyond}");
    }
    let system = |p: &str, q: &str| table(&format!("system S(role P, role Q) {{ P = {p}; Q = {q}; }}"));
    assert!(system("Q!m(x: int) requires fair(x). end", "P?m(x: int) requires fair(x). end"));
    assert!(!system("Q!m(x: int) requires fair(x). end", "P?m(x: int). end"));
}
