//! Recordings of real implementations against `specs/`: a few that are kept here, and, where they are at hand, all of the
//! shared ones with their spoiled variants.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "common/shared.rs"]
mod shared;

use std::{env, fs, path::Path};

use polylogue::{
    load::Loaded,
    machine::System,
    protocol::NoImports,
    trace::{Judgement, Machines, Map, Subject, conform, target},
};

#[path = "../examples/judge/table.rs"]
#[allow(dead_code, reason = "the program that prints the table uses the rest")]
mod table;

use table::Case;

/// A log and the line of its first violation.
type Stated = (&'static str, Option<u64>);

/// A specification with its map, ready to judge logs.
struct Judge {
    loaded: Loaded,
    map: Map,
}

impl Judge {
    /// What `polylogue conform specs/NAME.mpst LOG` judges by: the specification, and the map beside it if there is one.
    fn of(name: &str) -> Self {
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
        let text = fs::read_to_string(specs.join(format!("{name}.mpst"))).unwrap();
        let loaded = Loaded::new(name, text, &mut NoImports);
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let map = specs.join(format!("{name}.toml"));
        let map = if map.is_file() { fs::read_to_string(map).unwrap() } else { String::new() };
        Self { loaded, map: Map::parse(&map).unwrap() }
    }

    fn machines(&self) -> Machines<'_> {
        let spec = &self.loaded.spec;
        let named = self.map.protocol().map(|placed| &*placed.text);
        let machines = Machines::of(spec, target(spec, named).unwrap()).unwrap();
        assert_eq!(self.map.check(machines.header(), &spec.names), []);
        machines
    }

    /// The line of the first violation.
    fn first_violation(&self, machines: &Machines<'_>, log: &Path) -> Option<u64> {
        let text = fs::read_to_string(log).unwrap();
        let report = conform(machines.subject(), &self.map, text.as_bytes());
        assert_eq!(report.bad, [], "{}", log.display());
        assert!(report.totals.events > 0, "{}: nothing was judged", log.display());
        // What the harness did is no event of the protocol, unless the specification has it.
        let harness = text.lines().filter(|line| line.contains("\"label\":\"@")).count() as u64;
        assert!(report.totals.dropped <= harness, "{}: something was not judged", log.display());
        assert_eq!(report.totals.unknown, 0, "{}", log.display());
        let offends = report.sessions.iter().filter(|session| session.verdict == Judgement::Violates);
        offends.filter_map(|session| session.at).min()
    }
}

#[test]
fn the_recordings_that_are_kept_here() {
    let expected: [(&str, &[Stated]); 17] = [
        (
            "arcp",
            &[
                ("arcp-01-hello-bye", None),
                ("arcp-35-pre-handshake", Some(1)), // handshake-first, by the implementation itself
                ("accepted-answers-submit--accepted_unasked--arcp-48-vendor-kinds", Some(9)), // accepted-answers-submit
                ("heartbeat-lost-due--heartbeat_ignored--arcp-17-heartbeat-lost", Some(8)), // heartbeat-lost-due
                ("unique-envelope-id--dup_outbound_id--arcp-48-vendor-kinds", Some(5)), // unique-envelope-id
            ],
        ),
        (
            "http",
            &[
                ("http-039-nodeclient-uvicorn", None),
                ("http-001-get-nginx-m2-payload-edit", Some(2)), // HTTP-3
                ("http-037-http10-uvicorn-m2-insert-after-end", Some(3)), // HTTP-5
                ("http-037-http10-uvicorn-m3-relabel", Some(2)), // HTTP-6
            ],
        ),
        (
            "httpgw",
            &[
                ("httpgw-015-curl", None),
                ("httpgw-013-empty-m1-payload-edit", Some(3)), // HTTP-4
                ("httpgw-013-empty-m3-drop", Some(2)),         // HGW-3
                ("httpgw-013-empty-m6-duplicate", Some(4)),    // HTTP-2
            ],
        ),
        (
            "imap",
            &[
                ("imap-023-curl-list", None),
                ("imap-013-nosel-m1-relabel", Some(7)),      // IMAP-5
                ("imap-013-nosel-m5-payload-edit", Some(6)), // IMAP-2
                ("imap-013-nosel-m6-redirect", Some(4)),     // IMAP-0
            ],
        ),
        (
            "kerberos",
            &[
                ("kerberos-023-mix", None),
                ("kerberos-001-kinit-m4-drop", Some(2)),     // KRB-2
                ("kerberos-003-badpw-m1-redirect", Some(3)), // KRB-1
                ("kerberos-003-badpw-m2-relabel", Some(2)),  // KRB-3
            ],
        ),
        (
            "mppx",
            &[
                ("mppx-37-expired-challenge", Some(2)), // challenge-not-expired, by the implementation itself
                ("mppx-38-open-replay", None),
                ("close-conserves-deposit--close_loses_money--mppx-64-ws-cap", Some(27)), // close-conserves-deposit
                ("close-ge-spent--close_below_spent--mppx-64-ws-cap", Some(22)),          // close-ge-spent
                ("spent-le-accepted--overspent--mppx-38-open-replay", Some(9)),           // spent-le-accepted
            ],
        ),
        (
            "mqtt",
            &[
                ("mqtt-011-takeover-mosquitto", None),
                ("mqtt-011-takeover-mosquitto-m4-swap", Some(9)), // MQTT-9
                ("mqtt-011-takeover-mosquitto-m5-payload-edit", Some(3)), // MQTT-3
                ("mqtt-011-takeover-mosquitto-m6-drop", Some(2)), // MQTT-2
            ],
        ),
        (
            "payjoin",
            &[
                ("payjoin-1a-receiver-cancel-Initialized", None),
                ("append-index--index_gap--payjoin-63-storage-error-stored", Some(22)), // append-index
                ("event-order--cancel_before_fallback--payjoin-65-storage-error-stored", Some(18)), // event-order
                ("load-complete--load_truncated--payjoin-1a-receiver-cancel-Initialized", Some(11)), // load-complete
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
            "postgres",
            &[
                ("postgres-027-cancel-libpq", None),
                ("postgres-009-error-auto-libpq-m1-relabel", Some(3)), // PG-7
                ("postgres-009-error-auto-libpq-m5-duplicate", Some(3)), // PG-2
                ("postgres-009-error-auto-libpq-m6-payload-edit", Some(2)), // PG-5
            ],
        ),
        (
            "prepaid",
            &[
                ("prepaid-07-expiry-unpaid", None),
                ("prepaid-14-topup-on-expired", Some(23)), // no-credit-after-expired, by the implementation itself
                ("activate-only-paid--activate_unpaid--prepaid-19-empty-request", Some(11)), // activate-only-paid
                ("invoice-amount--invoice_amount_differs--prepaid-17-bad-nostr", Some(5)), // invoice-amount
                ("state-machine--revive_expired--prepaid-07-expiry-unpaid", Some(9)), // state-machine
            ],
        ),
        (
            "raft",
            &[
                ("raft-007-confchange-v1-add-single", None),
                ("raft-007-confchange-v1-add-single-m1-redirect", Some(4)), // RAFT-3
                ("raft-007-confchange-v1-add-single-m4-payload-edit", Some(6)), // RAFT-6
                ("raft-007-confchange-v1-add-single-m5-drop", Some(2)),     // RAFT-1
            ],
        ),
        (
            "redis",
            &[
                ("redis-029-lua-redis", None),
                ("redis-037-basic-fake", Some(7)), // RED-6, by the implementation itself
                ("redis-057-blpop-timeout-fake-m1-relabel", Some(5)), // RED-6
                ("redis-057-blpop-timeout-fake-m3-insert-after-end", Some(8)), // RED-8
                ("redis-057-blpop-timeout-fake-m5-drop", Some(4)), // RED-1
            ],
        ),
        (
            "sip",
            &[
                ("sip-001-one", None),
                ("sip-013-notfound-m1-relabel", Some(2)),          // SIP-7
                ("sip-013-notfound-m6-insert-after-end", Some(3)), // SIP-5
                ("sip-015-options-m1-redirect", Some(2)),          // SIP-1
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
            "websocket",
            &[
                ("websocket-011-kill-ws-m2-redirect", Some(2)),                  // WS-2
                ("websocket-071-plain-websockets-m1-insert-after-end", Some(3)), // HTTP-5
                ("websocket-071-plain-websockets-m5-relabel", Some(2)),          // HTTP-3
                ("websocket-021-jsclient-ws", None),
                ("websocket-089-illegal-cont-uvicorn", Some(2)), // WS-3, by the implementation itself
            ],
        ),
    ];
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    assert_eq!(fs::read_dir(&kept).unwrap().count(), expected.len());
    let mut wrong = Vec::new();
    for (protocol, files) in expected {
        let judge = Judge::of(protocol);
        let machines = judge.machines();
        for &(file, at) in files {
            let found = judge.first_violation(&machines, &kept.join(protocol).join(format!("{file}.jsonl")));
            if found != at {
                wrong.push(format!("{protocol}/{file}: {found:?}, not {at:?}"));
            }
        }
        assert!(files.iter().any(|(_, at)| at.is_none()) && files.iter().any(|(_, at)| at.is_some()), "{protocol}");
        assert_eq!(fs::read_dir(kept.join(protocol)).unwrap().count(), files.len(), "{protocol}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Judges a folder by a specification: so many recordings conform, and so many logs are refused at the line that the
/// manifest names. Any
/// others are listed with what is found instead.
fn folder(protocol: &str, folder: &str, conformant: usize, refused: usize, differing: &[Stated]) {
    let Some(folder) = shared::path(&format!("traces/{folder}")) else { return };
    let judge = Judge::of(protocol);
    let machines = judge.machines();
    let (mut accepted, mut exact) = (0, 0);
    let mut wrong = Vec::new();
    for case in table::cases(&folder).unwrap() {
        let found = judge.first_violation(&machines, &case.path);
        let name = case.path.file_stem().and_then(|name| name.to_str()).unwrap();
        match differing.iter().find(|(differs, _)| *differs == name) {
            Some((name, stated)) => assert_eq!((name, found), (name, *stated)),
            None if found != case.line => wrong.push(describe(&case, found)),
            None if found.is_none() => accepted += 1,
            None => exact += 1,
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!((accepted, exact), (conformant, refused), "{protocol}: accepted, and refused at the stated line");
}

fn describe(case: &Case, found: Option<u64>) -> String {
    let Case { path, line, rule } = case;
    format!("{}: {found:?}, not {line:?} ({})", path.display(), rule.as_deref().unwrap_or("conformant"))
}

/// One test for each folder.
macro_rules! folders {
    ($($name:ident: $protocol:literal, $folder:literal, $conformant:literal and $refused:literal, $differing:expr;)+) => {$(
        #[test]
        fn $name() {
            folder($protocol, $folder, $conformant, $refused, &$differing);
        }
    )+};
}

folders! {
    arcp: "arcp", "arcp", 27 and 123, [];
    arcp_early: "arcp", "arcp-early", 21 and 19, [];
    http: "http", "http", 43 and 102, [];
    httpgw: "httpgw", "httpgw", 10 and 60, [];
    imap: "imap", "imap", 16 and 92, [];
    kerberos: "kerberos", "kerberos", 15 and 84, [];
    mppx: "mppx", "mppx", 18 and 79, [];
    mqtt: "mqtt", "mqtt", 28 and 108, [];
    payjoin: "payjoin", "payjoin", 25 and 59, [];
    pop3: "pop3", "pop3", 13 and 78, [];
    postgres: "postgres", "postgres", 29 and 116, [];
    prepaid: "prepaid", "prepaid", 14 and 45, [];
    raft: "raft", "raft", 12 and 66, [];
    redis: "redis", "redis", 30 and 137, [];
    sip: "sip", "sip", 12 and 64, [];
    smtp: "smtp", "smtp", 49 and 93, [];
    tls: "tls", "tls", 45 and 120, [];
    websocket: "websocket", "websocket", 52 and 109, [];
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
