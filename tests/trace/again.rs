//! Steps that were taken before are looked up: what is found is what is found without.

use std::fmt::Write as _;

use polylogue::{
    load::Loaded,
    protocol::NoImports,
    trace::{Checker, Finding, Judgement, Machines, Map, Session, Totals, target},
};

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What is found, how much was seen, and how many steps were looked up.
fn found(spec: &str, log: &str, general: bool) -> (Vec<Session>, Totals, u64) {
    let loaded = Loaded::new("spec", spec, &mut NoImports);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let machines = Machines::of(&loaded.spec, target(&loaded.spec, None).unwrap()).unwrap();
    let map = Map::default();
    let checker = Checker::new(machines.subject(), &map);
    let mut checker = if general { checker.general() } else { checker };
    let mut sessions = Vec::new();
    let mut put = |finding| match finding {
        Finding::Session(session) => sessions.push(*session),
        Finding::Line(line) => panic!("{line:?}"),
    };
    checker.feed(log.as_bytes(), &mut put);
    let totals = checker.finish(&mut put);
    let repeated = checker.repeated();
    (sessions, totals, repeated)
}

/// The logs of sessions, mixed.
fn mixed(dice: &mut Dice, mut sessions: Vec<Vec<String>>) -> String {
    let mut log = String::new();
    sessions.iter_mut().for_each(|session| session.reverse());
    while !sessions.is_empty() {
        let at = dice.below(sessions.len().min(8) as u64) as usize;
        match sessions[at].pop() {
            Some(line) => writeln!(log, "{line}").unwrap(),
            None => drop(sessions.remove(at)),
        }
    }
    log
}

/// Both ways, and that enough of both good and bad was seen.
fn same(name: &str, spec: &str, log: &str) -> u64 {
    let (sessions, totals, repeated) = found(spec, log, false);
    let (slowly, slow_totals, none) = found(spec, log, true);
    assert_eq!(none, 0, "nothing is looked up where everything is general");
    assert_eq!(sessions, slowly, "{name}");
    assert_eq!(totals, slow_totals, "{name}");
    let of = |verdict| sessions.iter().filter(|session| session.verdict == verdict).count();
    let (good, bad) = (of(Judgement::Conforms), of(Judgement::Violates));
    println!("{name}: {} events, {repeated} looked up, {good} sessions conform, {bad} do not", totals.events);
    assert!(good >= 40 && bad >= 40, "{name}: {good} {bad}");
    repeated
}

fn line(session: usize, from: &str, to: &str, label: &str, payload: &str) -> String {
    format!(
        r#"{{"session":"s{session}","ts":{session},"from":"{from}","to":"{to}","label":"{label}","payload":{payload}}}"#
    )
}

/// Something goes wrong in a session, perhaps: a line twice, a line less, two lines in the other order.
fn spoil(dice: &mut Dice, lines: &mut Vec<String>) {
    if dice.one_in(2) || lines.len() < 3 {
        return;
    }
    let at = dice.below(lines.len() as u64 - 1) as usize;
    match dice.below(3) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        _ => lines.swap(at, at + 1),
    }
}

#[test]
fn mail() {
    let spec = include_str!("../../specs/smtp.mpst");
    let mut dice = Dice(0x5EED_1234_5678);
    let sessions = (0..300).map(|number| {
        let mut lines = Vec::new();
        let client = |label: &str, payload: &str| line(number, "client", "server", label, payload);
        let server = |label: &str, code: u64, more: &str| {
            line(number, "server", "client", label, &format!(r#"{{"code":{code},"class":{}{more}}}"#, code / 100))
        };
        lines.push(server("R220", 220, ""));
        lines.push(client("EHLO", r#"{"domain":"x"}"#));
        let pipelining = dice.one_in(3);
        lines.push(server("R250", 250, if pipelining { r#","extensions":["PIPELINING"]"# } else { "" }));
        for _ in 0..dice.below(5) {
            let to = dice.pick(&["a@b", "c@d", "e@f"]);
            let good = !dice.one_in(4);
            let answer =
                || if good { server("R250", 250, r#","lines":1"#) } else { server("R5xx", 550, r#","reply":"R550""#) };
            let (mail, rcpt) = (client("MAIL", "{}"), client("RCPT", &format!(r#"{{"path":"{to}"}}"#)));
            match pipelining {
                true => lines.extend([mail, rcpt, server("R250", 250, ""), answer()]),
                false => lines.extend([mail, server("R250", 250, ""), rcpt, answer()]),
            }
            if good {
                lines.extend([client("DATA", "{}"), server("R354", 354, ""), client("CONTENT", "{}")]);
                lines.push(server("R250", 250, ""));
            } else {
                lines.extend([client("RSET", "{}"), server("R250", 250, "")]);
            }
        }
        lines.extend([client("QUIT", "{}"), server("R221", 221, "")]);
        spoil(&mut dice, &mut lines);
        lines
    });
    let sessions = sessions.collect();
    let log = mixed(&mut Dice(99), sessions);
    let repeated = same("mail", spec, &log);
    assert!(repeated > 2_000, "{repeated}");
}

const COUNTS: &str = r#"
protocol Counts(role a, role b, role c) {
  var sum: int = 0;
  var last: json = 0;
  var words<>: list<string> = [];
  rec Loop {
    choice at a {
      a -> b: add(x: int) where sum + x < 3 set sum = sum + x;
      par { a -> c: told(); } and { b -> a: done(total: int, was: json); }
      continue Loop;
    } or {
      a -> b: keep(word: string, of: json) where size(words) < 1 set words = words + [word] set last = of;
      continue Loop;
    } or {
      a -> b: clear() set sum = 0 set words = [];
      continue Loop;
    } or {
      a -> b: stop(n: int);
    }
  }
}
"#;

#[test]
fn counts() {
    let mut dice = Dice(0xABCD_EF01);
    let mut sessions = Vec::new();
    for number in 0..300 {
        let (mut lines, mut sum, mut words) = (Vec::new(), 0, 0);
        for _ in 0..dice.below(30) {
            match dice.below(4) {
                0 | 1 => {
                    let x = dice.below(2);
                    if sum + x >= 3 && !dice.one_in(40) {
                        continue;
                    }
                    sum += x;
                    lines.push(line(number, "a", "b", "add", &format!(r#"{{"x":{x}}}"#)));
                    let told = line(number, "a", "c", "told", "{}");
                    let last = dice.pick(&["1", "1.0", "[]", r#"{"k":2}"#, r#""t""#]);
                    let done = line(number, "b", "a", "done", &format!(r#"{{"total":{sum},"was":{last}}}"#));
                    lines.extend(if dice.one_in(2) { [told, done] } else { [done, told] });
                }
                2 => {
                    if words == 1 && !dice.one_in(40) {
                        continue;
                    }
                    words += 1;
                    // What is equal to others of another kind keeps a session apart.
                    let of = if dice.one_in(60) { r#"{"k":2}"# } else { dice.pick(&["1", "1.0"]) };
                    lines.push(line(number, "a", "b", "keep", &format!(r#"{{"word":"x","of":{of}}}"#)));
                }
                _ => {
                    (sum, words) = (0, 0);
                    lines.push(line(number, "a", "b", "clear", "{}"));
                }
            }
        }
        lines.push(line(number, "a", "b", "stop", r#"{"n":1}"#));
        spoil(&mut dice, &mut lines);
        sessions.push(lines);
    }
    let log = mixed(&mut Dice(7), sessions);
    let repeated = same("counts", COUNTS, &log);
    assert!(repeated > 500, "{repeated}");
}

/// Where nothing comes again, nothing is kept for long, and what is found is the same.
#[test]
fn nothing_comes_again() {
    let spec = r#"
protocol Grows(role a, role b) {
  var sum: int = 0;
  rec Loop {
    choice at a {
      a -> b: add(x: int) where x >= 0 set sum = sum + x;
      continue Loop;
    } or {
      a -> b: stop(n: int);
    }
  }
}
"#;
    let mut sessions = Vec::new();
    for number in 0..100 {
        let bad = if number % 2 == 0 { "-1" } else { "1" };
        let mut lines: Vec<String> =
            (0..40).map(|x| line(number, "a", "b", "add", &format!(r#"{{"x":{}}}"#, x * (number + 7) + 1))).collect();
        lines.push(line(number, "a", "b", "add", &format!(r#"{{"x":{bad}}}"#)));
        lines.push(line(number, "a", "b", "stop", r#"{"n":1}"#));
        sessions.push(lines);
    }
    let log = mixed(&mut Dice(3), sessions);
    let repeated = same("grows", spec, &log);
    assert!(repeated < 600, "{repeated}");
}
