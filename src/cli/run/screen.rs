//! What a person sees of a session.

use std::fmt::Write as _;

use super::{reply, world::World};
use crate::{
    id::RoleId,
    report::clean,
    session::{Direction, Expected, OpenPlan, Refused, SessionId},
};

const BOLD: anstyle::Style = anstyle::Style::new().bold();
const DIM: anstyle::Style = anstyle::Style::new().dimmed();
const GREEN: anstyle::Style = anstyle::AnsiColor::Green.on_default().bold();
const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();

/// A session, to be shown.
#[derive(Clone, Copy)]
pub(super) struct Screen<'v, 'a> {
    pub(super) world: &'v World<'a>,
    pub(super) session: SessionId,
    pub(super) plan: &'v OpenPlan,
}

/// The steps that can be taken now, in the order of their numbers.
pub(super) fn choices(world: &World<'_>, session: SessionId, plan: &OpenPlan) -> Vec<Expected> {
    plan.roles().flat_map(|role| world.store.enabled(session, role)).filter(|one| one.ready).collect()
}

impl Screen<'_, '_> {
    /// Everything.
    pub(super) fn all(self) -> String {
        let mut out = self.state();
        out += &self.types(None, true);
        out += &self.queues();
        out += &self.witnesses();
        out += &self.enabled();
        out += &format!("{BOLD}latest{BOLD:#}\n");
        out += &self.audit(5);
        out
    }

    /// In one line.
    pub(super) fn state(self) -> String {
        let store = &self.world.store;
        let Some(status) = store.status(self.session) else { return "the session was reaped\n".to_owned() };
        let why = store.reason(self.session).map_or_else(String::new, |why| format!(": {why}"));
        let time = if self.world.now == 0 { String::new() } else { format!(", time {} µs", self.world.now) };
        format!("{BOLD}{}{BOLD:#} session {}, {status}{}{time}\n", self.plan.name(), self.session, clean(&why))
    }

    fn width(self) -> usize {
        self.plan.roles().map(|role| self.plan.role_name(role).chars().count()).max().unwrap_or(0)
    }

    /// Who owns a role.
    fn owner(self, role: RoleId) -> String {
        match self.world.store.owner(self.session, role) {
            Some((Some(owner), generation)) => {
                format!("{}, generation {generation}", clean(&self.world.owners.name(owner)))
            }
            _ => "nobody".to_owned(),
        }
    }

    /// Who owns what.
    pub(super) fn owners(self) -> String {
        let width = self.width();
        let one = |role| format!("  {:width$}  {}\n", self.plan.role_name(role), self.owner(role));
        self.plan.roles().map(one).collect()
    }

    /// Where roles are in their types.
    pub(super) fn types(self, only: Option<RoleId>, owners: bool) -> String {
        let width = self.width();
        let mut out = String::new();
        for role in self.plan.roles().filter(|&role| only.is_none_or(|only| only == role)) {
            let text = self.local_type(role);
            let mut lines = text.lines();
            let first = lines.next().unwrap_or("");
            let owner = if owners { format!("{DIM}({}){DIM:#}\n    ", self.owner(role)) } else { String::new() };
            let _ = writeln!(out, "  {BOLD}{:width$}{BOLD:#}  {owner}{first}", self.plan.role_name(role));
            let indent = if owners { 4 } else { width.saturating_add(4) };
            for line in lines {
                let _ = writeln!(out, "{:indent$}{line}", "");
            }
        }
        out
    }

    /// The type at which a role is. Beyond tables it is only known in pieces, which take a line each.
    fn local_type(self, role: RoleId) -> String {
        if self.plan.is_table() {
            return self.world.store.local_type(self.session, role).unwrap_or_else(|| "…".to_owned());
        }
        let next = self.world.store.enabled(self.session, role);
        let mut lines: Vec<String> = next.iter().map(|one| format!("{}. …", one.text(self.plan))).collect();
        if self.world.store.is_finished(self.session, role) {
            lines.push("end".to_owned());
        }
        lines.join("\n")
    }

    /// What is on the way.
    pub(super) fn queues(self) -> String {
        let mut out = String::new();
        for edge in self.plan.edges().values() {
            let messages = self.world.store.queue(self.session, edge.from, edge.to);
            if !messages.is_empty() {
                let (from, to) = (self.plan.role_name(edge.from), self.plan.role_name(edge.to));
                let more = messages.len().saturating_sub(8);
                let more = if more == 0 { String::new() } else { format!(", and {more} more") };
                let shown = messages.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
                let _ = writeln!(out, "  on the way from {from} to {to}: {shown}{more}");
            }
        }
        if out.is_empty() { "  nothing is on the way\n".to_owned() } else { out }
    }

    /// Witnesses that wait.
    pub(super) fn witnesses(self) -> String {
        let one = |one: crate::session::Waiting| {
            let roles: Vec<&str> = one.roles.iter().map(|&role| self.plan.role_name(role)).collect();
            let until = one.until.map_or_else(String::new, |until| format!(", until {until} µs"));
            format!("  a witness of {} for {}{until}\n", clean(&one.text), roles.join(", "))
        };
        self.world.store.witnesses(self.session).into_iter().map(one).collect()
    }

    /// What can be done, by number, and what is waited for.
    pub(super) fn enabled(self) -> String {
        let mut out = String::new();
        let choices = choices(self.world, self.session, self.plan);
        for (one, number) in choices.iter().zip(1_usize..) {
            let _ = writeln!(out, "  {GREEN}{number:>2}{GREEN:#}  {}", one.text(self.plan));
        }
        let store = &self.world.store;
        if store.status(self.session).is_none_or(crate::session::Status::is_terminal) {
            return "  the session is over\n".to_owned();
        }
        let mut done = true;
        for role in self.plan.roles() {
            let finished = store.is_finished(self.session, role);
            done &= finished;
            if !finished && choices.iter().all(|one| one.role != role) {
                let waits: Vec<String> =
                    store.enabled(self.session, role).iter().map(|one| self.awaited(one)).collect();
                let waits = if waits.is_empty() { "the others".to_owned() } else { waits.join(" or ") };
                let _ = writeln!(out, "  {DIM} -  {} waits for {waits}{DIM:#}", self.plan.role_name(role));
            }
        }
        if done && choices.is_empty() {
            out.push_str("  all roles are done: `close` ends the session\n");
        }
        out
    }

    /// Something that a role waits for.
    fn awaited(self, one: &Expected) -> String {
        let text = one.text(self.plan);
        let message = text.split_once(':').map_or(&*text, |(_, message)| message);
        let peer = self.plan.role_name(one.peer);
        match one.direction {
            Direction::Receive => format!("{message} from {peer}"),
            Direction::Send => format!("room to send {message} to {peer}"),
            Direction::Act => message.to_owned(),
        }
    }

    /// The latest records.
    pub(super) fn audit(self, last: usize) -> String {
        let mut out = String::new();
        for one in reply::recent(self.world, Some(self.session), last, usize::MAX) {
            let verdict = format!("{:?}", one.verdict).to_lowercase();
            let code = one.code.map_or_else(String::new, |code| format!(" ({code})"));
            let _ = writeln!(out, "  {:>4}  {verdict:<11}  {}{code}", one.record, one.event);
        }
        out
    }

    /// A refusal.
    pub(super) fn refused(self, refused: &Refused) -> String {
        let told = reply::refusal(self.world, refused);
        let mut out = format!("{RED}refused{RED:#}  {}\n", clean(&reply::message(self.world, refused)));
        let more = [
            told.head.map(|head| format!("the head of the queue is {head}")),
            // What a step met is in the message.
            refused.asked.is_none().then(|| events(&told.expected)).flatten(),
            told.blame.map(|blame| format!("blame: {blame}")),
            told.span.map(|span| format!("written at {span}")),
        ];
        let more: Vec<String> = more.into_iter().flatten().collect();
        if !more.is_empty() {
            let _ = writeln!(out, "         {DIM}{}{DIM:#}", more.join("; "));
        }
        out
    }
}

/// What could be done, in words.
fn events(expected: &[reply::ExpectedRecord]) -> Option<String> {
    let all: Vec<&str> = expected.iter().map(|one| &*one.event).collect();
    (!all.is_empty()).then(|| format!("it waits for {}", all.join(", ")))
}

/// A mistake.
pub(super) fn wrong(text: &str) -> String {
    format!("{RED}error{RED:#}    {}\n", clean(text))
}

/// Something was done.
pub(super) fn done(text: &str) -> String {
    format!("{GREEN}ok{GREEN:#}       {}\n", clean(text))
}
