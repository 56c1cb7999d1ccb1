//! How many events per second does `conform` judge?
//!
//! 100,000 interleaved sessions of three roles, lines of 141 bytes, names of 8 to 24 bytes. Three ways through the same
//! log: keys in the recorders' order, keys in another order, and the first log read the general way. Beside them, what
//! serde_json needs for the lines alone, with borrowed texts and without any checking. Before anything is measured,
//! all ways must give the same verdicts.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "bench"
)]

use std::{fmt::Write, hint::black_box, time::Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use polylogue::{
    id::{Id, IdVec, RoleId, StateId},
    machine::System,
    protocol::{Act, Arm, EdgeKind, Header, Local, Names, Role, State},
    trace::{Checker, Finding, Judgement, Map, Subject, Totals},
};

const SESSIONS: usize = 100_000;
const ROUNDS: usize = 2;
const LINE: usize = 141;

/// `(from, to, label)` of a round that each session repeats: three roles, nine messages.
const ROUND: [(usize, usize, &str); 9] = [
    (0, 2, "RequestTitle"),
    (2, 0, "QuoteFirst"),
    (2, 1, "QuoteSecond"),
    (0, 1, "ShareOfPrice"),
    (1, 2, "ConfirmOrder"),
    (1, 0, "ConfirmShare"),
    (2, 1, "DeliveryDate"),
    (1, 0, "DeliveryNotice"),
    (0, 2, "NextTitlePlease"),
];
const ROLES: [&str; 3] = ["buyer-one", "buyer-two", "bookseller"];

fn subject() -> (System, Names, Header) {
    let mut names = Names::new();
    let mut locals = IdVec::new();
    for own in 0..3 {
        let role = RoleId::new(own).unwrap();
        let steps: Vec<_> = ROUND.iter().filter(|&&(from, to, _)| from == own || to == own).collect();
        let mut states = vec![State::default()];
        for (at, &&(from, to, label)) in steps.iter().enumerate() {
            let act = if from == own {
                Act::Send(RoleId::new(to).unwrap())
            } else {
                Act::Receive(RoleId::new(from).unwrap())
            };
            let then = StateId::new((at + 1) % steps.len() + 1).unwrap();
            let label = names.label(label).unwrap();
            let arm = Arm { act, label, sort: Names::unspecified(), then, span: Default::default() };
            states.push(State { arms: vec![arm], may_stop: at == 0, span: Default::default() });
        }
        let local = Local { role, initial: StateId::new(1).unwrap(), states: states.into() };
        locals.push(local).unwrap();
    }
    let system = System::of(&locals, |_, _| EdgeKind::Fifo).unwrap();
    let roles =
        ROLES.iter().map(|&name| Role { name: name.into(), span: Default::default(), unreliable: false }).collect();
    (system, names, Header { name: "Books".into(), roles, ..Header::default() })
}

/// What a line says.
struct Line<'a> {
    session: &'a str,
    seq: usize,
    from: &'a str,
    to: &'a str,
    label: &'a str,
    price: u64,
    filler: &'a str,
}

/// All sessions in turn, each one step further in every turn.
fn log(write_line: impl Fn(&mut String, &Line<'_>)) -> String {
    let mut out = String::with_capacity(SESSIONS * ROUNDS * ROUND.len() * (LINE + 1));
    let mut state = 7u64;
    let dots = "x".repeat(LINE);
    for seq in 0..ROUNDS * ROUND.len() {
        let (from, to, label) = ROUND[seq % ROUND.len()];
        // Another order of the sessions in every turn: the stride has no factor in common with their number.
        let stride = 61_803 + 10 * seq;
        for turn in 0..SESSIONS {
            let session = (turn * stride + seq) % SESSIONS;
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let name = format!("o-{session:0width$}", width = 6 + session % 12);
            let mut line = Line {
                session: &name,
                seq,
                from: ROLES[from],
                to: ROLES[to],
                label,
                price: 1_000 + (state >> 54),
                filler: "",
            };
            let start = out.len();
            write_line(&mut out, &line);
            let missing = LINE.saturating_sub(out.len() - start);
            out.truncate(start);
            line.filler = &dots[..missing];
            write_line(&mut out, &line);
            out.push('\n');
        }
    }
    out
}

fn canonical() -> String {
    log(|out, Line { session, seq, from, to, label, price, filler }| {
        write!(
            out,
            "{{\"session\":\"{session}\",\"seq\":{seq},\"ts\":1795229347639,\"from\":\"{from}\",\"to\":\"{to}\",\
             \"label\":\"{label}\",\"payload\":{{\"p\":{price},\"n\":\"{filler}\"}}}}"
        )
        .unwrap();
    })
}

fn any_order() -> String {
    log(|out, Line { session, seq, from, to, label, price, filler }| {
        write!(
            out,
            "{{\"ts\":1795229347639,\"label\":\"{label}\",\"payload\":{{\"p\":{price},\"n\":\"{filler}\"}},\
             \"to\":\"{to}\",\"from\":\"{from}\",\"session\":\"{session}\",\"seq\":{seq}}}"
        )
        .unwrap();
    })
}

fn judge(mut checker: Checker<'_>, log: &str) -> (Totals, u64) {
    let mut conforming = 0;
    let mut found = |finding| {
        if matches!(&finding, Finding::Session(session) if session.verdict == Judgement::Conforms) {
            conforming += 1;
        }
        black_box(&finding);
    };
    for chunk in log.as_bytes().chunks(1 << 16) {
        checker.feed(chunk, &mut found);
    }
    let totals = checker.finish(&mut found);
    (totals, conforming)
}

#[derive(serde::Deserialize)]
struct Borrowed<'a> {
    session: &'a str,
    #[serde(rename = "seq")]
    _seq: u64,
    #[serde(rename = "ts")]
    _ts: f64,
    from: &'a str,
    to: &'a str,
    label: &'a str,
    #[serde(borrow)]
    payload: &'a serde_json::value::RawValue,
}

fn serde(log: &str) -> usize {
    log.lines()
        .map(|line| {
            let line: Borrowed<'_> = serde_json::from_str(line).unwrap();
            line.session.len() + line.from.len() + line.to.len() + line.label.len() + line.payload.get().len()
        })
        .sum()
}

fn bench(c: &mut Criterion) {
    let (system, names, header) = subject();
    let subject = Subject::new(&system, &names, &header).unwrap();
    let map = Map::default();
    let (canonical, any_order) = (canonical(), any_order());
    let events = (SESSIONS * ROUNDS * ROUND.len()) as u64;
    let fast = judge(Checker::new(subject, &map), &canonical);
    assert_eq!(fast, judge(Checker::new(subject, &map).general(), &canonical));
    assert_eq!(fast, judge(Checker::new(subject, &map), &any_order));
    assert_eq!((fast.0.events, fast.0.conforms, fast.0.bad), (events, SESSIONS as u64, 0));
    println!("{events} events, {:.1} bytes a line", canonical.len() as f64 / events as f64 - 1.0);
    for (name, log, general) in
        [("recorders' order", &canonical, false), ("any order", &any_order, false), ("general way", &canonical, true)]
    {
        let start = Instant::now();
        let checker = Checker::new(subject, &map);
        black_box(judge(if general { checker.general() } else { checker }, log));
        println!("{name}: {:.1} million events/s", events as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    let start = Instant::now();
    black_box(serde(&canonical));
    println!("serde_json alone: {:.1} million lines/s", events as f64 / start.elapsed().as_secs_f64() / 1e6);

    let mut group = c.benchmark_group("conform");
    group.throughput(Throughput::Elements(events)).sample_size(10);
    group.bench_function(BenchmarkId::from_parameter("recorders' order"), |b| {
        b.iter(|| judge(Checker::new(subject, &map), &canonical));
    });
    group.bench_function(BenchmarkId::from_parameter("any order"), |b| {
        b.iter(|| judge(Checker::new(subject, &map), &any_order));
    });
    group.bench_function(BenchmarkId::from_parameter("general way"), |b| {
        b.iter(|| judge(Checker::new(subject, &map).general(), &canonical));
    });
    group.bench_function(BenchmarkId::from_parameter("serde_json alone"), |b| b.iter(|| serde(&canonical)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
