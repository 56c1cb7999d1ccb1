//! Recordings of real TLS, POP3 and SMTP implementations against `specs/`: a few that are kept here, and, where they are
//! at hand, all of the shared ones with their spoiled variants.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use polylogue::{
    load::Loaded,
    machine::System,
    protocol::NoImports,
    trace::{Judgement, Map, Subject, conform},
};

/// Sessions that pipeline. `smtp.mpst` refuses them where the second command is sent: how many answers are still to come
/// is a number, and the kernel of the language has none. The first are recordings as they were made; the rest are
/// spoiled variants, most of these and some of recordings that do not pipeline until a copied command or a lost reply
/// makes them: they are refused at that command, and the line that their manifest names comes later.
const PIPELINED: [&str; 28] = [
    "smtp-047-swaks-pipebad-postfix",
    "smtp-053-nodemailer-pool-postfix",
    "smtp-073-swaks-pipe-node",
    "smtp-075-swaks-pipeallbad-node",
    "smtp-079-nodemailer-node",
    "smtp-081-nodemailer-bad-node",
    "smtp-041-drop-postfix-m3-duplicate",
    "smtp-047-swaks-pipebad-postfix-m2-swap",
    "smtp-047-swaks-pipebad-postfix-m3-drop",
    "smtp-047-swaks-pipebad-postfix-m4-duplicate",
    "smtp-047-swaks-pipebad-postfix-m5-insert-after-end",
    "smtp-047-swaks-pipebad-postfix-m6-redirect",
    "smtp-053-nodemailer-pool-postfix-m2-swap",
    "smtp-053-nodemailer-pool-postfix-m3-duplicate",
    "smtp-053-nodemailer-pool-postfix-m4-drop",
    "smtp-053-nodemailer-pool-postfix-m5-insert-after-end",
    "smtp-053-nodemailer-pool-postfix-m6-redirect",
    "smtp-059-partial-node-m3-drop",
    "smtp-075-swaks-pipeallbad-node-m2-swap",
    "smtp-075-swaks-pipeallbad-node-m3-drop",
    "smtp-075-swaks-pipeallbad-node-m4-duplicate",
    "smtp-075-swaks-pipeallbad-node-m5-insert-after-end",
    "smtp-081-nodemailer-bad-node-m2-drop",
    "smtp-081-nodemailer-bad-node-m3-swap",
    "smtp-081-nodemailer-bad-node-m4-duplicate",
    "smtp-081-nodemailer-bad-node-m5-insert-after-end",
    "smtp-093-big-postfix-m2-duplicate",
    "smtp-093-big-postfix-m3-drop",
];

/// A log and the line of its first violation.
type Stated = (&'static str, Option<u64>);

/// A specification with its map, ready to judge logs.
struct Judge {
    loaded: Loaded,
    system: System,
    map: Map,
}

impl Judge {
    fn of(name: &str) -> Self {
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
        let text = fs::read_to_string(specs.join(format!("{name}.mpst"))).unwrap();
        let loaded = Loaded::new(name, text, &mut NoImports);
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let map = Map::parse(&fs::read_to_string(specs.join(format!("{name}.toml"))).unwrap()).unwrap();
        let [declared] = &*loaded.spec.systems else { panic!("{name} has one system") };
        assert_eq!(map.check(&declared.header, &loaded.spec.names), []);
        let system = System::of(&declared.locals, |from, to| declared.header.edge_kind(from, to)).unwrap();
        Self { loaded, system, map }
    }

    /// The line of the first violation.
    fn first_violation(&self, log: &Path) -> Option<u64> {
        let header = &self.loaded.spec.systems[0].header;
        let subject = Subject::new(&self.system, &self.loaded.spec.names, header).unwrap();
        let report = conform(subject, &self.map, &fs::read(log).unwrap());
        assert_eq!(report.bad, [], "{}", log.display());
        assert!(report.totals.events > 0, "{}: nothing was judged", log.display());
        assert_eq!(report.totals.dropped, 0, "{}: something was not judged", log.display());
        assert_eq!(report.totals.unknown, 0, "{}", log.display());
        let offends = report.sessions.iter().filter(|session| session.verdict == Judgement::Violates);
        offends.filter_map(|session| session.at).min()
    }
}

#[test]
fn the_recordings_that_are_kept_here() {
    let expected: [(&str, &[Stated]); 3] = [
        (
            "tls",
            &[
                ("tls-001-13-plain-client", None),
                ("tls-001-13-plain-client-m3-drop", Some(4)), // TLS-4
                ("tls-003-13-noauth-client-m4-payload-edit", Some(9)), // TLS-5
                ("tls-021-13-auth-server", None),
                ("tls-055-12-auth-server-m3-drop", Some(8)), // TLS-5
                ("tls-067-12-sreneg-server", None),
                ("tls-071-12-resumeid-client", None),
                ("tls-075-psk-client-m4-insert-after-end", Some(8)), // TLS-8
            ],
        ),
        (
            "pop3",
            &[
                ("pop3-001-stat-m5-drop", Some(0)), // POP3-1
                ("pop3-003-retr", None),
                ("pop3-003-retr-m5-payload-edit", Some(8)), // POP3-4
                ("pop3-005-rset-m1-duplicate", Some(7)),    // POP3-3
                ("pop3-015-drop", None),
                ("pop3-019-curl-dele-m6-relabel", Some(5)), // POP3-5
                ("pop3-021-curl-login", None),
            ],
        ),
        (
            "smtp",
            &[
                ("smtp-001-basic-aio", None),
                ("smtp-001-basic-aio-m2-relabel", Some(3)), // SMTP-8
                ("smtp-001-basic-aio-m5-drop", Some(8)),    // SMTP-5
                ("smtp-005-partial-aio", None),
                ("smtp-011-vrfy-aio", Some(8)), // SMTP-3, by the server itself
                ("smtp-025-nodemailer-aio-m2-drop", Some(1)), // SMTP-1
                ("smtp-041-drop-postfix-m2-relabel", Some(6)), // SMTP-6
                ("smtp-043-reehlo-postfix", None),
                ("smtp-091-authlogin-node", None),
                ("smtp-097-concurrent-postfix", None), // six sessions, interleaved
            ],
        ),
    ];
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    for (protocol, files) in expected {
        let judge = Judge::of(protocol);
        for &(file, at) in files {
            let log = kept.join(protocol).join(format!("{file}.jsonl"));
            assert_eq!(judge.first_violation(&log), at, "{file}");
        }
        assert_eq!(fs::read_dir(kept.join(protocol)).unwrap().count(), files.len(), "{protocol}");
    }
}

fn shared() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    let shared = env::var_os("POLYLOGUE_SHARED").map_or_else(beside, PathBuf::from).join("traces");
    shared.is_dir().then_some(shared)
}

/// Logs and the lines of their first violations.
fn manifest(folder: &Path) -> BTreeMap<PathBuf, Option<u64>> {
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let files = manifest["files"].as_object().unwrap().iter();
    let files = files.map(|(name, entry)| (folder.join(name), entry["verdict"]["first_violation"].as_u64()));
    let mutants = manifest["mutants"].as_object().unwrap().iter();
    let mutants = mutants.map(|(name, entry)| {
        let at = entry["first_violation"].as_u64();
        assert!(at.is_some(), "{name}");
        (folder.join("violations").join(name), at)
    });
    files.chain(mutants).collect()
}

#[test]
fn all_recordings() {
    let Some(shared) = shared() else {
        println!("skipped: there is no ../shared/traces (POLYLOGUE_SHARED names another place)");
        return;
    };
    let mut wrong = Vec::new();
    for (protocol, most) in [("tls", 0), ("pop3", 0), ("smtp", PIPELINED.len())] {
        let judge = Judge::of(protocol);
        let mut pipelined = 0;
        let logs = manifest(&shared.join(protocol));
        assert!(logs.len() > 50, "{protocol}");
        for (log, expected) in logs {
            let name = log.file_stem().unwrap().to_str().unwrap();
            let found = judge.first_violation(&log);
            if PIPELINED.contains(&name) {
                pipelined += 1;
                // Never later than the manifest says, and never missed.
                assert!(found.is_some() && expected.is_none_or(|at| found < Some(at)), "{name}: {found:?}");
            } else if found != expected {
                wrong.push(format!("{name}: {found:?}, not {expected:?}"));
            }
        }
        assert_eq!(pipelined, most, "{protocol}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

const DUPLEX: &str = "system Duplex(role a, role b) {
  a = states { go = *{ a:rekey(...). go, b!data(...). go, b?data(...). go, b!bye(...). end }; };
  b = states { go = *{ b:rekey(...). go, a!data(...). go, a?data(...). go, a?bye(...). end }; };
}";

/// What a log shows: the name of each session with its verdict, and whether some lines were no events.
fn duplex(map: &str, lines: &[&str]) -> (Vec<(String, Judgement, Option<u64>)>, usize) {
    let loaded = Loaded::new("duplex", DUPLEX, &mut NoImports);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let declared = &loaded.spec.systems[0];
    let system = System::of(&declared.locals, |from, to| declared.header.edge_kind(from, to)).unwrap();
    let subject = Subject::new(&system, &loaded.spec.names, &declared.header).unwrap();
    let map = Map::parse(map).unwrap();
    assert_eq!(map.check(&declared.header, &loaded.spec.names), []);
    let report = conform(subject, &map, lines.join("\n").as_bytes());
    let sessions = report.sessions.into_iter().map(|session| (session.name, session.verdict, session.at));
    (sessions.collect(), report.bad.len())
}

fn line(session: &str, from: &str, to: &str, label: &str, more: &str) -> String {
    format!(r#"{{"session":"{session}","from":"{from}","to":"{to}","label":"{label}","payload":{{}}{more}}}"#)
}

/// `role = { pointer = … }`: both ends may record into one log, each session of each end is judged by itself.
#[test]
fn each_line_names_its_recorder() {
    let map = "role = { pointer = \"/at\" }\n[labels]\nlocal = [\"rekey\"]\n";
    let lines = [
        line("s", "a", "b", "data", r#","at":"a""#),
        line("s", "a", "b", "bye", r#","at":"a""#),
        // The other end has its own order: it has not read the farewell yet.
        line("s", "b", "a", "rekey", r#","at":"b""#),
        line("s", "b", "a", "data", r#","at":"b""#),
        line("s", "a", "b", "data", r#","at":"b""#),
        line("s", "a", "b", "bye", r#","at":"b""#),
        // After its farewell a says nothing.
        line("t", "a", "b", "bye", r#","at":"a""#),
        line("t", "a", "b", "data", r#","at":"a""#),
        // b sees nothing of what a does by itself.
        line("u", "a", "b", "rekey", r#","at":"b""#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (sessions, bad) = duplex(map, &lines);
    let expected = [
        ("t".to_owned(), Judgement::Violates, Some(7)),
        ("u".to_owned(), Judgement::Violates, Some(8)),
        ("s".to_owned(), Judgement::Conforms, None),
        ("s".to_owned(), Judgement::Conforms, None),
    ];
    assert_eq!(sessions, expected);
    assert_eq!(bad, 0);
    // A line that nobody recorded is no event.
    let nobody = [line("s", "a", "b", "data", r#","at":"c""#), line("s", "a", "b", "data", "")];
    assert_eq!(duplex(map, &[&nobody[0], &nobody[1]]), (Vec::new(), 2));
}

/// `when` keeps a rule from lines that it is not meant for.
#[test]
fn a_label_is_derived_under_a_condition() {
    let map = "[labels.derive.data]\nwhen = { \"/v\" = \"^2$\" }\npointer = \"/kind\"\nlabel = \"{value}\"\n";
    let lines = [
        line("s", "a", "b", "data", r#","v":1,"kind":"bye""#),
        line("s", "a", "b", "data", r#","kind":"bye""#),
        line("s", "a", "b", "data", r#","v":2,"kind":"bye""#),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(duplex(map, &lines).0, [("s".to_owned(), Judgement::Conforms, None)]);
    assert_eq!(duplex(map, &lines[..2]).0, [("s".to_owned(), Judgement::Incomplete, None)]);
    let error = Map::parse("role = { at = \"/at\" }").unwrap_err();
    assert_eq!(error.text, "`role` has no key `at`");
}
