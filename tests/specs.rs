//! The gallery: every file of `specs/` is parsed and lowered, and every claim and trace in it comes out as stated.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use polylogue::{
    event::{Event, Verdict},
    load::Loaded,
    machine::System,
    protocol::{
        self, Expected, Header, LoadError, Loader, Spec, Target,
        project::{Discipline, project_all},
    },
    trace::{self, check_trace},
    verify::{Detail, Options, Outcome, Property, check, check_claim},
};

/// Finds imports under `specs/`.
struct Gallery;

impl Loader for Gallery {
    fn load(&mut self, _importing: &str, module: &[&str]) -> Result<(String, String), LoadError> {
        let name = format!("{}.mpst", module.join("/"));
        let text = fs::read_to_string(root().join(&name)).map_err(|_| LoadError::NotFound(vec![name.clone()]))?;
        Ok((name, text))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("specs")
}

/// All files below `specs/`, by name.
fn files() -> BTreeMap<String, String> {
    let mut open = vec![root()];
    let mut found = BTreeMap::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "mpst") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

fn load(name: &str) -> Loaded {
    Loaded::new(name, fs::read_to_string(root().join(name)).unwrap(), &mut Gallery).unwrap()
}

fn go_on(_: &polylogue::verify::Progress) -> Option<polylogue::event::Limit> {
    None
}

/// The machines behind a trace, and whose view it is.
fn system(spec: &Spec, target: Target) -> (&Header, System, Option<polylogue::id::RoleId>) {
    let (header, locals, role) = match target {
        Target::Protocol(at) | Target::ProtocolRole(at, _) => {
            let protocol = &spec.protocols[at];
            let graph = protocol::Graph::of(&protocol.term).unwrap();
            let locals = project_all(&graph, protocol.header.roles.len(), Discipline::Full).unwrap();
            (&protocol.header, locals, None)
        }
        Target::System(at) | Target::SystemRole(at, _) => {
            (&spec.systems[at].header, spec.systems[at].locals.clone(), None)
        }
        Target::Local(_) => panic!("no trace of the gallery is one local type's"),
    };
    let role = match target {
        Target::ProtocolRole(_, own) | Target::SystemRole(_, own) => Some(own),
        _ => role,
    };
    (header, System::of(&locals, |from, to| header.edge_kind(from, to)).unwrap(), role)
}

/// What is wrong with a file: findings, claims and traces that do not come out as stated.
fn wrong(name: &str) -> Vec<String> {
    let loaded = load(name);
    let spec = &loaded.spec;
    let place = |span| format!("{name}:{}", loaded.sources.start(span).line);
    let mut wrong: Vec<String> =
        loaded.diagnostics.iter().map(|found| format!("{}: {} [{}]", place(found.span), found.text, found.code)).collect();
    for claim in &spec.claims {
        let outcome = match check_claim(spec, claim, &Options::default(), &mut go_on) {
            Ok(outcome) => outcome,
            Err(error) => {
                wrong.push(format!("{}: {error:?}", place(claim.span)));
                continue;
            }
        };
        if !outcome.is(claim.expected) {
            let what = match &outcome.verdict {
                Verdict::Holds => "holds".to_owned(),
                Verdict::Violated(_) => format!("is violated: {:?}", outcome.detail),
                Verdict::Unknown(limit) => format!("is unknown: {limit:?}"),
            };
            wrong.push(format!("{}: {:?} of {} {what}", place(claim.span), claim.kind, claim.target_text));
        }
    }
    for stated in &spec.traces {
        let (header, system, role) = system(spec, stated.target);
        let subject = trace::Subject::new(&system, &spec.names, header).unwrap();
        let declared = check_trace(subject, role, stated);
        if !declared.as_stated {
            let at = format!("{} at {:?}", declared.actual.word(), declared.at);
            wrong.push(format!("{}: trace {} {at}", place(stated.span), stated.name));
        }
    }
    wrong
}

#[test]
fn everything_comes_out_as_stated() {
    let names: Vec<String> = files().into_keys().collect();
    let wrong: Vec<String> = names.iter().flat_map(|name| wrong(name)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// At least 25 protocols and nine that go wrong; each says what it is and where it comes from, claims something, and
/// shows a run; nothing is claimed twice.
#[test]
fn every_file_says_what_it_is() {
    let files = files();
    let (bad, good): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| name.starts_with("wrong/"));
    assert!(good.len() >= 28, "{}", good.len());
    assert!(bad.len() >= 9, "{}", bad.len());
    for (name, text) in good {
        assert!(text.starts_with("///"), "{name}");
        assert!(text.contains("Source: "), "{name}");
        let spec = load(name).spec;
        if name.starts_with("lib/") {
            continue;
        }
        assert!(!spec.claims.is_empty(), "{name}");
        assert!(spec.traces.iter().any(|trace| trace.accepts), "{name}");
        assert!(spec.traces.iter().any(|trace| !trace.accepts), "{name}");
    }
    for (name, text) in &files {
        let claims: Vec<&str> = text.lines().filter(|line| line.starts_with("check ")).collect();
        let different: BTreeSet<&&str> = claims.iter().collect();
        assert_eq!(claims.len(), different.len(), "{name}");
    }
    for (name, text) in bad {
        for word in ["/// Goes wrong: ", "/// Why: ", "/// Mend: "] {
            assert!(text.contains(word), "{name} lacks {word}");
        }
        let spec = load(name).spec;
        assert!(spec.claims.iter().any(|claim| claim.expected == Expected::Violated), "{name}");
        assert!(spec.claims.iter().any(|claim| claim.expected == Expected::Holds), "{name}: is there no mend?");
    }
}

fn target(spec: &Spec, name: &str) -> Target {
    let protocol = spec.protocols.iter().position(|protocol| &*protocol.header.name == name).map(Target::Protocol);
    let system = || spec.systems.iter().position(|system| &*system.header.name == name).map(Target::System);
    protocol.or_else(system).unwrap_or_else(|| panic!("there is no {name}"))
}

fn outcome(file: &str, name: &str, property: &str, options: &Options) -> Outcome {
    let spec = load(file).spec;
    check(&spec, Property::find(property).unwrap(), target(&spec, name), options, &mut go_on).unwrap()
}

fn detail(file: &str, name: &str, property: &str) -> Detail {
    outcome(file, name, property, &Options::default()).detail.unwrap()
}

/// The run of a counterexample, as people write it.
fn run(file: &str, name: &str, property: &str) -> Vec<String> {
    let spec = load(file).spec;
    let target = target(&spec, name);
    let header = match target {
        Target::Protocol(at) => &spec.protocols[at].header,
        Target::System(at) => &spec.systems[at].header,
        _ => unreachable!("only these have names"),
    };
    let outcome = check(&spec, Property::find(property).unwrap(), target, &Options::default(), &mut go_on).unwrap();
    let Verdict::Violated(counterexample) = outcome.verdict else { panic!("{:?}", outcome.verdict) };
    let text = |event: &Event| match *event {
        Event::Send { from, to, label, .. } => {
            format!("{}!{}:{}", header.role_name(from), header.role_name(to), spec.names.label_text(label))
        }
        Event::Receive { from, to, label, .. } => {
            format!("{}?{}:{}", header.role_name(to), header.role_name(from), spec.names.label_text(label))
        }
        ref other => format!("{other:?}"),
    };
    counterexample.run.iter().map(text).collect()
}

#[test]
fn show() {
    for (file, name, property) in [
        ("wrong/orphan.mpst", "Orphan", "safe"),
        ("wrong/unspecified_reception.mpst", "Unspecified", "safe"),
        ("wrong/wait_cycle.mpst", "WaitCycle", "deadlock_free"),
        ("wrong/race.mpst", "Race", "projectable"),
        ("wrong/race.mpst", "BothSend", "safe"),
        ("wrong/unseen_choice.mpst", "Unseen", "projectable"),
        ("wrong/starved.mpst", "Starved", "live"),
        ("wrong/unbounded_queue.mpst", "Sensor", "bounded"),
        ("wrong/endless.mpst", "Endless", "terminating"),
        ("wrong/mistyped.mpst", "Mistyped", "safe"),
        ("dining_philosophers.mpst", "Dining", "deadlock_free"),
    ] {
        println!("{name} {property}: {:?} {:?}", run(file, name, property), detail(file, name, property));
    }
    for file in files().keys() {
        let spec = load(file).spec;
        let names = spec.protocols.iter().filter(|p| !p.aux).map(|p| &p.header.name).chain(spec.systems.iter().map(|s| &s.header.name));
        for name in names {
            for property in ["safe", "deadlock_free", "live", "terminating", "bounded"] {
                let t = std::time::Instant::now();
                let o = outcome(file, name, property, &Options { max_states: 300_000, ..Options::default() });
                let raw = outcome(file, name, property, &Options { raw: true, bound: Some(1), max_states: 300_000, ..Options::default() });
                let one = outcome(file, name, property, &Options { bound: Some(1), max_states: 300_000, ..Options::default() });
                let v = match o.verdict { Verdict::Holds => "holds".to_owned(), Verdict::Violated(c) => format!("violated by {} {:?}", c.run.len(), o.detail.map(|d| d.code())), Verdict::Unknown(l) => format!("unknown {l:?}") };
                println!("{file} {name} {property}: {v} confs {} ; k=1 raw {} min {} {:?}", o.configurations, raw.configurations, one.configurations, t.elapsed());
            }
        }
    }
}
#[test]
fn dbg() {
    for property in ["safe", "bounded"] {
        for bound in [None, Some(1), Some(2)] {
            let spec = load("producer_consumer.mpst").spec;
            let o = check(&spec, Property::find(property).unwrap(), target(&spec, "ProducerConsumer"), &Options { bound, ..Options::default() }, &mut go_on);
            println!("{property} {bound:?} {:?}", o.map(|o| (o.verdict, o.detail)));
        }
    }
}
