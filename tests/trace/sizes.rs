//! Logs that are long, sessions that are many, lines that do not end. `POLYLOGUE_LONG=1` makes them large.

use polylogue::{
    load::Loaded,
    protocol::NoImports,
    trace::{Checker, Finding, MAX_LINE, Machines, Map, target},
};

const SPEC: &str = "protocol P(role A, role B) { A -> B: a(); rec X { choice at A { A -> B: b(); B -> A: c(); continue X; } or \
                    { A -> B: d(); } } }";

fn with<T>(run: impl FnOnce(&mut Checker<'_>) -> T) -> T {
    let loaded = Loaded::new("spec", SPEC, &mut NoImports);
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
    let map = Map::default();
    run(&mut Checker::new(machines.subject(), &map))
}

fn line(session: usize, from: &str, to: &str, label: &str) -> String {
    format!(
        "{{\"session\":\"session-{session}\",\"seq\":0,\"ts\":1,\"from\":\"{from}\",\"to\":\"{to}\",\"label\":\"{label}\",\
         \"payload\":{{}}}}\n"
    )
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}

/// Sessions that end give their place back; a log of any length needs as much as its live sessions and the names of
/// all.
#[test]
fn long_logs_are_flat() {
    let long = std::env::var_os("POLYLOGUE_LONG").is_some();
    let rounds = if long { 200_000 } else { 2_000 };
    with(|checker| {
        let mut violations = 0;
        let mut found = |finding| {
            if let Finding::Session(session) = finding {
                violations += usize::from(session.at.is_some());
            }
        };
        // One session that goes on for ever.
        checker.feed(line(0, "A", "B", "a").as_bytes(), &mut found);
        let round = line(0, "A", "B", "b") + &line(0, "B", "A", "c");
        checker.feed(round.as_bytes(), &mut found);
        let before = resident();
        for _ in 0..rounds {
            checker.feed(round.as_bytes(), &mut found);
        }
        assert!(resident() < before + (4 << 20), "{} more bytes", resident() - before);
        // Sessions one after the other, some of them wrong.
        let sessions = rounds;
        for session in 1..=sessions {
            let mut log = line(session, "A", "B", "a");
            log += &if session % 10 == 0 { line(session, "B", "A", "c") } else { line(session, "A", "B", "d") };
            // Judged sessions are skipped, ended ones are over.
            if session % 100 == 1 {
                log += &line(session, "A", "B", "d");
            }
            checker.feed(log.as_bytes(), &mut found);
        }
        let grown = resident().saturating_sub(before);
        if long {
            assert!(grown < sessions * 160 + (8 << 20), "{grown} more bytes");
        }
        let totals = checker.finish(&mut found);
        let wrong = sessions / 10 + sessions / 100;
        assert_eq!((totals.violates, totals.incomplete), (wrong as u64, 1));
        assert_eq!(totals.conforms, (sessions - wrong) as u64);
        assert_eq!(violations, wrong);
    });
}

#[test]
fn endless_lines_are_given_up() {
    with(|checker| {
        let mut codes = Vec::new();
        let mut found = |finding| match finding {
            Finding::Line(bad) => codes.push((bad.at, bad.code.id())),
            Finding::Session(session) => codes.push((session.events, session.verdict.word())),
        };
        let piece = vec![b'x'; 1 << 20];
        let before = resident();
        for _ in 0..=(MAX_LINE >> 20) * 2 {
            checker.feed(&piece, &mut found);
        }
        assert!(resident() < before + MAX_LINE + (16 << 20));
        checker.feed(b"\n", &mut found);
        checker.feed(line(0, "A", "B", "a").as_bytes(), &mut found);
        checker.finish(&mut found);
        assert_eq!(codes, [(0, "PL0605"), (1, "incomplete")]);
    });
}

#[test]
fn names_without_end_are_not_kept() {
    with(|checker| {
        let mut violations = 0;
        let mut found = |finding| violations += usize::from(matches!(finding, Finding::Session(_)));
        let many = 70_000;
        for n in 0..many {
            checker.feed(line(n, "A", "B", &format!("label-{n}")).as_bytes(), &mut found);
        }
        assert_eq!(checker.finish(&mut found).violates, many as u64);
        assert_eq!(violations, many);
    });
}
