//! For hosts that show what a store holds: where steps are written, records in words, witnesses that wait.

use super::{
    OpenPlan, Owner, SessionId,
    audit::{Kind, Record, Verdict},
    plan::Engine,
    step::{Direction, Expected},
    store::Store,
};
use crate::{
    data::{Redaction, Sort, write},
    diag::Span,
    id::{ActionId, Id as _, LabelId, MessageId, RoleId},
    protocol::Act,
};

/// A readiness witness that waits to be consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number in the audit.
    pub number: u64,
    /// Of what, with its arguments.
    pub text: String,
    /// The roles that may use it.
    pub roles: Vec<RoleId>,
    /// Until when it is good, if it has a time.
    pub until: Option<i64>,
}

impl OpenPlan {
    /// The parameters of a predicate for which witnesses can be issued.
    #[must_use]
    pub fn parameters(&self, predicate: &str) -> Option<&[(Box<str>, Sort)]> {
        self.0.header.predicates.get(self.predicate(predicate)?).map(|found| &*found.params)
    }

    /// The predicates for which witnesses can be issued.
    pub fn predicates(&self) -> impl Iterator<Item = &str> {
        self.0.header.predicates.iter().map(|predicate| &*predicate.name)
    }

    /// The labels of its messages and actions, each once.
    #[must_use]
    pub fn labels(&self) -> Vec<LabelId> {
        let mut labels: Vec<LabelId> = match &self.0.engine {
            Engine::Table(system) => {
                let machines = system.machines().values();
                machines.flat_map(|machine| machine.actions().values().map(|action| action.label)).collect()
            }
            Engine::Tree(program) => program.messages().values().map(|travel| travel.label).collect(),
        };
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// What a record of a session of this plan says, such as `A!B:hello(name: string)`.
    #[must_use]
    pub fn record_text(&self, record: &Record) -> String {
        let role = |raw: u32| self.roles().nth(raw as usize).map_or("?", |role| self.role_name(role));
        let (who, with) = (role(record.role), role(record.peer));
        let refused = record.verdict == Verdict::Rejected;
        let message = || match (refused, record.kind) {
            // What was asked for is a label, and of a receive not even that.
            (true, _) => self.label_text(LabelId::from_raw(record.message)).to_owned(),
            (false, Kind::Act) => self.act_text(record.role, record.message),
            (false, _) => self.message_text(MessageId::from_raw(record.message)),
        };
        match record.kind {
            Kind::Send => format!("{who}!{with}:{}", message()),
            Kind::Receive if refused => format!("{who}?{with}"),
            Kind::Receive => format!("{who}?{with}:{}", message()),
            Kind::Sync => format!("{with}->{who}:{}", message()),
            Kind::Act => format!("{who}:{}", message()),
            Kind::Timeout => format!("timeout {who}"),
            Kind::Lapse => format!("lapse {who}"),
            Kind::Crash => format!("crash {who}"),
            Kind::Interrupt => format!("interrupt {who}"),
            Kind::Open => "opened".to_owned(),
            Kind::Drained => "draining".to_owned(),
            Kind::Closed => "closed".to_owned(),
            Kind::Cancelled => "cancelled".to_owned(),
            Kind::Faulted => "faulted".to_owned(),
            Kind::Reaped => "reaped".to_owned(),
            Kind::Capability => match record.generation {
                0 => "capability".to_owned(),
                generation => format!("capability of generation {generation}"),
            },
            Kind::Receipt => format!("transfer {}", record.witness),
            Kind::Readiness => "readiness witness".to_owned(),
            Kind::Cancellation => "cancellation witness".to_owned(),
            Kind::TimeoutWitness => "timeout witness".to_owned(),
        }
    }

    /// A local action: of a table its column, of a tree a message.
    fn act_text(&self, role: u32, number: u32) -> String {
        match &self.0.engine {
            Engine::Table(system) => {
                let machine = system.machines().values().nth(role as usize);
                let action = machine.and_then(|machine| machine.actions().entry(ActionId::from_raw(number)));
                action.map_or_else(|| "?".to_owned(), |action| self.0.names.message(action.label, action.sort))
            }
            Engine::Tree(_) => self.message_text(MessageId::from_raw(number)),
        }
    }
}

impl Store {
    /// Where a step is written that a role could take; known of table sessions.
    #[must_use]
    pub fn span(&self, session: SessionId, expected: &Expected) -> Option<Span> {
        let state = self.state(session, expected.role)?;
        let local = self.plan(session)?.0.locals.entry(expected.role)?;
        let same = |act: Act| match (act, expected.direction) {
            (Act::Send(to), Direction::Send) => to == expected.peer,
            (Act::Receive(from), Direction::Receive) => from == expected.peer,
            (Act::Act, Direction::Act) => true,
            _ => false,
        };
        let arms = &local.states.entry(state)?.arms;
        let arm = arms.iter().find(|arm| same(arm.act) && (arm.label, arm.sort) == (expected.label, expected.sort));
        arm.map(|arm| arm.span)
    }

    /// Where the place in its type at which a role is is written; known of table sessions.
    #[must_use]
    pub fn place(&self, session: SessionId, role: RoleId) -> Option<Span> {
        let state = self.state(session, role)?;
        self.plan(session)?.0.locals.entry(role)?.states.entry(state).map(|state| state.span)
    }

    /// The readiness witnesses of a session that wait, by number.
    #[must_use]
    pub fn witnesses(&self, session: SessionId) -> Vec<Waiting> {
        let Some(plan) = self.head(session).and_then(|_| self.plan(session)) else { return Vec::new() };
        let waiting = self.rest.witnesses.waiting(session.slot, |one| one.session == session);
        let mut all: Vec<Waiting> = waiting
            .into_iter()
            .filter_map(|(_, number)| {
                let (_, one) = self.rest.witnesses.find(number).ok()?;
                let predicate = plan.0.header.predicates.get(one.predicate)?;
                let args = one.args.iter().zip(&predicate.params);
                let shown = args.map(|(value, (_, sort))| text(value, sort, &self.rest.redaction));
                let text = format!("{}({})", predicate.name, shown.collect::<Vec<_>>().join(", "));
                Some(Waiting { number, text, roles: one.roles.iter().collect(), until: one.until })
            })
            .collect();
        all.sort_by_key(|one| one.number);
        all
    }

    /// Who owns roles of a session, with them.
    #[must_use]
    pub fn owners(&self, session: SessionId) -> Vec<(Owner, Vec<RoleId>)> {
        if self.head(session).is_none() {
            return Vec::new();
        }
        let claims = self.claims.of(self.first_claim(session));
        claims.map(|(_, claim)| (claim.owner, claim.roles.iter().collect())).collect()
    }
}

fn text(value: &crate::data::Value, sort: &Sort, redaction: &Redaction) -> String {
    write(value, Some(sort), redaction, &|_| false)
}
