//! Random operations on a store and on a slow one beside it: the same answers, one by one.
//!
//! Every operation is predicted by the slow store, code and all, then done; then owners, generations, statuses, queues,
//! expected sets, counts and records are compared. A session that an operation is not about stays bit-identical, and so
//! does every session when it is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use polylogue::{
    data::Value,
    event::Event,
    generate::Rng,
    id::{Id, LabelId, RoleId},
    protocol::{Act as Does, EdgeKind},
    session::{
        Act, By, Capability, Code, Config, Direction, Done, Due, Expected, Key, Opener, Owner, Payload, Readiness,
        Receipt, Receive, Refused, Scope, Secrets, Send, SessionId, Status, Step, Store, Supervisor,
        audit::{Audit, Batch, Kind, Later, Options, Record, SessionRef, Verdict},
    },
};

use crate::{
    protocols::{Given, Known, Need, Needs, all},
    slow::{Claim, Fate, Offer, Roles, Sess, Transfer, Witness},
};

struct Cap {
    cap: Capability,
    foreign: bool,
}

struct Token {
    bytes: Vec<u8>,
    session: SessionId,
    stamp: u32,
    not_after: i64,
    used: bool,
    foreign: bool,
}

/// What became of all operations.
#[derive(Default)]
pub struct Tally {
    codes: BTreeMap<Code, u64>,
    done: BTreeMap<&'static str, u64>,
    /// Operations that found a session in this state.
    records: u64,
}

struct World<'k> {
    rng: Rng,
    known: &'k [Known],
    store: Store,
    supervisor: Supervisor,
    other: (Store, Supervisor),
    /// Openers of sessions that there are, or were.
    openers: Vec<(Opener, bool)>,
    caps: Vec<Cap>,
    receipts: Vec<(Receipt, bool)>,
    witnesses: Vec<(Readiness, bool)>,
    tokens: Vec<Token>,
    sessions: BTreeMap<SessionId, Sess>,
    issued: BTreeMap<u32, u32>,
    pages: BTreeMap<u32, usize>,
    keys: BTreeMap<u64, SessionId>,
    transfers: BTreeMap<u64, Transfer>,
    wits: BTreeMap<u64, Witness>,
    ended: Vec<SessionId>,
    archived: usize,
    clock: i64,
    most: usize,
    secret: bool,
    refuses: Option<Arc<AtomicBool>>,
    digests: BTreeMap<SessionId, u64>,
    generations: BTreeMap<(SessionId, RoleId), u32>,
    trail: Vec<String>,
    /// Of each session, what the sink was given: records that are no refusals, and steps among them.
    log: Log,
    history: BTreeMap<SessionId, (u64, u64)>,
}

type Log = Arc<Mutex<BTreeMap<SessionId, (u64, u64)>>>;

const SECRET: [u8; 32] = [7; 32];

fn host() -> polylogue::session::Host {
    Arc::new(|_, args: &[Value]| Some(args == [Value::Int(4)] || args == [Value::Int(20)]))
}

fn config(store: u64, secret: bool, most: u32, segments: usize, audit: impl FnOnce(Options) -> Audit) -> Config {
    Config {
        sessions: most,
        archive: 5,
        audit: audit(Options { store, segments, ..Options::default() }),
        secrets: if secret { Secrets::new(1, &SECRET) } else { Secrets::default() },
        externs: host(),
        tokens: 4_000,
        ..Config::default()
    }
}

fn ends(known: &Known, all: bool, rng: &mut Rng) -> RoleId {
    // Now and then one that there is not.
    if !all && rng.chance(4) {
        RoleId::from_raw(known.roles.len() as u32 + rng.below(2) as u32)
    } else {
        *rng.pick(&known.roles).unwrap()
    }
}

impl<'k> World<'k> {
    fn new(seed: u64, known: &'k [Known]) -> Self {
        let mut rng = Rng::new(seed);
        let secret = rng.chance(85);
        let most = rng.between(3, 10);
        let refuses = rng.chance(40).then(|| Arc::new(AtomicBool::new(false)));
        let log = Log::default();
        let audit = |options: Options| {
            let (refuses, log) = (refuses.clone(), log.clone());
            let sink = move |batch: Batch<'_>| {
                if refuses.as_ref().is_some_and(|refuses| refuses.load(Ordering::Relaxed)) {
                    return Err(Later);
                }
                let mut log = log.lock().unwrap();
                for bytes in batch.records() {
                    let record = Record::from_bytes(bytes).unwrap();
                    if record.verdict == Verdict::Rejected {
                        continue;
                    }
                    let SessionRef { slot, generation } = record.session;
                    let seen = log.entry(SessionId { slot, generation }).or_default();
                    seen.0 += 1;
                    seen.1 += u64::from(matches!(record.kind, Kind::Send | Kind::Receive | Kind::Sync | Kind::Act));
                }
                Ok(())
            };
            Audit::with_sink(options, Box::new(sink))
        };
        let (store, supervisor) =
            Store::new(config(1, secret, most as u32, if refuses.is_some() { 1 } else { 2 }, audit));
        let (mut other, foreign) = Store::new(config(2, true, 64, 2, Audit::new));
        let mut world = Self {
            rng,
            known,
            store,
            supervisor,
            openers: Vec::new(),
            caps: Vec::new(),
            receipts: Vec::new(),
            witnesses: Vec::new(),
            tokens: Vec::new(),
            sessions: BTreeMap::new(),
            issued: BTreeMap::new(),
            pages: BTreeMap::new(),
            keys: BTreeMap::new(),
            transfers: BTreeMap::new(),
            wits: BTreeMap::new(),
            ended: Vec::new(),
            archived: 0,
            clock: 0,
            most,
            secret,
            refuses,
            digests: BTreeMap::new(),
            generations: BTreeMap::new(),
            trail: Vec::new(),
            log: log.clone(),
            history: BTreeMap::new(),
            other: {
                let (plan, _) = (&known[0].plan, ());
                let (_, opener) = other.open(plan, 0).unwrap();
                let cap = other.claim(&opener, Owner(1), &Scope::Session).unwrap();
                drop((cap, opener));
                (other, foreign)
            },
        };
        world.foreigners();
        world
    }

    /// Authorities of another store.
    fn foreigners(&mut self) {
        for known in self.known {
            let store = &mut self.other.0;
            for _ in 0..2 {
                let (_, opener) = store.open(&known.plan, 0).unwrap();
                let cap = store.claim(&opener, Owner(2), &Scope::Session).unwrap();
                if known.plan.name() == "Wild" {
                    let readiness = store.issue_readiness(&cap, "checked", &[Value::Int(4)], Some(1 << 40)).unwrap();
                    self.witnesses.push((readiness, true));
                }
                self.receipts.push((store.begin_transfer(&cap, Owner(3), &Scope::Session).unwrap(), true));
                self.caps.push(Cap { cap, foreign: true });
                self.openers.push((opener, true));
                let (session, opener) = store.open(&known.plan, 0).unwrap();
                let cap = store.claim(&opener, Owner(2), &Scope::Session).unwrap();
                let stamp = cap.generation();
                let bytes = store.export(cap, 1 << 40, "move").unwrap();
                self.tokens.push(Token { bytes, session, stamp, not_after: 1 << 40, used: false, foreign: true });
                self.openers.push((opener, true));
            }
        }
    }

    fn known_of(&self, session: SessionId) -> &'k Known {
        let sess = &self.sessions[&session];
        &self.known[sess.known]
    }

    /// How many records the audit takes; asked of the audit itself.
    fn room(&mut self) -> usize {
        if self.refuses.is_none() {
            return usize::MAX;
        }
        let audit = self.store.audit_mut();
        if audit.has_room(300) {
            return usize::MAX;
        }
        (0..300).rev().find(|&records| audit.has_room(records)).unwrap_or(0)
    }

    fn need(&mut self, records: usize) -> Result<(), Code> {
        if self.room() >= records { Ok(()) } else { Err(Code::AuditFull) }
    }

    fn at(&mut self) -> i64 {
        self.clock += self.rng.below(3) as i64;
        self.clock - if self.rng.chance(10) { 5 } else { 0 }
    }

    // What the contract says of authorities.

    fn there(&self, foreign: bool, session: SessionId) -> Result<&Sess, Code> {
        if foreign {
            return Err(Code::Foreign);
        }
        self.sessions.get(&session).ok_or(Code::UnknownSession)
    }

    fn not_ended(&self, foreign: bool, session: SessionId) -> Result<&Sess, Code> {
        let sess = self.there(foreign, session)?;
        if sess.status.is_terminal() { Err(Code::Terminal) } else { Ok(sess) }
    }

    fn live(&self, foreign: bool, session: SessionId, stamp: u32) -> Result<&Claim, Code> {
        self.not_ended(foreign, session)?.claims.get(&stamp).ok_or(Code::Stale)
    }

    fn held(&self, foreign: bool, session: SessionId, stamp: u32) -> Result<&Claim, Code> {
        let claim = self.live(foreign, session, stamp)?;
        if claim.transfer.is_some() { Err(Code::TransferPending) } else { Ok(claim) }
    }

    fn over(&self, by: &By<'_>, foreign: bool) -> Result<(), Code> {
        match by {
            By::Opener(opener) => self.not_ended(foreign, opener.session()).map(drop),
            By::Capability(cap) => {
                let roles = self.live(foreign, cap.session(), cap.generation())?.roles.len();
                if roles == self.known_of(cap.session()).roles.len() { Ok(()) } else { Err(Code::OutOfScope) }
            }
        }
    }

    fn scope_of(known: &Known, scope: &Scope) -> Result<Roles, Code> {
        match scope {
            Scope::Session => Ok(known.roles.iter().copied().collect()),
            Scope::Fragment(of) if of.iter().any(|role| role.index() >= known.roles.len()) => Err(Code::NoRole),
            Scope::Fragment(of) if of.is_empty() => Err(Code::EmptyScope),
            Scope::Fragment(of) => Ok(of.iter().copied().collect()),
        }
    }

    /// Records of an end before the end: the status, the witness of it, and what is invalidated.
    fn ending(&self, session: SessionId) -> usize {
        let Some(sess) = self.sessions.get(&session) else { return 0 };
        2 + sess.claims.len()
            + sess.claims.values().filter(|claim| claim.transfer.is_some()).count()
            + self.waiting(session, |_| true).len()
    }

    fn waiting(&self, session: SessionId, which: impl Fn(&Witness) -> bool) -> Vec<u64> {
        let all = self.wits.iter().filter(|(_, one)| one.session == session && one.fate == Fate::Waiting && which(one));
        all.map(|(number, _)| *number).collect()
    }

    fn revoking(&self, session: SessionId, stamp: u32) -> usize {
        1 + self.waiting(session, |one| one.stamp == stamp).len()
    }

    // What happens.

    fn die(&mut self, session: SessionId, which: impl Fn(&Witness) -> bool, fate: Fate) {
        for number in self.waiting(session, which) {
            self.wits.get_mut(&number).unwrap().fate = fate;
            self.sessions.get_mut(&session).unwrap().records += 1;
        }
    }

    fn revoke(&mut self, session: SessionId, stamp: u32) {
        self.die(session, |one| one.stamp == stamp, Fate::Stale);
        let sess = self.sessions.get_mut(&session).unwrap();
        sess.claims.remove(&stamp);
        sess.offers.retain(|_, offer| offer.stamp != stamp);
        sess.records += 1;
    }

    fn issue(&mut self, cap: Capability, roles: Roles) {
        let sess = self.sessions.get_mut(&cap.session()).unwrap();
        sess.stamp += 1;
        sess.records += 1;
        assert_eq!(cap.generation(), sess.stamp);
        assert_eq!(cap.roles().collect::<Roles>(), roles);
        // No two live capabilities overlap.
        assert!(sess.claims.values().all(|claim| claim.roles.is_disjoint(&roles)));
        sess.claims.insert(sess.stamp, Claim { owner: cap.owner().0, roles, transfer: None });
        self.caps.push(Cap { cap, foreign: false });
    }

    fn end(&mut self, session: SessionId, status: Status, at: i64) {
        self.die(session, |_| true, Fate::Stale);
        let stamps: Vec<u32> = self.sessions[&session].claims.keys().copied().collect();
        for stamp in stamps {
            if self.sessions[&session].claims[&stamp].transfer.is_some() {
                self.sessions.get_mut(&session).unwrap().records += 1;
            }
            self.revoke(session, stamp);
        }
        self.transfers.retain(|_, transfer| transfer.session != session);
        let sess = self.sessions.get_mut(&session).unwrap();
        sess.status = status;
        sess.epoch += 1;
        sess.now = sess.now.max(at);
        sess.closed = sess.now;
        sess.offers.clear();
        // The status, and why it ended before its end.
        sess.records += 1 + u64::from(status != Status::Closed);
        self.ended.push(session);
    }

    fn drained(&mut self, session: SessionId, at: i64) {
        let sess = &self.sessions[&session];
        if sess.status != Status::Draining || sess.queues.values().any(|queue| !queue.is_empty()) {
            return;
        }
        let known = self.known_of(session);
        let done = known.roles.iter().all(|&role| sess.finished(known, role));
        self.end(session, if done { Status::Closed } else { Status::Cancelled }, at);
    }

    /// The same answer of both; and what is refused changes nothing.
    fn agree<T>(
        &mut self,
        what: &'static str,
        expected: Result<(), Code>,
        got: &Result<T, Code>,
        tally: &mut Tally,
    ) -> bool {
        let got_code = got.as_ref().map(drop).map_err(|code| *code);
        // What became of a witness whose place is used again is not remembered.
        let forgotten = got_code == Err(Code::WitnessConsumed)
            && matches!(expected, Err(Code::WitnessStale | Code::WitnessExpired));
        assert!(
            expected == got_code || forgotten,
            "{what}: expected {expected:?}, got {got_code:?}\n{}",
            self.trail.iter().rev().take(25).rev().cloned().collect::<Vec<_>>().join("\n")
        );
        match got_code {
            Ok(()) => *tally.done.entry(what).or_default() += 1,
            Err(code) => *tally.codes.entry(code).or_default() += 1,
        }
        got.is_ok()
    }
}

fn code<T>(result: Result<T, Refused>) -> Result<T, Code> {
    result.map_err(|refused| {
        assert!(refused.to_string().contains(&refused.code().name()));
        refused.code()
    })
}

mod authority;
mod compare;
mod lives;
mod steps;

#[test]
fn the_store_is_the_slow_store() {
    let known = all();
    let long = std::env::var_os("POLYLOGUE_LONG").is_some();
    let (worlds, operations) = if long { (1_000, 6_000) } else { (240, 4_000) };
    let mut tally = Tally::default();
    for seed in 0..worlds {
        let mut world = World::new(seed, &known);
        for _ in 0..operations {
            world.operate(&mut tally);
        }
        world.finish(&mut tally);
    }
    println!("accepted: {:?}; {} records compared", tally.done, tally.records);
    // And what is seldom right was right now and then.
    for (what, least) in [
        ("close", 100),
        ("import", 100),
        ("abandon", 100),
        ("fail", 100),
        ("open_with_id", 100),
        ("several witnesses", 100),
    ] {
        assert!(tally.done.get(what).is_some_and(|&count| count >= least), "{what}: {:?}", tally.done);
    }
    for code in Code::ALL {
        println!("  {:<18} {}", code.word(), tally.codes.get(&code).copied().unwrap_or(0));
    }
    /// What only a flaw of the store could give, since authorities are opaque and handed over by value: a receipt whose
    /// transfer is over is in nobody's hands, whoever owns what is offered cannot change, and a witness in hand was issued.
    const DEFENCE: [Code; 3] = [Code::NotPending, Code::OwnerChanged, Code::WitnessUnknown];
    /// Plans that authenticate have the first, protocols whose predicates read the time the other: `watched`, `trees`.
    const ELSEWHERE: [Code; 2] = [Code::Unauthentic, Code::WitnessFalse];
    /// Each refusal that can be had is had this often, by random operations alone.
    const LEAST: u64 = 100;
    for code in Code::ALL {
        let count = tally.codes.get(&code).copied().unwrap_or(0);
        match DEFENCE.contains(&code) || ELSEWHERE.contains(&code) {
            true => assert_eq!(count, 0, "{code:?}"),
            false => assert!(count >= LEAST, "{code:?}: {count}"),
        }
    }
}
