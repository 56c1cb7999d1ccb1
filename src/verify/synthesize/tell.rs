//! Why there is no sequential global type, in the words of the author.

use super::{NoGlobal, Why};
use crate::{
    diag::{Diagnostic, catalogue::projection as codes},
    event::Event,
    protocol::{Header, Names},
    verify::Detail,
};

/// Longer runs are shown by their ends.
const MAX_RUN: usize = 24;

impl NoGlobal {
    /// What to tell the author.
    #[must_use]
    pub fn diagnostic(&self, header: &Header, names: &Names) -> Diagnostic {
        let name = &header.name;
        let text = format!("`{name}` has no sequential global type: {}", self.text(header));
        let mut found = Diagnostic::new(codes::NO_GLOBAL, header.span, text);
        if !matches!(self.why, Why::Differs { .. } | Why::NotImplementable(_)) {
            found = found.note(match self.run.len() {
                0 => "that is so at the very start".to_owned(),
                _ => format!("after the run {}", words(&self.run, header, names)),
            });
        }
        match &self.why {
            Why::Stuck(waiting) => {
                for one in waiting {
                    let text = Detail::Deadlock(vec![one.clone()]).text(header, names);
                    found = found.note(text.trim_start_matches("deadlock: ").to_owned());
                }
                found.help(
                    "in a sequential global type each message is taken when it is sent: let one role of a ring receive \
                     before it sends, or keep the machines and `check safe` of the system",
                )
            }
            Why::MayEnd(_) => found.help("let it say that it stops, with a message to whoever waits"),
            Why::Differs { word, only_given, only_projected, role } => {
                let role = header.role_name(*role);
                let after = if word.is_empty() {
                    "at the start".to_owned()
                } else {
                    format!("after {}", words(word, header, names))
                };
                let mut found = found.note(format!("`{role}`, {after}"));
                if !only_given.is_empty() {
                    found = found.note(format!("its machine may {}, which never happens", only_given.join(" or ")));
                }
                if !only_projected.is_empty() {
                    found = found.note(format!("it would have to {}", only_projected.join(" or ")));
                }
                found
            }
            Why::NotImplementable(_) => found,
        }
    }

    /// In one line.
    #[must_use]
    pub fn text(&self, header: &Header) -> String {
        match &self.why {
            Why::Stuck(_) => match self.run.len() {
                0 => "at the start nobody can send with everybody else ready for it".to_owned(),
                n => format!("after {n} step{} nobody can send with everybody else ready for it", plural(n)),
            },
            Why::MayEnd(role) => {
                format!("all may stop where `{}` may also go on, and nobody says which", header.role_name(*role))
            }
            Why::Differs { role, .. } => format!(
                "the protocol that the roles follow together gives `{}` another machine",
                header.role_name(*role)
            ),
            Why::NotImplementable(why) => {
                format!("the protocol that the roles follow together is not implementable: {why}")
            }
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn words(run: &[Event], header: &Header, names: &Names) -> String {
    let role = |role| header.role_name(role).to_owned();
    let step = |event: &Event| match *event {
        Event::Sync { from, to, label, sort } => {
            format!("{} -> {}: {}", role(from), role(to), names.message(label, sort))
        }
        Event::Send { from, to, label, sort } => {
            format!("{} ! {}: {}", role(from), role(to), names.message(label, sort))
        }
        Event::Receive { from, to, label, sort } => {
            format!("{} ? {}: {}", role(to), role(from), names.message(label, sort))
        }
        Event::Act { role: who, label, sort } => format!("{}: {}", role(who), names.message(label, sort)),
        _ => String::new(),
    };
    let steps: Vec<String> = run.iter().map(step).collect();
    let Some(hidden @ 1..) = steps.len().checked_sub(MAX_RUN) else {
        return steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(", ");
    };
    let half = MAX_RUN / 2;
    let quoted = |steps: &[String]| steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(", ");
    let head = quoted(steps.get(..half).unwrap_or(&[]));
    let tail = quoted(steps.get(steps.len().saturating_sub(half)..).unwrap_or(&[]));
    format!("{head}, … {hidden} more …, {tail}")
}
