//! The published store: `telltale_machine::SessionStore`, by its public interface.
//!
//! A type is advanced as its machine advances it: the current type is looked up, the arm with the message's label is
//! taken, its continuation is unfolded and written back. The store's plan (`SessionOpenPlan`) cannot be named from
//! outside, so a session is opened by `SessionStore::open`, which makes the plan each time; the other public way,
//! `ProtocolMachine::load_choreography`, keeps the plan but starts coroutines and costs more.

use std::{collections::BTreeMap, ops::Range};

use telltale_machine::{
    OwnershipCapability, OwnershipError, OwnershipScope, SessionId, SessionStore, Value,
    buffer::{BackpressurePolicy, BufferConfig, BufferMode, EnqueueResult},
    instr::Endpoint,
    model::state::unfold_if_var,
};
use telltale_types::{Label, LocalTypeR, ValType};

use crate::{
    rows::{ADDRESS, BOUND, DAY, HISTORY, OWNER, PREDICATE, Row, Shape, TITLE, price},
    side::{Meter, Outcome, Side},
};

/// The published store.
#[derive(Debug)]
pub struct Telltale;

/// What sessions are opened from.
#[derive(Clone, Debug)]
struct Plan {
    roles: Vec<String>,
    types: BTreeMap<String, LocalTypeR>,
    queues: BufferConfig,
}

impl Plan {
    fn new<const ROLES: usize>(types: [(&str, LocalTypeR); ROLES]) -> Self {
        Self {
            roles: types.iter().map(|(role, _)| (*role).to_owned()).collect(),
            types: types.into_iter().map(|(role, local)| (role.to_owned(), local)).collect(),
            queues: BufferConfig { mode: BufferMode::Fifo, initial_capacity: BOUND, policy: BackpressurePolicy::Block },
        }
    }

    fn ping_pong() -> Self {
        Self::new([
            ("P", again(send("Q", "ping", Some(ValType::Nat), receive("Q", "pong", Some(ValType::Nat), var())))),
            ("Q", again(receive("P", "ping", Some(ValType::Nat), send("P", "pong", Some(ValType::Nat), var())))),
        ])
    }

    fn arms(arms: u64) -> Self {
        let all = || (0..arms).map(|arm| (Label::new(format!("a{arm}")), None, var())).collect();
        Self::new([
            ("P", again(LocalTypeR::send_choice("Q", all()))),
            ("Q", again(LocalTypeR::recv_choice("P", all()))),
        ])
    }

    fn once() -> Self {
        Self::new([
            ("P", send("Q", "ping", Some(ValType::Nat), LocalTypeR::End)),
            ("Q", receive("P", "ping", Some(ValType::Nat), LocalTypeR::End)),
        ])
    }

    fn two_buyer() -> Self {
        let (text, number, end) = (|| Some(ValType::String), || Some(ValType::Nat), || LocalTypeR::End);
        let arm = |label: &str, sort, then| (Label::new(label), sort, then);
        let alice = LocalTypeR::recv_choice("Bob", vec![arm("ok", None, end()), arm("quit", None, end())]);
        let alice = receive("Seller", "quote", number(), send("Bob", "share", number(), alice));
        let bob = LocalTypeR::send_choice(
            "Seller",
            vec![
                arm("ok", text(), send("Alice", "ok", None, receive("Seller", "date", text(), end()))),
                arm("quit", None, send("Alice", "quit", None, end())),
            ],
        );
        let bob = receive("Seller", "quote", number(), receive("Alice", "share", number(), bob));
        let seller = LocalTypeR::recv_choice(
            "Bob",
            vec![arm("ok", text(), send("Bob", "date", text(), end())), arm("quit", None, end())],
        );
        let seller = send("Alice", "quote", number(), send("Bob", "quote", number(), seller));
        Self::new([
            ("Alice", send("Seller", "title", text(), alice)),
            ("Bob", bob),
            ("Seller", receive("Alice", "title", text(), seller)),
        ])
    }

    fn open(&self, store: &mut SessionStore) -> Result<SessionId, String> {
        store.open(self.roles.clone(), &self.queues, &self.types).map_err(|error| error.to_string())
    }

    fn endpoints(&self, sid: SessionId) -> Vec<Endpoint> {
        self.roles.iter().map(|role| Endpoint { sid, role: role.clone() }).collect()
    }
}

fn send(to: &str, label: &str, sort: Option<ValType>, then: LocalTypeR) -> LocalTypeR {
    LocalTypeR::send_choice(to, vec![(Label::new(label), sort, then)])
}

fn receive(from: &str, label: &str, sort: Option<ValType>, then: LocalTypeR) -> LocalTypeR {
    LocalTypeR::recv_choice(from, vec![(Label::new(label), sort, then)])
}

fn again(body: LocalTypeR) -> LocalTypeR {
    LocalTypeR::mu("Again", body)
}

fn var() -> LocalTypeR {
    LocalTypeR::var("Again")
}

/// Advances an endpoint's type by a label and says which arm that was; `None` if it has no such arm.
fn advance(store: &mut SessionStore, endpoint: &Endpoint, label: &str) -> Option<usize> {
    let arms = match store.lookup_type(endpoint)? {
        LocalTypeR::Send { branches, .. } | LocalTypeR::Recv { branches, .. } => branches,
        LocalTypeR::End | LocalTypeR::Mu { .. } | LocalTypeR::Var(_) => return None,
    };
    let (arm, (_, _, then)) = arms.iter().enumerate().find(|(_, (named, _, _))| named.name == label)?;
    let next = unfold_if_var(then, store.original_type(endpoint)?);
    store.update_type(endpoint, next);
    Some(arm)
}

/// Sends a value and receives it: the types of both ends, and the queue between them.
fn message(
    store: &mut SessionStore,
    from: &Endpoint,
    to: &Endpoint,
    label: &str,
    value: Value,
) -> Result<Value, String> {
    let refused = || format!("`{label}` is refused");
    advance(store, from, label).ok_or_else(refused)?;
    let session = store.get_mut(from.sid).ok_or("no such session")?;
    let EnqueueResult::Ok = session.send(&from.role, &to.role, value)? else {
        return Err("the queue is full".to_owned());
    };
    let value = session.recv_verified(&from.role, &to.role)?.ok_or("the queue is empty")?;
    advance(store, to, label).ok_or_else(refused)?;
    Ok(value)
}

fn number(value: &Value) -> u64 {
    if let Value::Nat(number) = value { *number } else { 0 }
}

/// Sessions of [`Plan::once`] whose roles have all finished.
fn finished(sessions: u64) -> Result<(SessionStore, Vec<SessionId>), String> {
    let (plan, mut store) = (Plan::once(), SessionStore::new());
    let mut ids = Vec::new();
    for _ in 0..sessions {
        let sid = plan.open(&mut store)?;
        let [p, q] = plan.endpoints(sid).try_into().map_err(|_| "two roles")?;
        message(&mut store, &p, &q, "ping", Value::Nat(1))?;
        if store.lookup_type(&p) != Some(&LocalTypeR::End) || store.lookup_type(&q) != Some(&LocalTypeR::End) {
            return Err("a role has not finished".to_owned());
        }
        ids.push(sid);
    }
    Ok((store, ids))
}

/// `ping` and `pong` in turn at both ends: whose turn it is, and the label.
const TURNS: [(usize, &str); 4] = [(0, "ping"), (1, "ping"), (1, "pong"), (0, "pong")];

fn must_refuse(store: &mut SessionStore, endpoint: &Endpoint, label: &str) -> Result<(), String> {
    match advance(store, endpoint, label) {
        None => Ok(()),
        Some(_) => Err(format!("`{label}` was accepted out of turn")),
    }
}

/// Does operations in sessions of [`HISTORY`] each, all of one store and of [`Plan::ping_pong`]; their sum.
fn sessions_of(operations: u64, mut session: impl FnMut(&Plan, &mut SessionStore, Range<u64>) -> Outcome) -> Outcome {
    let (plan, mut store) = (Plan::ping_pong(), SessionStore::new());
    let (mut sum, mut first) = (0, 0);
    while first < operations {
        let last = operations.min(first + HISTORY);
        sum += session(&plan, &mut store, first..last)?;
        first = last;
    }
    Ok(sum)
}

impl Side for Telltale {
    fn name(&self) -> String {
        "telltale-machine 22.0.0".to_owned()
    }

    fn says(&self, row: Row) -> &'static str {
        match row {
            Row::PingPong | Row::Arms(_) | Row::RoundRobin(_) => {
                "looks up the endpoint's type tree by session and role name, finds the arm by label, copies the \
                 continuation, writes it back and builds the arms' index anew; no owner, queue or audit"
            }
            Row::Message => {
                "advances the sender's type, signs the value, queues it, adds a leaf to the edge's hash tree, takes the \
                 value out, verifies the signature, advances the receiver's type; no owner and no sort is checked"
            }
            Row::Authenticated => "as without: it always authenticates, by SipHash, not by a cryptographic hash",
            Row::Open => "makes the plan (the kept one is not public), copies role names, types, queues and indexes",
            Row::Close => "sets the status and drops the queues; no authority is asked for",
            Row::Reap => "finds the closed sessions, takes each out, archives a summary, drops its state",
            Row::ClaimRelease => "issues a capability with a new generation and takes it back; two records",
            Row::IssueConsume => {
                "issues a witness by predicate name and consumes it by comparison; two records, no predicate is \
                 evaluated and no step is taken"
            }
            Row::TwoBuyer => {
                "opens, claims, moves seven messages as above, closes and reaps; no step asks for the capability"
            }
        }
    }

    fn ping_pong(&self, advances: u64, meter: &mut Meter) -> Outcome {
        let (plan, mut store) = (Plan::ping_pong(), SessionStore::new());
        let sid = plan.open(&mut store)?;
        let endpoints = plan.endpoints(sid);
        let taken = meter.time(|| {
            let mut taken = 0;
            for (_, (role, label)) in (0..advances).zip(TURNS.iter().cycle()) {
                taken += u64::from(advance(&mut store, &endpoints[*role], label).is_some());
            }
            taken
        });
        must_refuse(&mut store, &endpoints[0], "pong")?;
        Ok(taken)
    }

    fn arms(&self, arms: u64, advances: u64, meter: &mut Meter) -> Outcome {
        let (plan, mut store) = (Plan::arms(arms), SessionStore::new());
        let sid = plan.open(&mut store)?;
        let [p, q] = plan.endpoints(sid).try_into().map_err(|_| "two roles")?;
        let labels: Vec<String> = (0..arms).map(|arm| format!("a{arm}")).collect();
        let found = meter.time(|| {
            let mut found = 0;
            for (_, label) in (0..advances / 2).zip(labels.iter().cycle()) {
                if advance(&mut store, &p, label).is_some() {
                    found += advance(&mut store, &q, label).map_or(0, |arm| arm as u64);
                }
            }
            found
        });
        must_refuse(&mut store, &p, "b0")?;
        Ok(found)
    }

    fn round_robin(&self, sessions: u64, advances: u64, meter: &mut Meter) -> Outcome {
        let (plan, mut store) = (Plan::ping_pong(), SessionStore::new());
        let mut endpoints = Vec::new();
        for _ in 0..sessions {
            let sid = plan.open(&mut store)?;
            endpoints.push(plan.endpoints(sid));
        }
        let taken = meter.time(|| {
            let (mut taken, mut left) = (0, advances);
            for (role, label) in TURNS.iter().cycle() {
                for session in &endpoints {
                    if left == 0 {
                        return taken;
                    }
                    left -= 1;
                    taken += u64::from(advance(&mut store, &session[*role], label).is_some());
                }
            }
            taken
        });
        must_refuse(&mut store, &endpoints[0][0], "pong")?;
        Ok(taken)
    }

    fn message(&self, messages: u64, meter: &mut Meter) -> Outcome {
        sessions_of(messages, |plan, store, values| {
            let sid = plan.open(store)?;
            let [p, q] = plan.endpoints(sid).try_into().map_err(|_| "two roles")?;
            let turn = |value: u64| if value.is_multiple_of(2) { (&p, &q, "ping") } else { (&q, &p, "pong") };
            let end = values.end;
            let sum = meter.time(|| {
                let mut sum = 0;
                for value in values {
                    let (from, to, label) = turn(value);
                    sum += number(&message(store, from, to, label, Value::Nat(value))?);
                }
                Ok::<u64, String>(sum)
            })?;
            let (_, out_of_turn, label) = turn(end);
            must_refuse(store, out_of_turn, if label == "ping" { "pong" } else { "ping" })?;
            Ok(sum)
        })
    }

    fn authenticated(&self, messages: u64, meter: &mut Meter) -> Outcome {
        self.message(messages, meter)
    }

    fn open(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (plan, mut store) = (Plan::ping_pong(), SessionStore::new());
        meter.time(|| (0..sessions).try_for_each(|_| plan.open(&mut store).map(|_| ())))?;
        let last = sessions as usize - 1;
        must_refuse(&mut store, &Endpoint { sid: last, role: "P".to_owned() }, "pong")?;
        Ok(store.active_count() as u64)
    }

    fn close(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (mut store, ids) = finished(sessions)?;
        meter.time(|| ids.iter().try_for_each(|sid| store.close(*sid)))?;
        Ok(store.closed_session_ids().len() as u64)
    }

    fn reap(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (mut store, ids) = finished(sessions)?;
        ids.iter().try_for_each(|sid| store.close(*sid))?;
        let reaped = meter.time(|| store.reap_closed());
        if store.live_count() != 0 || reaped.iter().any(|summary| summary.role_count != 2) {
            return Err("a session stayed behind, or its summary is wrong".to_owned());
        }
        Ok(store.archived_closed().len() as u64)
    }

    fn claim_release(&self, pairs: u64, meter: &mut Meter) -> Outcome {
        sessions_of(pairs, |plan, store, pairs| {
            let sid = plan.open(store)?;
            let asked = pairs.end - pairs.start;
            let mut last: Option<OwnershipCapability> = None;
            let given = meter.time(|| {
                let mut given = 0;
                for _ in pairs {
                    let capability = store.claim_ownership(sid, OWNER, OwnershipScope::Session)?;
                    store.release_ownership(&capability)?;
                    given += u64::from(last.as_ref().is_none_or(|last| last.generation < capability.generation));
                    last = Some(capability);
                }
                Ok::<u64, OwnershipError>(given)
            });
            let stale = last.ok_or("nothing was claimed")?;
            let records = store.authority_audit_log(sid).map_or(0, <[_]>::len) as u64;
            if records != 2 * asked || store.release_ownership(&stale).is_ok() {
                return Err("a stale capability was accepted, or a record is missing".to_owned());
            }
            given.map_err(|error| error.to_string())
        })
    }

    fn issue_consume(&self, pairs: u64, meter: &mut Meter) -> Outcome {
        sessions_of(pairs, |plan, store, pairs| {
            let sid = plan.open(store)?;
            let error = |error: OwnershipError| error.to_string();
            let capability = store.claim_ownership(sid, OWNER, OwnershipScope::Session).map_err(error)?;
            let mut last = None;
            let consumed = meter.time(|| {
                let mut consumed = 0;
                for _ in pairs {
                    let witness = store.issue_readiness_witness(&capability, PREDICATE)?;
                    store.consume_readiness_witness(&capability, &witness)?;
                    consumed += 1;
                    last = Some(witness);
                }
                Ok(consumed)
            });
            let consumed = consumed.map_err(error)?;
            let spent = last.ok_or("nothing was issued")?;
            if store.consume_readiness_witness(&capability, &spent).is_ok() {
                return Err("a witness was consumed twice".to_owned());
            }
            Ok(consumed)
        })
    }

    fn two_buyer(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (plan, mut store) = (Plan::two_buyer(), SessionStore::new());
        let sum = meter
            .time(|| (0..sessions).try_fold(0, |sum, session| Ok(sum + purchase(&plan, &mut store, price(session))?)));
        if store.live_count() != 0 || store.archived_closed().len() as u64 != sessions {
            return Err("a session is not archived".to_owned());
        }
        sum
    }

    fn resident(&self, shape: Shape, sessions: u64, meter: &Meter) -> Result<i64, String> {
        let plan = match shape {
            Shape::Two => Plan::ping_pong(),
            Shape::Three => Plan::two_buyer(),
        };
        let before = meter.allocated().live;
        let mut store = SessionStore::new();
        (0..sessions).try_for_each(|_| plan.open(&mut store).map(|_| ()))?;
        let bytes = meter.allocated().live - before;
        if store.active_count() as u64 != sessions {
            return Err("a session is missing".to_owned());
        }
        Ok(bytes)
    }
}

/// One whole session. Returns the sum of the numbers that were received.
fn purchase(plan: &Plan, store: &mut SessionStore, price: u64) -> Outcome {
    let error = |error: OwnershipError| error.to_string();
    let sid = plan.open(store)?;
    let [alice, bob, seller] = plan.endpoints(sid).try_into().map_err(|_| "three roles")?;
    let capability = store.claim_ownership(sid, OWNER, OwnershipScope::Session).map_err(error)?;
    let text = |text: &str| Value::Str(text.to_owned());
    message(store, &alice, &seller, "title", text(TITLE))?;
    let mut sum = number(&message(store, &seller, &alice, "quote", Value::Nat(price))?);
    sum += number(&message(store, &seller, &bob, "quote", Value::Nat(price))?);
    sum += number(&message(store, &alice, &bob, "share", Value::Nat(price / 2))?);
    message(store, &bob, &seller, "ok", text(ADDRESS))?;
    message(store, &bob, &alice, "ok", Value::Unit)?;
    message(store, &seller, &bob, "date", text(DAY))?;
    if [&alice, &bob, &seller].iter().any(|role| store.lookup_type(role) != Some(&LocalTypeR::End)) {
        return Err("a role has not finished".to_owned());
    }
    store.release_ownership(&capability).map_err(error)?;
    store.close(sid)?;
    store.reap_sessions(&[sid]);
    Ok(sum)
}
