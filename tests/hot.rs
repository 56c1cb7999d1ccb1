//! The short way of a step against the long way: the same answers, the same sessions, the same records.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use polylogue::{
    id::{Id, LabelId, RoleId},
    session::{
        Compat, Config, Direction, OpenPlan, Owner, Payload, PlanOptions, QueuePolicy, Scope, Send, SessionId, Store,
    },
};

const SPECS: [&str; 4] = [
    "protocol P(role A, role B) { rec X { choice at A { A -> B: a(); continue X; } or { A -> B: b(); B -> A: c(); continue X; } or { A -> B: d(); } } }",
    "protocol P(role A, role B, role C) { rec X { A -> B: m(); A -> C: m(); B -> C: m(); C -> A: n(); continue X; } }",
    "protocol P(role A, role B) { channel A -> B: bounded(2); rec X { choice at A { A -> B: a(n: int); continue X; } or { A -> B: b(); rec Y { B -> A: c(); choice at B { B -> A: d(); continue Y; } or { B -> A: e(); continue X; } } } } }",
    "system P(role A, role B) { A = rec X. B!{a(). X, b(). B?c(). X}; B = rec Y. A?{a(). Y, b(). A!c(). Y}; }",
];

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn plans(text: &str, queue: QueuePolicy) -> [OpenPlan; 2] {
    let spec = polylogue::parse(text).unwrap();
    [false, true].map(|long| {
        let options = PlanOptions { queue, long, ..PlanOptions::default() };
        spec.plan_with("P", &Compat::Unchecked, options).unwrap()
    })
}

#[test]
fn both_ways_are_one() {
    let (mut taken, mut refused, mut receives) = (0, 0, 0);
    for (number, text) in SPECS.iter().enumerate() {
        for queue in [QueuePolicy::Block, QueuePolicy::Error, QueuePolicy::Grow(20)] {
            let plans = plans(text, queue);
            let mut rng = Rng(0x1234_5678_9abc_def1 + number as u64);
            let mut stores: Vec<_> = plans
                .iter()
                .map(|plan| {
                    let (mut store, supervisor) = Store::new(Config::default());
                    let sessions: Vec<_> = (0..4)
                        .map(|_| {
                            let (id, opener) = store.open(plan, 0).unwrap();
                            let a =
                                store.claim(&opener, Owner(1), &Scope::Fragment(vec![RoleId::from_raw(0)])).unwrap();
                            let rest = plan.roles().skip(1).collect();
                            let b = store.claim(&opener, Owner(2), &Scope::Fragment(rest)).unwrap();
                            (id, opener, [a, b])
                        })
                        .collect();
                    (store, supervisor, sessions)
                })
                .collect();
            let roles = plans[0].roles().len() as u64;
            for turn in 0..6_000_i64 {
                let at = rng.below(4) as usize;
                let mut from = RoleId::from_raw(rng.below(roles + u64::from(turn % 50 == 0)) as u32);
                let mut to = RoleId::from_raw(rng.below(roles + u64::from(turn % 40 == 0)) as u32);
                let mut label = LabelId::from_raw(rng.below(6) as u32);
                let mut sends = rng.below(2) == 0;
                // Mostly what may be, sometimes anything.
                let (store, _, sessions) = &stores[0];
                let may: Vec<_> = plans[0].roles().flat_map(|role| store.enabled(sessions[at].0, role)).collect();
                if !may.is_empty() && rng.below(5) != 0 {
                    let one = may[rng.below(may.len() as u64) as usize];
                    (from, to, label, sends) = (one.role, one.peer, one.label, one.direction == Direction::Send);
                }
                let holder = usize::from(from.raw() != 0) ^ usize::from(rng.below(30) == 0);
                let payload = Payload::Unseen(if rng.below(5) == 0 { rng.below(100) } else { 0 });
                let mut answers = stores.iter_mut().map(|(store, _, sessions)| {
                    let cap = &sessions[at].2[holder];
                    let answer = if sends {
                        store.send(cap, Send { from, to, label, payload, witnesses: &[], at: turn / 3 })
                    } else {
                        store.receive(cap, from, to, turn / 3)
                    };
                    let digests: Vec<Option<u64>> = sessions.iter().map(|(id, ..)| store.digest(*id)).collect();
                    let shown: Result<_, String> = answer.map_err(|refused| refused.to_string());
                    (shown, digests, store.audit().next_sequence())
                });
                let (short, long) = (answers.next().unwrap(), answers.next().unwrap());
                assert_eq!(short, long, "{text} at {turn}");
                match &short.0 {
                    Ok(done) => {
                        taken += 1;
                        receives += usize::from(!sends && done.payload != 0);
                    }
                    Err(_) => refused += 1,
                }
            }
            let records = |at: usize| -> Vec<_> { stores[at].0.audit().latest().collect() };
            assert_eq!(records(0), records(1));
            let shown: Vec<Vec<_>> = stores
                .iter()
                .map(|(store, _, sessions)| sessions.iter().map(|(id, ..)| store.summary(*id)).collect())
                .collect();
            assert_eq!(shown[0], shown[1]);
        }
    }
    println!("{taken} steps taken, {refused} refused, {receives} payload ids received");
    assert!(taken > 10_000 && refused > 10_000 && receives > 100, "{taken} {refused} {receives}");
}

#[test]
fn what_a_session_sent_and_received_is_counted_past_the_low_bits() {
    let [plan, _] = plans(SPECS[1], QueuePolicy::Block);
    let (mut store, _supervisor) = Store::new(Config::default());
    let (id, opener): (SessionId, _) = store.open(&plan, 0).unwrap();
    let cap = store.claim(&opener, Owner(1), &Scope::Session).unwrap();
    let role = |name| plan.role(name).unwrap();
    let turns = 20_000_u64;
    for _ in 0..turns {
        for (from, to, label) in [("A", "B", "m"), ("A", "C", "m"), ("B", "C", "m"), ("C", "A", "n")] {
            let (from, to, label) = (role(from), role(to), plan.label(label).unwrap());
            store.send(&cap, Send { from, to, label, payload: Payload::default(), witnesses: &[], at: 0 }).unwrap();
            store.receive(&cap, to, from, 0).unwrap();
        }
    }
    let summary = store.summary(id).unwrap();
    assert_eq!((summary.sent, summary.received, summary.queued), (4 * turns, 4 * turns, 0));
}

/// Plans, stores and capabilities may go from thread to thread; a plan may be used by many at once.
#[test]
fn stores_go_between_threads() {
    fn sent<T: std::marker::Send>() {}
    fn shared<T: Sync>() {}
    sent::<Store>();
    sent::<polylogue::session::Capability>();
    sent::<OpenPlan>();
    shared::<OpenPlan>();
}
