//! A store shared between threads: ids say their shard, authorities of one shard mean nothing to another, and what
//! happens to one session happens in some order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::{
    collections::HashSet,
    sync::{
        Barrier, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use polylogue::{
    generate::Rng,
    guard::{Shared, shared::Supervisor},
    session::{Capability, Code, Compat, Config, Key, OpenPlan, Owner, PlanOptions, QueuePolicy, Scope, Send, Status},
};

const TEXT: &str = "protocol Ping(role A, role B) {
  rec X { choice at A { A -> B: a(); continue X; } or { A -> B: b(); B -> A: c(); continue X; } }
}";

fn plan() -> OpenPlan {
    let options = PlanOptions { queue: QueuePolicy::Grow(2), ..PlanOptions::default() };
    polylogue::parse(TEXT).unwrap().plan_with("Ping", &Compat::Unchecked, options).unwrap()
}

fn shared(shards: u32) -> (Shared, Supervisor) {
    Shared::new(shards, |_| Config::default())
}

#[test]
fn ids_say_their_shard() {
    let plan = plan();
    for shards in [1, 2, 8, 64, 5] {
        let (store, supervisor) = shared(shards);
        assert_eq!(store.shards(), shards.next_power_of_two() as usize);
        let mut ids = HashSet::new();
        let mut used = HashSet::new();
        let mut openers = Vec::new();
        for _ in 0..300 {
            let (id, opener) = store.open(&plan, 0).unwrap();
            assert!(ids.insert(id));
            used.insert(store.shard_of(id));
            assert_eq!(store.status(id), Some(Status::Active));
            openers.push((id, opener));
        }
        assert_eq!(used.len(), store.shards());
        assert_eq!(store.sessions(), 300);
        for (id, opener) in &openers {
            // No other shard knows the session.
            let known = store.each(|one| one.status(*id).is_some());
            assert_eq!(known.iter().filter(|known| **known).count(), 1);
            let cap = store.claim(opener, Owner(1), &Scope::Session).unwrap();
            let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
            let codes = store.each(|one| one.receive(&cap, b, a, 0).unwrap_err().code());
            assert_eq!(codes.iter().filter(|code| **code != Code::Foreign).count(), 1);
        }
        assert_eq!(store.tick(&supervisor, 5).unwrap().len(), 0);
        assert_eq!(store.reap(&supervisor, 10).unwrap(), 0);
    }
}

#[test]
fn keys_are_found_in_one_shard() {
    let (plan, (store, _supervisor)) = (plan(), shared(8));
    for key in 0..100_u64 {
        let (id, _opener) = store.open_keyed(&plan, key, 0).unwrap();
        assert_eq!(store.resolve(&Key::from(key)), Some(id));
        assert_eq!(store.open_keyed(&plan, key, 0).unwrap_err().code(), Code::KeyInUse);
    }
    assert_eq!(store.resolve(&Key::from(100)), None);
}

/// What one session is, written down as simply as can be.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Model {
    /// A waits for `c`; B owes it.
    waits: bool,
    owes: bool,
    there: Vec<char>,
    back: Vec<char>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    SendA,
    SendB,
    Receive,
    SendC,
    ReceiveC,
    Look,
}

/// Answers: a label, a refusal, or how many messages are on the way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Label(char),
    Refused(Code),
    Count(usize),
}

impl Model {
    fn ask(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::SendA | Ask::SendB if self.waits => Answer::Refused(Code::NotEnabled),
            Ask::SendA | Ask::SendB if self.there.len() >= 2 => Answer::Refused(Code::Full),
            Ask::SendA | Ask::SendB => {
                let label = if ask == Ask::SendA { 'a' } else { 'b' };
                self.waits = ask == Ask::SendB;
                self.there.push(label);
                Answer::Label(label)
            }
            Ask::Receive if self.there.is_empty() => Answer::Refused(Code::Empty),
            Ask::Receive if self.owes => Answer::Refused(Code::Unexpected),
            Ask::Receive => {
                let label = self.there.remove(0);
                self.owes = label == 'b';
                Answer::Label(label)
            }
            Ask::SendC if !self.owes => Answer::Refused(Code::NotEnabled),
            Ask::SendC => {
                self.owes = false;
                self.back.push('c');
                Answer::Label('c')
            }
            Ask::ReceiveC if self.back.is_empty() => Answer::Refused(Code::Empty),
            Ask::ReceiveC => {
                self.waits = false;
                self.back.remove(0);
                Answer::Label('c')
            }
            Ask::Look => Answer::Count(self.there.len()),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Call {
    ask: Ask,
    answer: Answer,
    begun: u64,
    ended: u64,
}

/// Whether calls can be put into an order that keeps what came before what, and in which the model gives these answers
/// (Wing and Gong; states that were tried are not tried again).
fn is_linearizable(calls: &[Call]) -> bool {
    assert!(calls.len() <= 64);
    let all = if calls.len() == 64 { u64::MAX } else { (1_u64 << calls.len()) - 1 };
    let mut tried: HashSet<(u64, Model)> = HashSet::new();
    let mut todo = vec![(0_u64, Model::default())];
    while let Some((done, model)) = todo.pop() {
        if done == all {
            return true;
        }
        if !tried.insert((done, model.clone())) {
            continue;
        }
        let left = || calls.iter().enumerate().filter(|(at, _)| done & (1 << at) == 0);
        // Next may be whatever had begun before any other had ended.
        let first_end = left().map(|(_, call)| call.ended).min().unwrap();
        for (at, call) in left().filter(|(_, call)| call.begun <= first_end) {
            let mut after = model.clone();
            if after.ask(call.ask) == call.answer {
                todo.push((done | (1 << at), after));
            }
        }
    }
    false
}

fn call(store: &Shared, plan: &OpenPlan, cap: &Capability, ask: Ask) -> Answer {
    let (a, b) = (plan.role("A").unwrap(), plan.role("B").unwrap());
    let send = |from, to, label| Send {
        from,
        to,
        label: plan.label(label).unwrap(),
        payload: Default::default(),
        witnesses: &[],
        at: 0,
    };
    let done = match ask {
        Ask::SendA => store.send(cap, send(a, b, "a")),
        Ask::SendB => store.send(cap, send(a, b, "b")),
        Ask::SendC => store.send(cap, send(b, a, "c")),
        Ask::Receive => store.receive(cap, b, a, 0),
        Ask::ReceiveC => store.receive(cap, a, b, 0),
        Ask::Look => {
            let id = cap.session();
            return Answer::Count(store.with(id, |store| store.queue(id, a, b).len()));
        }
    };
    match done {
        Ok(done) => Answer::Label(plan.label_text(done.label).chars().next().unwrap()),
        Err(refused) => Answer::Refused(refused.code()),
    }
}

#[test]
fn histories_are_linearizable() {
    const THREADS: u64 = 3;
    const CALLS: usize = 7;
    const SESSIONS: usize = 2;
    let plan = plan();
    let clock = AtomicU64::new(0);
    let mut overlaps = 0_usize;
    for round in 0..150_u64 {
        let (store, _supervisor) = shared(4);
        let caps: Vec<Capability> = (0..SESSIONS)
            .map(|_| store.claim(&store.open(&plan, 0).unwrap().1, Owner(1), &Scope::Session).unwrap())
            .collect();
        let history: Mutex<Vec<(usize, Call)>> = Mutex::default();
        let start = Barrier::new(THREADS as usize);
        std::thread::scope(|threads| {
            for thread in 0..THREADS {
                let (store, plan, caps, clock, history, start) = (&store, &plan, &caps, &clock, &history, &start);
                threads.spawn(move || {
                    let mut rng = Rng::new(round * THREADS + thread);
                    let mut own = Vec::new();
                    start.wait();
                    for _ in 0..CALLS {
                        let asks =
                            [Ask::SendA, Ask::SendB, Ask::Receive, Ask::Receive, Ask::SendC, Ask::ReceiveC, Ask::Look];
                        let (session, ask) = (rng.below(SESSIONS), *rng.pick(&asks).unwrap());
                        let begun = clock.fetch_add(1, Ordering::SeqCst);
                        let answer = call(store, plan, &caps[session], ask);
                        let ended = clock.fetch_add(1, Ordering::SeqCst);
                        own.push((session, Call { ask, answer, begun, ended }));
                        if rng.chance(30) {
                            std::thread::yield_now();
                        }
                    }
                    history.lock().unwrap().extend(own);
                });
            }
        });
        let history = history.into_inner().unwrap();
        for session in 0..SESSIONS {
            let calls: Vec<Call> = history.iter().filter(|(at, _)| *at == session).map(|(_, call)| *call).collect();
            overlaps += calls
                .iter()
                .flat_map(|one| calls.iter().map(move |other| (one, other)))
                .filter(|(one, other)| one.begun < other.begun && other.begun < one.ended)
                .count();
            assert!(is_linearizable(&calls), "round {round}: {calls:#?}");
        }
    }
    println!("{overlaps} overlapping pairs of calls");
    assert!(overlaps > 0, "the threads never met");
}

/// The judge must object to what is no order.
#[test]
fn the_checker_objects() {
    let call = |ask, answer, begun| Call { ask, answer, begun, ended: begun + 1 };
    let sent = call(Ask::SendA, Answer::Label('a'), 0);
    assert!(is_linearizable(&[sent, call(Ask::Receive, Answer::Label('a'), 2)]));
    assert!(!is_linearizable(&[call(Ask::Receive, Answer::Label('a'), 0), call(Ask::SendA, Answer::Label('a'), 2)]));
    assert!(!is_linearizable(&[sent, call(Ask::Look, Answer::Count(0), 2)]));
    let twice = Call { ended: 9, ..call(Ask::Receive, Answer::Label('a'), 2) };
    assert!(!is_linearizable(&[sent, twice, Call { begun: 3, ..twice }]));
    // Side by side either order will do.
    let early = Call { ask: Ask::Receive, answer: Answer::Label('a'), begun: 0, ended: 9 };
    assert!(is_linearizable(&[early, call(Ask::SendA, Answer::Label('a'), 2)]));
}

#[test]
fn tokens_find_their_shard() {
    use polylogue::session::Secrets;
    let plan = plan();
    let (store, _supervisor) = Shared::new(8, |_| Config { secrets: Secrets::new(1, &[7; 32]), ..Config::default() });
    for _ in 0..20 {
        let (id, opener) = store.open(&plan, 0).unwrap();
        let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
        let token = store.with(id, |store| store.export(cap, 100, "move")).unwrap();
        let cap = store.import(&token, "move", 1).unwrap();
        assert_eq!(cap.session(), id);
        assert!(store.import(&token, "move", 1).is_err());
        store.release(cap).unwrap();
    }
    assert!(store.import(b"nonsense", "move", 1).is_err());
}

#[test]
fn a_panic_wedges_nobody() {
    let (plan, (store, _supervisor)) = (plan(), shared(1));
    let (id, opener) = store.open(&plan, 0).unwrap();
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.with(id, |_| panic!("a host's"))));
    assert!(panicked.is_err());
    assert_eq!(call(&store, &plan, &cap, Ask::SendA), Answer::Label('a'));
}
