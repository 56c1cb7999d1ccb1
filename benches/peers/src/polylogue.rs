//! polylogue's session store. Every step is under the session's capability and has its audit record; the audit has no
//! sink, so it seals its batches and keeps the latest. A payload is the host's, so that a queue holds its number.

use std::ops::Range;

use ::polylogue::{
    data::Value,
    id::{LabelId, RoleId},
    session::{
        Act, By, Capability, Compat, Config, OpenPlan, Opener, Owner, Payload, PlanOptions, Scope, Send, Status, Store,
        Supervisor, audit::Audit,
    },
};

use crate::{
    rows::{ADDRESS, DAY, HISTORY, PREDICATE, Row, Shape, TITLE, price},
    side::{Meter, Outcome, Side},
    specs,
};

/// polylogue's store.
#[derive(Clone, Copy, Debug)]
pub enum Polylogue {
    /// As it comes: every step has its record, and batches are sealed.
    Audited,
    /// With an audit that counts and keeps nothing, as the published store keeps nothing of steps.
    Silent,
}

/// Who owns the sessions: a number of the host's.
const OWNER: Owner = Owner(1);

/// A plan of a protocol that was found safe.
fn plan(text: &str, name: &str, options: PlanOptions) -> Result<OpenPlan, String> {
    let spec = ::polylogue::parse(text).map_err(|errors| errors.to_string())?;
    let answer = spec.check("safe", name).map_err(|error| error.to_string())?;
    let compat = Compat::Checked(answer.verdict().clone());
    let spec = &spec.loaded().spec;
    let target = spec.find(name).ok_or("no such protocol")?;
    OpenPlan::new(spec, target, &compat, options).map_err(|error| error.to_string())
}

fn ping_pong() -> Result<OpenPlan, String> {
    plan(specs::PING_PONG, "PingPong", PlanOptions::default())
}

fn role(plan: &OpenPlan, name: &str) -> Result<RoleId, String> {
    plan.role(name).ok_or_else(|| format!("no role `{name}`"))
}

fn label(plan: &OpenPlan, text: &str) -> Result<LabelId, String> {
    plan.label(text).ok_or_else(|| format!("no label `{text}`"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A store that archives as many sessions as a row reaps.
fn store(side: Polylogue, archive: u64) -> (Store, Supervisor) {
    let config = Config { archive: archive as usize, ..Config::default() };
    match side {
        Polylogue::Audited => Store::new(config),
        Polylogue::Silent => Store::new(Config { audit: Audit::silent(), ..config }),
    }
}

/// A session whose roles are all one owner's.
fn owned(store: &mut Store, plan: &OpenPlan) -> Result<(Opener, Capability), String> {
    let (_, opener) = store.open(plan, 0).map_err(text)?;
    let capability = store.claim(&opener, OWNER, &Scope::Session).map_err(text)?;
    Ok((opener, capability))
}

fn sent(from: RoleId, to: RoleId, label: LabelId, payload: u64) -> Send<'static> {
    Send { from, to, label, payload: Payload::Unseen(payload), witnesses: &[], at: 0 }
}

/// Sends and receives; gives what the receiver got.
#[inline]
fn message(store: &mut Store, cap: &Capability, send: Send<'_>) -> Outcome {
    store.send(cap, send).map_err(text)?;
    store.receive(cap, send.to, send.from, 0).map(|done| done.payload).map_err(text)
}

fn must_refuse(store: &mut Store, cap: &Capability, send: Send<'_>) -> Result<(), String> {
    if store.send(cap, send).is_ok() { Err("a message was accepted out of turn".to_owned()) } else { Ok(()) }
}

/// Does operations in sessions of [`HISTORY`] each, all of one store; their sum.
fn sessions_of(
    side: Polylogue,
    operations: u64,
    plan: &OpenPlan,
    mut session: impl FnMut(&mut Store, Opener, Range<u64>) -> Outcome,
) -> Outcome {
    let (mut store, _supervisor) = store(side, 0);
    let (mut sum, mut first) = (0, 0);
    while first < operations {
        let last = operations.min(first + HISTORY);
        let (_, opener) = store.open(plan, 0).map_err(text)?;
        sum += session(&mut store, opener, first..last)?;
        first = last;
    }
    Ok(sum)
}

/// Messages in turn, each with its number as payload.
fn messages(side: Polylogue, count: u64, plan: &OpenPlan, meter: &mut Meter) -> Outcome {
    let (p, q) = (role(plan, "P")?, role(plan, "Q")?);
    let (ping, pong) = (label(plan, "ping")?, label(plan, "pong")?);
    let turn = |value: u64| if value.is_multiple_of(2) { sent(p, q, ping, value) } else { sent(q, p, pong, value) };
    sessions_of(side, count, plan, |store, opener, values| {
        let cap = store.claim(&opener, OWNER, &Scope::Session).map_err(text)?;
        let end = values.end;
        let sum = meter.time(|| {
            let mut sum = 0;
            for value in values {
                sum += message(store, &cap, turn(value))?;
            }
            Ok::<u64, String>(sum)
        })?;
        must_refuse(store, &cap, turn(end + 1))?;
        Ok(sum)
    })
}

/// Sessions whose one message was received.
fn finished(side: Polylogue, sessions: u64) -> Result<(Store, Supervisor, Vec<(Opener, Capability)>), String> {
    let plan = plan(specs::ONCE, "Once", PlanOptions::default())?;
    let (p, q, ping) = (role(&plan, "P")?, role(&plan, "Q")?, label(&plan, "ping")?);
    let (mut store, supervisor) = store(side, sessions);
    let mut open = Vec::new();
    for _ in 0..sessions {
        let (opener, cap) = owned(&mut store, &plan)?;
        message(&mut store, &cap, sent(p, q, ping, 1))?;
        open.push((opener, cap));
    }
    Ok((store, supervisor, open))
}

impl Side for Polylogue {
    fn name(&self) -> String {
        match self {
            Self::Audited => "polylogue, audited".to_owned(),
            Self::Silent => "polylogue, no audit".to_owned(),
        }
    }

    fn says(&self, row: Row) -> &'static str {
        match row {
            Row::PingPong | Row::Arms(_) | Row::RoundRobin(_) => {
                "one send or one receive: checks session, capability, type and queue, moves the role's state by a table \
                 and the label through the queue, and writes the audit's record"
            }
            Row::Message => {
                "a send and a receive, each with capability, type, queue and record; the payload's number travels \
                 through the queue, its sort is not looked at"
            }
            Row::Authenticated => {
                "the same, with a leaf (BLAKE3) of the edge's hash tree per message, verified on receipt"
            }
            Row::Open => "copies the plan's block and writes the record; gives a session id and an opener",
            Row::Close => {
                "checks the authority, that every role has finished and every queue is empty; writes the record"
            }
            Row::Reap => "writes the session's summary to the archive and the record, frees its places",
            Row::ClaimRelease => "issues a capability with new generations of all roles and takes it back; two records",
            Row::IssueConsume => {
                "evaluates the predicate and issues the witness; then takes a step that requires it, evaluates the \
                 predicate again and consumes it; both with their records"
            }
            Row::TwoBuyer => "opens, claims, moves seven messages as above, releases, closes and reaps, all audited",
        }
    }

    fn ping_pong(&self, advances: u64, meter: &mut Meter) -> Outcome {
        let (plan, (mut store, _supervisor)) = (ping_pong()?, store(*self, 0));
        let (p, q) = (role(&plan, "P")?, role(&plan, "Q")?);
        let (ping, pong) = (label(&plan, "ping")?, label(&plan, "pong")?);
        let (_opener, cap) = owned(&mut store, &plan)?;
        let taken = meter.time(|| {
            let mut taken = 0;
            for _ in 0..advances / 4 {
                taken += u64::from(store.send(&cap, sent(p, q, ping, 0)).is_ok());
                taken += u64::from(store.receive(&cap, q, p, 0).is_ok());
                taken += u64::from(store.send(&cap, sent(q, p, pong, 0)).is_ok());
                taken += u64::from(store.receive(&cap, p, q, 0).is_ok());
            }
            taken
        });
        must_refuse(&mut store, &cap, sent(q, p, pong, 0))?;
        Ok(taken)
    }

    fn arms(&self, arms: u64, advances: u64, meter: &mut Meter) -> Outcome {
        let (plan, (mut store, _supervisor)) =
            (plan(&specs::arms(arms), "Arms", PlanOptions::default())?, store(*self, 0));
        let (p, q) = (role(&plan, "P")?, role(&plan, "Q")?);
        let labels: Vec<LabelId> = (0..arms).map(|arm| label(&plan, &format!("a{arm}"))).collect::<Result<_, _>>()?;
        let (_opener, cap) = owned(&mut store, &plan)?;
        let mut got = Vec::with_capacity(advances as usize / 2);
        meter.time(|| {
            for (_, label) in (0..advances / 2).zip(labels.iter().cycle()) {
                if store.send(&cap, sent(p, q, *label, 0)).is_ok()
                    && let Ok(done) = store.receive(&cap, q, p, 0)
                {
                    got.push(done.label);
                }
            }
        });
        must_refuse(&mut store, &cap, sent(q, p, labels[0], 0))?;
        let arm = |label: &LabelId| labels.iter().position(|known| known == label).map_or(0, |arm| arm as u64);
        Ok(got.iter().map(arm).sum())
    }

    fn round_robin(&self, sessions: u64, advances: u64, meter: &mut Meter) -> Outcome {
        let (plan, (mut store, _supervisor)) = (ping_pong()?, store(*self, 0));
        let (p, q) = (role(&plan, "P")?, role(&plan, "Q")?);
        let (ping, pong) = (label(&plan, "ping")?, label(&plan, "pong")?);
        let open: Vec<(Opener, Capability)> =
            (0..sessions).map(|_| owned(&mut store, &plan)).collect::<Result<_, _>>()?;
        let taken = meter.time(|| {
            let mut taken = 0;
            for _ in 0..advances / sessions / 4 {
                for (from, to, label) in [(p, q, ping), (q, p, pong)] {
                    for (_, cap) in &open {
                        taken += u64::from(store.send(cap, sent(from, to, label, 0)).is_ok());
                    }
                    for (_, cap) in &open {
                        taken += u64::from(store.receive(cap, to, from, 0).is_ok());
                    }
                }
            }
            taken
        });
        must_refuse(&mut store, &open[0].1, sent(q, p, pong, 0))?;
        Ok(taken)
    }

    fn message(&self, count: u64, meter: &mut Meter) -> Outcome {
        messages(*self, count, &ping_pong()?, meter)
    }

    fn authenticated(&self, count: u64, meter: &mut Meter) -> Outcome {
        let options = PlanOptions { authenticate: true, ..PlanOptions::default() };
        messages(*self, count, &plan(specs::PING_PONG, "PingPong", options)?, meter)
    }

    fn open(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (plan, (mut store, _supervisor)) = (ping_pong()?, store(*self, 0));
        let mut openers = Vec::with_capacity(sessions as usize);
        meter
            .time(|| (0..sessions).try_for_each(|_| store.open(&plan, 0).map(|(_, opener)| openers.push(opener))))
            .map_err(text)?;
        let active = |opener: &&Opener| store.status(opener.session()) == Some(Status::Active);
        if store.sessions() as u64 != sessions {
            return Err("a session is missing".to_owned());
        }
        Ok(openers.iter().filter(active).count() as u64)
    }

    fn close(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (mut store, _supervisor, open) = finished(*self, sessions)?;
        meter.time(|| open.iter().try_for_each(|(opener, _)| store.close(By::Opener(opener), 0))).map_err(text)?;
        if store.close(By::Opener(&open[0].0), 0).is_ok() {
            return Err("a session was closed twice".to_owned());
        }
        let closed = |(opener, _): &&(Opener, Capability)| store.status(opener.session()) == Some(Status::Closed);
        Ok(open.iter().filter(closed).count() as u64)
    }

    fn reap(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let (mut store, supervisor, open) = finished(*self, sessions)?;
        open.iter().try_for_each(|(opener, _)| store.close(By::Opener(opener), 0)).map_err(text)?;
        let reaped = meter.time(|| store.reap(&supervisor, sessions as usize)).map_err(text)?;
        if reaped as u64 != sessions || open.iter().any(|(opener, _)| store.status(opener.session()).is_some()) {
            return Err("a session stayed behind".to_owned());
        }
        Ok(store.archive().len() as u64)
    }

    fn claim_release(&self, pairs: u64, meter: &mut Meter) -> Outcome {
        sessions_of(*self, pairs, &ping_pong()?, |store, opener, pairs| {
            meter.time(|| {
                let (mut given, mut last) = (0, 0);
                for _ in pairs {
                    let capability = store.claim(&opener, OWNER, &Scope::Session).map_err(text)?;
                    given += u64::from(capability.generation() > last);
                    last = capability.generation();
                    store.release(capability).map_err(|refused| text(&refused))?;
                }
                Ok(given)
            })
        })
    }

    fn issue_consume(&self, pairs: u64, meter: &mut Meter) -> Outcome {
        let plan = plan(specs::CHECKED, "Checked", PlanOptions::default())?;
        let (p, pay) = (role(&plan, "P")?, label(&plan, "pay")?);
        sessions_of(*self, pairs, &plan, |store, opener, pairs| {
            let cap = store.claim(&opener, OWNER, &Scope::Session).map_err(text)?;
            let mut last = None;
            let mut paid = |store: &mut Store, amount: u64, issue: bool| {
                let values = [Some(Value::Int(amount as i64 + 1))];
                if issue {
                    let args = [Value::Int(amount as i64 + 1)];
                    last = Some(store.issue_readiness(&cap, PREDICATE, &args, None).map_err(text)?);
                }
                let act = Act { role: p, label: pay, payload: Payload::Values(&values), witnesses: last.as_ref().as_slice(), at: 0 };
                store.act(&cap, act).map(|_| 1).map_err(text)
            };
            let amount = pairs.start;
            let consumed = meter.time(|| {
                let mut consumed = 0;
                for amount in pairs {
                    consumed += paid(store, amount, true)?;
                }
                Ok::<u64, String>(consumed)
            })?;
            // The last witness is spent, and there is no other.
            if paid(store, amount, false).is_ok() {
                return Err("a witness was consumed twice".to_owned());
            }
            Ok(consumed)
        })
    }

    fn two_buyer(&self, sessions: u64, meter: &mut Meter) -> Outcome {
        let shop = Shop::new()?;
        let (mut store, supervisor) = store(*self, sessions);
        let sum = meter.time(|| {
            (0..sessions).try_fold(0, |sum, session| Ok(sum + shop.purchase(&mut store, &supervisor, price(session))?))
        });
        if store.sessions() != 0 || store.archive().len() as u64 != sessions {
            return Err("a session is not archived".to_owned());
        }
        sum
    }

    fn resident(&self, shape: Shape, sessions: u64, meter: &Meter) -> Result<i64, String> {
        let plan = match shape {
            Shape::Two => ping_pong()?,
            Shape::Three => plan(specs::TWO_BUYER, "TwoBuyer", PlanOptions::default())?,
        };
        let before = meter.allocated().live;
        let (mut store, _supervisor) = store(*self, 0);
        // Openers are the host's to keep; whoever drops them has the sessions all the same.
        (0..sessions).try_for_each(|_| store.open(&plan, 0).map(|_| ())).map_err(text)?;
        let bytes = meter.allocated().live - before;
        if store.sessions() as u64 != sessions {
            return Err("a session is missing".to_owned());
        }
        Ok(bytes)
    }
}

/// The plan of the two buyers, and its names as ids.
struct Shop {
    plan: OpenPlan,
    alice: RoleId,
    bob: RoleId,
    seller: RoleId,
    title: LabelId,
    quote: LabelId,
    share: LabelId,
    ok: LabelId,
    date: LabelId,
}

impl Shop {
    fn new() -> Result<Self, String> {
        let plan = plan(specs::TWO_BUYER, "TwoBuyer", PlanOptions::default())?;
        Ok(Self {
            alice: role(&plan, "Alice")?,
            bob: role(&plan, "Bob")?,
            seller: role(&plan, "Seller")?,
            title: label(&plan, "title")?,
            quote: label(&plan, "quote")?,
            share: label(&plan, "share")?,
            ok: label(&plan, "ok")?,
            date: label(&plan, "date")?,
            plan,
        })
    }

    /// One whole session. Returns the sum of the numbers that were received.
    fn purchase(&self, store: &mut Store, supervisor: &Supervisor, price: u64) -> Outcome {
        let (alice, bob, seller) = (self.alice, self.bob, self.seller);
        // The host keeps the texts and sends their numbers, as it does with all payloads.
        let texts = [TITLE.to_owned(), ADDRESS.to_owned(), DAY.to_owned()];
        let (opener, cap) = owned(store, &self.plan)?;
        let read = |at: u64| texts.get(at as usize - 1).ok_or("an unknown text");
        read(message(store, &cap, sent(alice, seller, self.title, 1))?)?;
        let mut sum = message(store, &cap, sent(seller, alice, self.quote, price))?;
        sum += message(store, &cap, sent(seller, bob, self.quote, price))?;
        sum += message(store, &cap, sent(alice, bob, self.share, price / 2))?;
        read(message(store, &cap, sent(bob, seller, self.ok, 2))?)?;
        message(store, &cap, sent(bob, alice, self.ok, 0))?;
        read(message(store, &cap, sent(seller, bob, self.date, 3))?)?;
        store.release(cap).map_err(|refused| text(&refused))?;
        store.close(By::Opener(&opener), 0).map_err(text)?;
        store.reap(supervisor, 1).map_err(text)?;
        Ok(sum)
    }
}
