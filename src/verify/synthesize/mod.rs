//! A global type from a system: the protocol that its machines follow together.
//!
//! In: one local type per role. Out: [`Synthesized`]: the text of a protocol whose complete projection gives every role
//! its machine back, or a run after which no sequential global type can go on, or why neither was shown.
//!
//! ```text
//! product     the synchronous runs, one sender with all its choices in each state, senders by turns
//! structure   what is left of them after minimization, as statements: loops, choices that join, named states
//! certify     the text is read, projected by determinization, and each role compared with its machine
//! ```
//!
//! The answer is right by the last of these, not by the others: nothing is handed out that was not projected back. Roles
//! that never talk to each other, not even through others, are taken apart and put side by side with `par`.
//!
//! (Deniélou and Yoshida, "Multiparty compatibility in communicating automata", 2013; Lange, Tuosto and Yoshida, "From
//! communicating machines to graphical choreographies", 2015.)
//!
//! Sequential means that each state of the protocol has one sender. Machines that send before they take what was sent to
//! them need queues, and have no sequential global type. Data, scopes and edges that lose messages are not dealt with.

mod certify;
mod product;
mod structure;
mod tell;

pub use certify::Certificate;
pub use product::Why;

use std::fmt::Write as _;

use self::product::{Order, Product};
use super::{check::Error, parts, search::Poll};
use crate::{
    event::{Event, Limit},
    id::{IdVec, RoleId},
    machine::minimize,
    protocol::{EdgeKind, Header, Local, Names},
};

/// A protocol that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthesis {
    /// A specification with this protocol alone.
    pub text: String,
    /// How each role's machine compares with the projection of the protocol.
    pub certificates: IdVec<RoleId, Certificate>,
    /// States of its parts.
    pub states: usize,
    /// How many parts it has that do not talk to each other.
    pub parts: usize,
}

/// Why there is no sequential global type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoGlobal {
    /// The synchronous run to where it shows.
    pub run: Vec<Event>,
    /// What shows there.
    pub why: Why,
}

/// How one role was certified.
type Certified = (RoleId, Certificate);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Synthesized {
    /// There is one.
    Found(Box<Synthesis>),
    /// There is none.
    None(Box<NoGlobal>),
    /// Neither was shown.
    Unknown(Limit),
}

/// Finds a protocol, called `name`, that machines follow together.
pub fn synthesize(
    locals: &IdVec<RoleId, Local>,
    header: &Header,
    names: &Names,
    name: &str,
    poll: &mut Poll<'_>,
) -> Result<Synthesized, Error> {
    let undecided = |why: String| Ok(Synthesized::Unknown(Limit::Undecided(why)));
    if let Some(why) = beyond(locals, header, names) {
        return undecided(why);
    }
    let mut machines: IdVec<RoleId, Local> = IdVec::new();
    for local in locals.values() {
        let small = minimize(local).and_then(|small| machines.push(small));
        if let Err(error) = small {
            return undecided(error.to_string());
        }
    }
    if let Some(role) = machines.values().find(|machine| !deterministic(machine)).map(|machine| machine.role) {
        let role = header.role_name(role);
        return undecided(format!("`{role}` may take one event in two ways, and no role of a global type does"));
    }
    let mut certificates: IdVec<RoleId, Certificate> = IdVec::filled(Certificate::Equal, machines.len());
    let (mut bodies, mut states) = (Vec::new(), 0_usize);
    for part in parts::parts(&machines) {
        let mut refused = None;
        let mut best: Option<(usize, String, Vec<Certified>)> = None;
        for order in [Order::Talk, Order::Turns] {
            let product = match Product::of(&machines, &part, order, poll) {
                Ok(product) => product,
                Err(product::Stop::None(none)) => return Ok(Synthesized::None(none)),
                Err(product::Stop::Limit(limit)) => return Ok(Synthesized::Unknown(limit)),
            };
            let small = match product.smallest() {
                Ok(small) => small,
                Err(error) => return undecided(error.to_string()),
            };
            if best.as_ref().is_some_and(|(size, ..)| *size <= small.len()) {
                continue;
            }
            let body = structure::print(&small, header, names);
            let text = declaration(header, name, &body);
            match certify::certify(&text, &machines, &part, header, names, poll)? {
                Ok(found) => best = Some((small.len(), body, found)),
                Err(certify::Refused::Limit(limit)) => return Ok(Synthesized::Unknown(limit)),
                // By turns nothing is put off for ever, so that one is to be believed.
                Err(certify::Refused::None(why)) => refused = Some(why),
            }
        }
        match (best, refused) {
            (Some((size, body, found)), _) => {
                states = states.saturating_add(size);
                bodies.push(body);
                for (role, certificate) in found {
                    certificates[role] = certificate;
                }
            }
            (None, Some(why)) => {
                return Ok(Synthesized::None(Box::new(NoGlobal { run: Vec::new(), why: *why })));
            }
            (None, None) => return undecided("nothing was tried".to_owned()),
        }
    }
    let parts = bodies.len();
    let body = match bodies.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        many => {
            let parts: Vec<String> = many.iter().map(|body| format!("{{\n{body}}}")).collect();
            format!("par {}\n", parts.join(" and "))
        }
    };
    let text = certify::canonical(&declaration(header, name, &body))?;
    Ok(Synthesized::Found(Box::new(Synthesis { text, certificates, states, parts })))
}

/// What keeps machines from being looked at.
fn beyond(locals: &IdVec<RoleId, Local>, header: &Header, names: &Names) -> Option<String> {
    if !header.is_plain() {
        return Some("a role may crash, or an edge loses messages, of which global types here say nothing".to_owned());
    }
    let arms = || locals.values().flat_map(|local| local.states.values()).flat_map(|state| &state.arms);
    if arms().any(|arm| !arm.act.is_event()) {
        return Some("a role has scopes, which are not synthesized".to_owned());
    }
    if arms().any(|arm| names.is_tacit(arm.label)) {
        return Some("roles connect and disconnect, which is not synthesized".to_owned());
    }
    let rule = arms().filter_map(|arm| names.rule(arm.sort)).any(|rule| *rule != crate::protocol::Rule::default());
    rule.then(|| "messages have conditions or change variables, which is not synthesized".to_owned())
}

fn deterministic(machine: &Local) -> bool {
    machine.states.values().all(|state| {
        let mut keys: Vec<_> = state.arms.iter().map(|arm| (arm.act, arm.label, arm.sort)).collect();
        keys.sort_unstable();
        keys.windows(2).all(|pair| pair.first() != pair.last())
    })
}

/// A name in backquotes; the printer takes them away where they are not needed.
fn quoted(name: &str) -> String {
    format!("`{name}`")
}

fn declaration(header: &Header, name: &str, body: &str) -> String {
    let roles: Vec<String> = header.roles.values().map(|role| format!("role {}", quoted(&role.name))).collect();
    let mut text = format!("protocol {}({}) {{\n", quoted(name), roles.join(", "));
    for &(from, to, kind) in &header.channels {
        let kind = match kind {
            EdgeKind::Bounded(n) => format!("bounded({n})"),
            EdgeKind::Sync => "sync".to_owned(),
            EdgeKind::Fifo | EdgeKind::Lossy | EdgeKind::Latest => continue,
        };
        let (from, to) = (quoted(header.role_name(from)), quoted(header.role_name(to)));
        let _ = writeln!(text, "channel {from} -> {to}: {kind};");
    }
    text.push_str(body);
    text.push_str("}\n");
    text
}
