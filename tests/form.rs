//! Names, sorts and form: every code has a bad specification with its message beside it, the corpus lowers, and
//! recursion, calls and imports mean what they say.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "common/shared.rs"]
mod shared;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

use polylogue::{
    diag::{CATALOGUE, Diagnostic, Severity, Sources},
    id::{Id, RoleId},
    protocol::{Graph, InMemory, Loader, NoImports, Spec, Step, Stmt, lower, read},
    syntax,
};

/// Parses and lowers a text; no syntax error is expected.
fn spec_with(text: &str, loader: &mut dyn Loader) -> (Spec, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let file = sources.add("spec.mpst", text).unwrap();
    let (tree, syntax) = syntax::parse(file, text);
    assert!(syntax.iter().all(|found| !found.is_error()), "syntax: {syntax:#?}\n{text}");
    let (spec, found) = lower(&mut sources, file, &tree, loader);
    (spec, found, sources)
}

fn spec(text: &str) -> (Spec, Vec<Diagnostic>) {
    let (spec, found, _) = spec_with(text, &mut NoImports);
    (spec, found)
}

/// A specification without errors.
fn sound(text: &str) -> Spec {
    let (spec, found) = spec(text);
    let errors: Vec<&Diagnostic> = found.iter().filter(|found| found.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    spec
}

fn show(found: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for found in found {
        let at = sources.start(found.span);
        let end = sources.end(found.span);
        let (file, line, column) = (sources.name(found.span), at.line, at.column);
        let word = found.severity.word();
        writeln!(text, "{word}[{}] {file}:{line}:{column}-{}:{}", found.code, end.line, end.column).unwrap();
        writeln!(text, "  {}", found.text).unwrap();
        for label in &found.labels {
            let at = sources.start(label.span);
            writeln!(text, "  at {}:{}: {}", at.line, at.column, label.text).unwrap();
        }
        for note in &found.notes {
            writeln!(text, "  note: {note}").unwrap();
        }
        if let Some(help) = &found.help {
            writeln!(text, "  help: {help}").unwrap();
        }
    }
    text
}

fn cases() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/form"));
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "mpst"));
    files.sort();
    files
}

/// Every `tests/form/CODE-name.mpst` gives exactly what stands in the `.txt` beside it. Lines `// module a.b` begin a
/// module that can be imported. With `BLESS` set the texts are written.
#[test]
fn every_case_says_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let whole = fs::read_to_string(&path).unwrap();
        let mut parts = whole.split("// module ");
        let text = parts.next().unwrap_or("");
        let loader = parts.fold(InMemory::new(), |loader, part| {
            let (name, text) = part.split_once('\n').unwrap();
            loader.with(name.trim(), text)
        });
        let (_, found, sources) = spec_with(text, &mut loader.clone());
        let shown = show(&found, &sources);
        let code = path.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned();
        assert!(
            found.iter().any(|found| found.code.id() == code),
            "{} does not trigger {code}:\n{shown}",
            path.display()
        );
        let beside = path.with_extension("txt");
        if bless {
            fs::write(&beside, &shown).unwrap();
        } else if fs::read_to_string(&beside).unwrap_or_default() != shown {
            wrong.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Codes of findings about all runs, which lowering does not look at.
const OF_RUNS: [&str; 4] = ["PL0345", "PL0346", "PL0347", "PL0348"];

#[test]
fn no_code_is_without_a_case() {
    let covered: BTreeSet<String> = cases()
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned())
        .collect();
    let codes = CATALOGUE.iter().copied().flatten().map(|code| code.id());
    let mine = codes.filter(|id| ["PL02", "PL03"].iter().any(|hundred| id.starts_with(hundred)));
    let missing: Vec<&str> = mine.filter(|id| !covered.contains(*id) && !OF_RUNS.contains(id)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// The example in the text of a code triggers that code, where it is a whole specification.
#[test]
fn explanations_have_true_examples() {
    for code in CATALOGUE.iter().copied().flatten() {
        let id = code.id();
        if !["PL02", "PL03"].iter().any(|hundred| id.starts_with(hundred)) || OF_RUNS.contains(&id) {
            continue;
        }
        let text = code.explanation().text;
        let Some(example) = text.split("```").nth(1) else { panic!("{id} has no example") };
        if text.contains("and so on") || text.contains("// in a.mpst") {
            continue;
        }
        let mut login = InMemory::new().with("lib.login", "protocol Login(role U, role S) { U -> S: user(); }");
        let (_, found, _) = spec_with(example, &mut login);
        assert!(found.iter().any(|found| found.code.id() == id), "{id}: {example}\n{found:#?}");
    }
}

// ---- the corpus

/// Rows of the corpus whose protocol has an error of form, with the codes: each is a true finding.
const WRONG: &[(&str, &[&str])] = &[
    // `choice at authoriser`, where the role is called `authorisersvc` (`AUTHsvc` in the second).
    ("G0048", &["PL0201"]),
    // An arm of a choice that only repeats. The reference drops it, Scribble accepts it, nuScr refuses it, and here it
    // is an error: recursion must be guarded.
    ("G0150", &["PL0209"]),
    // `rec X { continue X; }`.
    ("G0152", &["PL0209"]),
    // `do` of a protocol of a module that is not there.
    ("G0277", &["PL0202"]),
    ("G0431", &["PL0202"]),
    ("G0702", &["PL0202"]),
    ("G0749", &["PL0209"]),
    ("G0781", &["PL0209"]),
    ("G0782", &["PL0209"]),
    ("G0837", &["PL0201"]),
    ("G0844", &["PL0201"]),
];

#[test]
fn kernel_protocols_of_the_corpus_lower() {
    let mut seen = Vec::new();
    for row in shared::rows("corpus/globals.jsonl").iter().filter(|row| row["kernel"] == true) {
        let (id, name) = (row["id"].as_str().unwrap(), row["protocol"].as_str().unwrap());
        let (spec, found) = spec(row["mpst"].as_str().unwrap());
        let last = name.rsplit('.').next().unwrap();
        let protocol = spec.protocols.iter().find(|p| &*p.header.name == name || &*p.header.name == last);
        let Some(protocol) = protocol else { panic!("{id}: no protocol {name}") };
        if protocol.header.broken {
            let codes: BTreeSet<&str> = found.iter().filter(|d| d.is_error()).map(|d| d.code.id()).collect();
            seen.push((id.to_owned(), codes.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        } else {
            Graph::of(&protocol.term).unwrap_or_else(|error| panic!("{id}: {error:?}"));
        }
    }
    if shared::path("corpus").is_some() {
        let expect: Vec<(String, Vec<String>)> = WRONG
            .iter()
            .map(|(id, codes)| ((*id).to_owned(), codes.iter().map(|code| (*code).to_owned()).collect()))
            .collect();
        assert_eq!(seen, expect);
    }
}

#[test]
fn systems_of_the_corpus_lower() {
    for row in shared::rows("corpus/systems.jsonl") {
        let (id, text) = (row["id"].as_str().unwrap(), row["mpst"].as_str().unwrap());
        let (spec, found) = spec(text);
        assert!(found.iter().all(|found| !found.is_error()), "{id}: {found:#?}");
        let system = &spec.systems[0];
        assert!(!system.header.broken, "{id}");
        assert_eq!(system.locals.len(), row["roles"].as_array().unwrap().len(), "{id}");
        // The dead state, and one for each equation that can be reached.
        let mut reachable = 0;
        for (role, local) in system.locals.iter() {
            assert_eq!(local.role, role, "{id}");
            reachable += local.states.len() - 1;
        }
        let written = text.matches(" = ").count() - system.locals.len();
        assert!(reachable <= written, "{id}: {reachable} states, {written} equations");
    }
}

#[test]
fn subtyping_rows_of_the_corpus_lower() {
    for row in shared::rows("corpus/subtyping.jsonl").iter().chain(&shared::rows("corpus/multiparty-subtyping.jsonl")) {
        let (id, text) = (row["id"].as_str().unwrap(), row["mpst"].as_str().unwrap());
        let spec = sound(text);
        assert_eq!(spec.locals.len(), 2, "{id}");
        assert!(spec.locals.iter().all(|local| local.local.is_some() && !local.header.broken), "{id}");
    }
}

// ---- meaning

/// The steps of a protocol's graph, in the order of a walk that takes every node once.
fn steps(spec: &Spec, protocol: usize) -> Vec<String> {
    let protocol = &spec.protocols[protocol];
    let graph = Graph::of(&protocol.term).unwrap();
    let mut seen = BTreeSet::new();
    let mut stack = vec![graph.start];
    let mut steps = Vec::new();
    while let Some(node) = stack.pop() {
        if !seen.insert(node) {
            continue;
        }
        match &graph.nodes[node] {
            polylogue::protocol::Node::End => steps.push("end".to_owned()),
            polylogue::protocol::Node::Fork { arms, .. } => stack.extend(arms.iter().rev()),
            polylogue::protocol::Node::Step { step: Step::Message { from, to }, label, sort, then } => {
                let name = |role: RoleId| protocol.header.role_name(role).to_owned();
                steps.push(format!("{}{}:{}", name(*from), name(*to), spec.names.message(*label, *sort)));
                stack.push(*then);
            }
            other => panic!("{other:?}"),
        }
    }
    steps
}

#[test]
fn inner_loops_shadow_outer_ones() {
    let spec = sound(
        "protocol P(role A, role B) {
           rec X { A -> B: a(); rec X { choice at B { B -> A: b(); continue X; } or { B -> A: c(); } } continue X; }
         }",
    );
    let graph = Graph::of(&spec.protocols[0].term).unwrap();
    // a, the fork, b, c: `b` goes back to the inner fork, `c` to `a`.
    let label = |text: &str| spec.names.find_label(text).unwrap();
    let then = |text: &str| {
        graph.nodes.values().find_map(|node| match node {
            polylogue::protocol::Node::Step { label: l, then, .. } if *l == label(text) => Some(*then),
            _ => None,
        })
    };
    assert!(matches!(graph.nodes[then("b").unwrap()], polylogue::protocol::Node::Fork { .. }));
    assert_eq!(then("c"), Some(graph.start));
}

#[test]
fn a_loop_goes_on_behind_its_braces() {
    let spec = sound(
        "protocol P(role A, role B) {
           rec X { choice at A { A -> B: more(); continue X; } or { A -> B: done(); } }
           B -> A: bye();
         }",
    );
    assert_eq!(steps(&spec, 0), ["AB:more()", "AB:done()", "BA:bye()", "end"]);
}

#[test]
fn roles_are_permuted_by_calls() {
    let spec = sound(
        "protocol P(role A, role B, role C) { do Q(C, A, B); do Q(A, C, B); }
         aux protocol Q(role X, role Y, role Z) { X -> Y: m(); Y -> Z: n(); }",
    );
    assert_eq!(steps(&spec, 0), ["CA:m()", "AB:n()", "AC:m()", "CB:n()", "end"]);
    assert_eq!(spec.protocols[0].term.bodies.len(), 3);
}

#[test]
fn a_tail_call_is_a_jump() {
    let spec = sound("protocol P(role A, role B) { A -> B: m(); do P(B, A); }");
    assert_eq!(steps(&spec, 0), ["AB:m()", "BA:m()"]);
    assert_eq!(spec.protocols[0].term.bodies.len(), 2);
}

#[test]
fn a_call_returns_to_each_of_its_callers() {
    let spec = sound(
        "protocol P(role A, role B) { do Q(A, B); A -> B: x(); do Q(A, B); A -> B: y(); }
         aux protocol Q(role A, role B) { rec X { choice at A { A -> B: m(); continue X; } or { A -> B: n(); } } }",
    );
    let count = |text: &str| steps(&spec, 0).iter().filter(|step| *step == text).count();
    assert_eq!((count("AB:m()"), count("AB:x()"), count("AB:y()")), (2, 1, 1));
}

#[test]
fn parameters_are_substituted() {
    let spec = sound(
        "type Pair<type T> = { left: T, right: T };
         protocol P(role A, role B) { do Q<int, hello(string)>(A, B); do Q<list<Pair<string>>, bye>(A, B); }
         aux protocol Q<type T, sig M>(role X, role Y) { X -> Y: m(x: option<T>); X -> Y: M; }",
    );
    assert_eq!(
        steps(&spec, 0),
        [
            "AB:m(x: option<int>)",
            "AB:hello(string)",
            "AB:m(x: option<list<{left: string, right: string}>>)",
            "AB:bye",
            "end"
        ]
    );
    // By itself a parameter is an opaque sort, and a message of its own name.
    assert!(spec.protocols[1].header.generic);
    assert_eq!(steps(&spec, 1), ["XY:m(x: option<T>)", "XY:M", "end"]);
}

#[test]
fn nested_protocols_are_seen_from_inside() {
    let spec = sound(
        "protocol P(role A, role B) {
           nested protocol Q(role X, role Y) { X -> Y: q(); do R(Y, X); }
           nested protocol R(role X, role Y) { X -> Y: r(); }
           do Q(B, A);
         }
         check safe(P.R);",
    );
    assert_eq!(steps(&spec, 0), ["BA:q()", "AB:r()", "end"]);
    assert_eq!(spec.protocols.len(), 2);
    assert!(spec.protocols[1].aux);
}

#[test]
fn modules_are_imported_once_and_by_any_name() {
    let mut loader = InMemory::new()
        .with(
            "lib.login",
            "module lib.login; import lib.base; protocol Login(role U, role S) { U -> S: user(); do base.Ok(S, U); }",
        )
        .with("lib.base", "module lib.base; type Id = string; protocol Ok(role A, role B) { A -> B: ok(id: Id); }");
    let (spec, found, sources) = spec_with(
        "import lib.login; import lib.base as b;
         protocol P(role A, role B) { do lib.login.Login(A, B); do login.Login(B, A); do b.Ok(A, B); A -> B: m(b.Id); }",
        &mut loader,
    );
    assert_eq!(show(&found, &sources), "");
    assert_eq!(
        steps(&spec, 0),
        [
            "AB:user()",
            "BA:ok(id: string)",
            "BA:user()",
            "AB:ok(id: string)",
            "AB:ok(id: string)",
            "AB:m(string)",
            "end"
        ]
    );
    assert_eq!(sources.iter().count(), 3);
    assert_eq!(spec.protocols.len(), 1);
}

#[test]
fn import_cycles_are_named() {
    let mut loader = InMemory::new()
        .with("a", "import b; protocol A(role X, role Y) { do b.B(X, Y); }")
        .with("b", "import a; protocol B(role X, role Y) { do a.A(Y, X); }");
    let (spec, found, _) = spec_with("import a; protocol P(role A, role B) { do a.A(A, B); }", &mut loader);
    let texts: Vec<&str> = found.iter().map(|found| &*found.text).collect();
    assert_eq!(texts, ["imports go round in a circle: `a` -> `b` -> `a`"]);
    assert!(spec.protocols[0].header.broken);
}

#[test]
fn a_broken_callee_breaks_its_callers_and_nobody_else() {
    let (spec, found) = spec(
        "protocol P(role A, role B) { do Q(A, B); }
         protocol Q(role A, role B) { A -> C: m(); A -> C: n(); }
         protocol R(role A, role B) { A -> B: m(); }",
    );
    assert_eq!(found.iter().filter(|found| found.is_error()).count(), 1);
    let broken: Vec<bool> = spec.protocols.iter().map(|p| p.header.broken).collect();
    assert_eq!(broken, [true, true, false]);
    assert!(spec.protocols.iter().all(|p| Graph::of(&p.term).is_ok()));
}

/// Whoever takes part is invited by the caller, also the roles that the callee creates; then it is as with `do`.
#[test]
fn calls_invite() {
    let spec = sound(
        "protocol P(role A, role B, role C) { A calls Q(B, C); A calls R(A, B); }
         protocol Q(role X, role Y; new role W) { X -> W: m(); W -> Y: n(); }
         protocol R(role X, role Y) { X -> Y: m(); }",
    );
    let protocol = &spec.protocols[0];
    let roles: Vec<&str> = protocol.header.roles.values().map(|role| &*role.name).collect();
    assert_eq!(roles, ["A", "B", "C", "W"]);
    let invited: Vec<Vec<usize>> = protocol
        .term
        .blocks
        .values()
        .flatten()
        .filter_map(|stmt| match stmt {
            Stmt::Message { from, to, label, .. } if spec.names.is_tacit(*label) => {
                assert_eq!(protocol.header.role_name(*from), "A");
                Some(to.iter().map(|role| role.index()).collect())
            }
            _ => None,
        })
        .collect();
    assert_eq!(invited, [vec![1, 2, 3], vec![1]]);
    // Whoever does not take part, or is not there, is an error as with `do`.
    for wrong in ["A calls Q(B);", "A calls Nobody(B, C);", "A calls Q(B, B);", "X calls Q(B, C);"] {
        let (_, found) = self::spec(&format!(
            "protocol P(role A, role B, role C) {{ A -> B, C: m(); {wrong} }}
             protocol Q(role X, role Y) {{ X -> Y: m(); }}"
        ));
        assert!(found.iter().any(Diagnostic::is_error), "{wrong}");
    }
}

#[test]
fn equations_are_states_and_each_end_is_one() {
    let spec = sound(
        "system S(role P, role Q) {
           P = states { a = +{ Q!x(). b, Q!y(). c, Q!z(). c }; b = end; c = end; d = Q!w(). d; };
           Q = P?{ x(). end, y(). end, z(). rec X. P?x(). X };
         }",
    );
    let states: Vec<usize> = spec.systems[0].locals.values().map(|local| local.states.len() - 1).collect();
    assert_eq!(states, [3, 4]);
    let local = &spec.systems[0].locals[RoleId::from_raw(0)];
    assert_eq!(local.states[local.initial].arms.len(), 3);
    assert!(!local.states[local.initial].may_stop);
}

#[test]
fn local_protocols_become_automata() {
    let spec = sound(
        "protocol G(role A, role B, role C) { A -> B: m(); A -> C: m(); B -> A: n(); }
         local protocol Pa at A(role C, role B) in G { m() to B; m() to C; do Wait(A, B); }
         local protocol Wait(self Me, role You) { n() from You; }",
    );
    let local = &spec.locals[0];
    assert_eq!((local.within, local.role), (Some(0), RoleId::from_raw(0)));
    let names: Vec<&str> = local.header.roles.values().map(|role| &*role.name).collect();
    assert_eq!(names, ["A", "B", "C"]);
    let automaton = local.local.as_ref().unwrap();
    assert_eq!(automaton.states.len(), 5);
    let mut state = automaton.initial;
    let mut peers = Vec::new();
    while let [arm] = automaton.states[state].arms.as_slice() {
        peers.push(format!("{:?}", arm.act));
        state = arm.then;
    }
    assert_eq!(peers, ["Send(role#1)", "Send(role#2)", "Receive(role#1)"]);
    assert!(automaton.states[state].may_stop);
}

#[test]
fn ends_of_an_edge_agree_on_what_one_of_them_leaves_open() {
    let spec = sound("system S(role P, role Q) { P = Q!a(x: int). Q!b. end; Q = P?a(int). P?b(string). end; }");
    let sorts: Vec<Vec<_>> = spec.systems[0]
        .locals
        .values()
        .map(|local| {
            local.states.values().flat_map(|state| state.arms.iter().map(|arm| (arm.label, arm.sort))).collect()
        })
        .collect();
    assert_eq!(sorts[0], sorts[1]);
    assert_eq!(spec.names.message(sorts[0][0].0, sorts[0][0].1), "a(x: int)");
}

/// Parses and lowers a text with syntax errors.
fn torn(text: &str) -> (Spec, Vec<&'static str>) {
    let mut sources = Sources::new();
    let file = sources.add("spec.mpst", text).unwrap();
    let (_, spec, found) = read(&mut sources, file, &mut NoImports);
    (spec, found.iter().map(|found| found.code.id()).collect())
}

#[test]
fn a_syntax_error_breaks_its_declaration_and_hides_what_it_may_have_caused() {
    let (spec, codes) = torn(
        "protocol P(role A, role B) { A -> B: m(); A -> ; do R(A, B); }
         protocol Q(role A, role B) { do P(A, B); }
         protocol R(role A, role B) { A -> C: m(); }
         protocol S(role A, role B) { A -> B: m(); }",
    );
    let broken: Vec<bool> = spec.protocols.iter().map(|p| p.header.broken).collect();
    assert_eq!(broken, [true, true, true, false]);
    assert_eq!(codes, ["PL0101", "PL0201"]);
    // The callee may be what could not be read.
    let (spec, codes) = torn("protcol Q(role A, role B) { A -> B: m(); } protocol P(role A, role B) { do Q(A, B); }");
    assert!(codes.iter().all(|code| code.starts_with("PL01")), "{codes:?}");
    assert!(spec.protocols.iter().all(|p| p.header.broken || &*p.header.name != "P"));
}

/// Whatever the words of a file, lowering gives an answer, and what it does not call broken keeps the invariants of
/// terms: every one has a graph, every local one an automaton.
#[test]
fn shuffled_words_lower_to_something_sound() {
    let mut texts: Vec<String> = cases().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.retain(|text| text.len() < 2_000);
    texts.extend(
        shared::rows("corpus/globals.jsonl").iter().step_by(5).map(|row| row["mpst"].as_str().unwrap().to_owned()),
    );
    texts.extend(
        shared::rows("corpus/systems.jsonl").iter().step_by(7).map(|row| row["mpst"].as_str().unwrap().to_owned()),
    );
    let words: Vec<Vec<String>> = texts.iter().map(|text| split(text)).collect();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let rounds = std::env::var("POLYLOGUE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let (mut whole, mut broken) = (0, 0);
    for _ in 0..rounds {
        let mut words_now = words[random(words.len())].clone();
        for _ in 0..=random(3) {
            let at = random(words_now.len());
            match random(5) {
                0 => drop(words_now.remove(at)),
                1 => words_now.insert(at, words_now[random(words_now.len())].clone()),
                2 => {
                    let other = random(words_now.len());
                    words_now.swap(at, other);
                }
                3 => words_now[at] = words_now[random(words_now.len())].clone(),
                _ => {
                    let other = &words[random(words.len())];
                    words_now[at] = other[random(other.len())].clone();
                }
            }
            if words_now.is_empty() {
                words_now.push("protocol".to_owned());
            }
        }
        let text = words_now.join(" ");
        let mut sources = Sources::new();
        let file = sources.add("spec.mpst", &*text).unwrap();
        let (_, spec, found) = read(&mut sources, file, &mut NoImports);
        let errors = found.iter().any(Diagnostic::is_error);
        let headers = spec.protocols.iter().map(|p| &p.header);
        let headers =
            headers.chain(spec.systems.iter().map(|s| &s.header)).chain(spec.locals.iter().map(|l| &l.header));
        for header in headers {
            assert!(errors || !header.broken, "`{}` is broken without an error:\n{text}", header.name);
            whole += usize::from(!header.broken);
            broken += usize::from(header.broken);
        }
        for protocol in &spec.protocols {
            Graph::of(&protocol.term).unwrap_or_else(|error| panic!("{error:?}:\n{text}"));
        }
        for system in spec.systems.iter().filter(|s| !s.header.broken) {
            assert_eq!(
                (system.terms.len(), system.locals.len()),
                (system.header.roles.len(), system.header.roles.len())
            );
        }
        for local in &spec.locals {
            Graph::of(&local.term).unwrap_or_else(|error| panic!("{error:?}:\n{text}"));
            assert!(local.local.is_some() || local.header.broken, "{text}");
        }
    }
    assert!(whole > rounds / 8 && broken > rounds / 4, "{whole} whole, {broken} broken");
}

/// Words and signs of a text.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut join = false;
    for c in text.chars() {
        let wordy = c.is_alphanumeric() || "_`.<:-=>|".contains(c);
        match words.last_mut() {
            Some(last) if join && wordy => last.push(c),
            _ if c.is_whitespace() => {}
            _ => words.push(c.to_string()),
        }
        join = wordy;
    }
    words
}

// ---- bounds

#[test]
fn many_roles_and_statements() {
    let count = 100_000;
    let roles: Vec<String> = (0..count).map(|n| format!("role R{n}")).collect();
    let mut text = format!("protocol P({}) {{\n", roles.join(", "));
    for n in 0..10 * count {
        writeln!(text, "R{} -> R{}: m{}();", n % count, (n + 1) % count, n % 1_000).unwrap();
    }
    text.push('}');
    let spec = sound(&text);
    assert_eq!(spec.protocols[0].header.roles.len(), count);
    assert_eq!(spec.protocols[0].term.blocks[spec.protocols[0].term.blocks.ids().next().unwrap()].len(), 10 * count);
}

#[test]
fn long_chains_of_calls() {
    // Each link calls the next one once: linear for one protocol, quadratic for all of them.
    let chain = |length: usize, calls: &str| {
        let mut text = String::new();
        for n in 0..length {
            let body = calls.replace('#', &format!("P{}", n + 1));
            writeln!(text, "aux protocol P{n}(role A, role B) {{ {body} }}").unwrap();
        }
        writeln!(text, "aux protocol P{length}(role A, role B) {{ A -> B: m(); }}").unwrap();
        text
    };
    let spec1 = sound(&chain(1_000, "do #(B, A);"));
    assert_eq!(steps(&spec1, 0), ["AB:m()", "end"]);
    let (spec2, found) = spec(&chain(40, "do #(A, B); do #(A, B);"));
    assert!(found.iter().any(|found| found.code.id() == "PL0223"), "{found:?}");
    assert!(spec2.protocols[0].header.broken && !spec2.protocols[30].header.broken);
    // Written out, a chain of protocols that anybody may start is quadratic; past a limit that is said, once.
    let (spec4, found) = spec(&chain(3_000, "do #(B, A);"));
    assert_eq!(found.iter().map(|found| found.code.id()).collect::<Vec<_>>(), ["PL0223"]);
    assert!(spec4.protocols[0].header.broken && !spec4.protocols[2_500].header.broken);
    // What diamonds share is read once.
    let spec3 = sound(&chain(60, "choice at A { do #(A, B); } or { do #(A, B); }"));
    assert_eq!(steps(&spec3, 0), ["AB:m()", "end"]);
}

#[test]
fn long_chains_of_types_and_jumps() {
    let mut text = String::new();
    for n in 0..20_000 {
        writeln!(text, "type T{n} = T{};", n + 1).unwrap();
    }
    text.push_str("type T20000 = int; protocol P(role A, role B) { A -> B: m(T0); }");
    assert_eq!(steps(&sound(&text), 0), ["AB:m(int)", "end"]);
    let mut text = String::from("system S(role P, role Q) { P = states { ");
    for n in 0..100_000 {
        write!(text, "s{n} = Q!m(). s{}; ", (n + 1) % 100_000).unwrap();
    }
    text.push_str("}; Q = rec X. P?m(). X; }");
    let spec = sound(&text);
    assert_eq!(spec.systems[0].locals[RoleId::from_raw(0)].states.len(), 100_001);
}

#[test]
fn severities_are_those_of_the_catalogue() {
    let (_, found) = spec("system S(role P, role Q) { P = P!a(). end; Q = end; }");
    let own: Vec<Severity> = found.iter().filter(|f| f.code.id() == "PL0207").map(|f| f.severity).collect();
    assert_eq!(own, [Severity::Warning]);
}
