//! The store that a run drives, and what its callers hold.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{handles::Handles, plans::Plans, steps::Kept, wrong::Wrong};
use crate::{
    data::{Redaction, Value},
    session::{
        Capability, Config, OpenPlan, Opener, Owner, Readiness, Receipt, Secrets, SessionId, Store, Supervisor,
        audit::{self, Audit},
    },
};

/// Everything that a run has.
pub(super) struct World<'a> {
    pub(super) store: Store,
    pub(super) supervisor: Supervisor,
    pub(super) plans: Plans<'a>,
    pub(super) openers: Handles<Opener>,
    pub(super) caps: Handles<Capability>,
    pub(super) receipts: Handles<Receipt>,
    pub(super) witnesses: Handles<Readiness>,
    pub(super) reservations: Handles<Kept>,
    pub(super) owners: Owners,
    pub(super) answers: Arc<Answers>,
    /// The authenticators of the audit, if there is a secret.
    pub(super) sealing: Option<audit::Secrets>,
    /// The latest time that was said, in microseconds.
    pub(super) now: i64,
    /// The session that is meant when none is named.
    pub(super) session: Option<SessionId>,
}

/// What a run is made with.
pub(super) struct Setup {
    pub(super) tokens: Secrets,
    pub(super) sealing: Option<audit::Secrets>,
    pub(super) sink: Option<Box<dyn audit::Sink + Send>>,
    pub(super) redaction: Redaction,
}

/// Segments of 1,024 records that the audit keeps.
const SEGMENTS: usize = 64;

impl<'a> World<'a> {
    pub(super) fn new(plans: Plans<'a>, setup: Setup) -> Self {
        let options =
            audit::Options { segments: SEGMENTS, secrets: setup.sealing.clone(), ..audit::Options::default() };
        let audit = match setup.sink {
            Some(sink) => Audit::with_sink(options, sink),
            None => Audit::new(options),
        };
        let names = plans.loaded.spec.externs.iter().map(|name| name.to_string()).collect();
        let answers = Arc::new(Answers::new(names));
        let host = Arc::clone(&answers);
        let (store, supervisor) = Store::new(Config {
            audit,
            secrets: setup.tokens,
            externs: Arc::new(move |id: crate::data::ExternId, _: &[Value]| host.ask(id)),
            redaction: setup.redaction,
            ..Config::default()
        });
        Self {
            store,
            supervisor,
            plans,
            openers: Handles::new("opener"),
            caps: Handles::new("cap"),
            receipts: Handles::new("receipt"),
            witnesses: Handles::new("witness"),
            reservations: Handles::new("reservation"),
            owners: Owners::default(),
            answers,
            sealing: setup.sealing,
            now: 0,
            session: None,
        }
    }

    /// A time that was said, or the latest; time does not go back.
    pub(super) fn at(&mut self, said: Option<i64>) -> i64 {
        let at = said.unwrap_or(self.now);
        self.now = self.now.max(at);
        at
    }

    /// The session that is named, or the latest.
    pub(super) fn session(&self, named: Option<&str>) -> Result<(SessionId, OpenPlan), Wrong> {
        let session = match named {
            Some(text) => text.parse().ok(),
            None => self.session,
        };
        match session.and_then(|session| Some((session, self.store.plan(session)?.clone()))) {
            Some(found) => Ok(found),
            None => Err(match named {
                Some(text) => {
                    let text = super::fields::short(text);
                    Wrong::new("unknown-session", format!("there is no session `{text}`, or it was reaped"))
                }
                None => Wrong::new("unknown-session", "no session is open; `open` opens one"),
            }),
        }
    }
}

/// Names of owners: callers say names or numbers, the store knows numbers.
#[derive(Debug, Default)]
pub(super) struct Owners {
    numbers: BTreeMap<String, u64>,
    names: BTreeMap<u64, String>,
}

/// Owners with names have numbers from here on; callers' numbers are below.
const NAMED: u64 = 1 << 63;
/// Owners with names, at most.
const MOST_OWNERS: usize = 1 << 20;

impl Owners {
    /// The owner with a name.
    pub(super) fn named(&mut self, name: &str) -> Result<Owner, Wrong> {
        if let Some(&number) = self.numbers.get(name) {
            return Ok(Owner(number));
        }
        if self.numbers.len() >= MOST_OWNERS {
            return Err(Wrong::new("too-many-owners", format!("{MOST_OWNERS} owners have names already")));
        }
        let number = NAMED | self.numbers.len() as u64;
        self.numbers.insert(name.to_owned(), number);
        self.names.insert(number, name.to_owned());
        Ok(Owner(number))
    }

    /// The owner with a number.
    pub(super) fn numbered(number: u64) -> Result<Owner, Wrong> {
        if number < NAMED {
            return Ok(Owner(number));
        }
        Err(Wrong::new("wrong-type", format!("the number of an owner is below {NAMED}")))
    }

    /// How an owner is called.
    pub(super) fn name(&self, owner: Owner) -> String {
        self.names.get(&owner.0).cloned().unwrap_or_else(|| owner.0.to_string())
    }

    /// As programs read it: a number stays one.
    pub(super) fn json(&self, owner: Owner) -> serde_json::Value {
        self.names.get(&owner.0).map_or_else(|| owner.0.into(), |name| name.as_str().into())
    }
}

/// What the caller says of extern predicates; true until told otherwise.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) names: Vec<String>,
    holds: Vec<AtomicBool>,
}

impl Answers {
    fn new(names: Vec<String>) -> Self {
        let holds = names.iter().map(|_| AtomicBool::new(true)).collect();
        Self { names, holds }
    }

    fn ask(&self, id: crate::data::ExternId) -> Option<bool> {
        self.holds.get(id.0 as usize).map(|holds| holds.load(Ordering::Relaxed))
    }

    /// From now on.
    pub(super) fn set(&self, name: &str, holds: bool) -> Result<(), Wrong> {
        let at = self.names.iter().position(|known| known == name);
        match at.and_then(|at| self.holds.get(at)) {
            Some(answer) => {
                answer.store(holds, Ordering::Relaxed);
                Ok(())
            }
            None => Err(Wrong::unknown("unknown-predicate", "extern predicate", name, self.names.clone())),
        }
    }
}
