//! The gallery: every file of `specs/` is parsed and lowered, and every claim and trace in it comes out as stated.
#![allow(clippy::unwrap_used, clippy::panic, clippy::unreachable, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use polylogue::{
    event::{Event, Verdict},
    id::FileId,
    load::Loaded,
    protocol::{Expected, LoadError, Loader, Spec, Target},
    syntax::{self, Style},
    trace::{Machines, check_trace},
    verify::{Detail, Options, Outcome, Property, check, check_claim, expand},
};

/// Findings that belong to a file; all others have none.
const FINDINGS: [(&str, &str); 1] = [
    // The same label with two payloads is a warning before it is a verdict.
    ("wrong/mistyped.mpst", "PL0306"),
];

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

#[test]
fn every_file_is_as_fmt_prints_it() {
    for (name, text) in files() {
        let (file, errors) = syntax::parse(FileId::default(), &text);
        if errors.is_empty() {
            assert!(syntax::print(&file, &text, Style::Arrows) == text, "`polylogue fmt specs/{name}` would change it");
        }
    }
}

fn load(name: &str) -> Loaded {
    let mut loaded = Loaded::new(name, fs::read_to_string(root().join(name)).unwrap(), &mut Gallery);
    expand(&mut loaded.spec, Some(2), &polylogue::solve::Outside::default());
    loaded
}

fn go_on(_: &polylogue::verify::Progress) -> Option<polylogue::event::Limit> {
    None
}

/// What is wrong with a file: findings, claims and traces that do not come out as stated.
fn wrong(name: &str) -> Vec<String> {
    let loaded = load(name);
    let spec = &loaded.spec;
    let place = |span| format!("{name}:{}", loaded.sources.start(span).line);
    let expected = FINDINGS.iter().filter(|(file, _)| *file == name).map(|&(_, code)| code);
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|found| found.code.id()).collect();
    let mut wrong = Vec::new();
    if codes != expected.collect::<Vec<_>>() {
        let all = loaded.diagnostics.iter();
        wrong.extend(all.map(|found| format!("{}: {} [{}]", place(found.span), found.text, found.code)));
        wrong.push(format!("{name}: {codes:?} are not the expected findings"));
    }
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
        let machines = Machines::of(spec, stated.target).unwrap();
        let declared = check_trace(machines.subject(), machines.role(), stated);
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
        let is_head = |line: &&str| line.starts_with("@edition(") || line.starts_with("module ") || line.is_empty();
        assert!(text.lines().find(|line| !is_head(line)).unwrap().starts_with("///"), "{name}");
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

/// Nine ways of going wrong, each with the shortest run that shows it.
#[test]
fn each_goes_wrong_in_its_own_way() {
    let check = |file: &str, name: &str, property: &str, code: &str, run_of: &[&str]| {
        let file = format!("wrong/{file}.mpst");
        assert_eq!(detail(&file, name, property).code().id(), code, "{name}");
        assert_eq!(run(&file, name, property), run_of, "{name}");
    };
    let bye = ["P!Q:work", "Q?P:work", "P!Q:bye", "Q?P:bye", "P!Q:bye"];
    check("orphan", "Orphan", "safe", "PL0511", &bye);
    let quit = ["Seller!Buyer:quote", "Buyer?Seller:quote", "Buyer!Seller:quit"];
    check("unspecified_reception", "Unspecified", "safe", "PL0512", &quit);
    check("wait_cycle", "WaitCycle", "deadlock_free", "PL0510", &[]);
    let both = ["A!Server:from_a", "B!Server:from_b", "Server?A:from_a"];
    check("race", "BothSend", "safe", "PL0511", &both);
    let parcel = ["Bob!Seller:quit", "Shipper!Bob:parcel"];
    check("unseen_choice", "Unseen", "projectable", "PL0517", &parcel);
    let talk = ["A!B:ping", "B?A:ping", "B!A:pong", "A?B:pong"];
    check("starved", "Starved", "live", "PL0513", &talk);
    check("unbounded_queue", "Sensor", "bounded", "PL0515", &["Sensor!Station:reading"]);
    let again = ["A!B:attempt", "B?A:attempt", "B!A:failed", "A?B:failed"];
    check("endless", "Endless", "terminating", "PL0514", &again);
    check("mistyped", "Mistyped", "safe", "PL0512", &["Client!Bank:pay"]);
}

/// Which roles a projection error names.
#[test]
fn who_cannot_follow_is_named() {
    let names = |file: &str, name: &str| {
        let spec = load(file).spec;
        let Target::Protocol(at) = target(&spec, name) else { panic!("{name} is a protocol") };
        let outcome = outcome(file, name, "projectable", &Options::default());
        let header = &spec.protocols[at].header;
        outcome.roles.iter().map(|&role| header.role_name(role).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("wrong/unseen_choice.mpst", "Unseen"), ["Shipper"]);
    assert_eq!(names("wrong/race.mpst", "Race"), ["A"]);
}

/// How many configurations there are: as written and minimized, both under the bound 1, and on what a verdict without a
/// bound rests.
#[test]
fn exact_counts() {
    for (file, name, raw, minimized, all) in [
        ("ping_pong.mpst", "PingPong", 4, 4, 4),
        ("adder.mpst", "Adder", 8, 8, 8),
        ("booking.mpst", "Booking", 48, 48, 48),
        ("calculator.mpst", "Calculator", 14, 12, 17),
        ("auction.mpst", "Auction", 53, 53, 57),
        ("game.mpst", "Game", 17, 15, 15),
        ("map_reduce.mpst", "MapReduce", 38, 38, 38),
        ("double_buffering.mpst", "DoubleBuffering", 16, 16, 16),
        ("double_buffering.mpst", "TwoBuffers", 32, 32, 38),
        ("dining_philosophers.mpst", "LeftHanded", 1_169, 1_054, 1_054),
        ("local_types.mpst", "ShyAndPatient", 11, 10, 10),
    ] {
        let of = |options: &Options| outcome(file, name, "live", options).configurations;
        let one = Options { bound: Some(1), ..Options::default() };
        assert_eq!(of(&Options { raw: true, ..one.clone() }), raw, "{name}, raw");
        assert_eq!(of(&one), minimized, "{name}");
        assert_eq!(of(&Options::default()), all, "{name}, without a bound");
    }
}
