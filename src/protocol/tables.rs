//! What of the protocols beyond the kernel still runs as tables: those in which data is only looked at, message by message.
//!
//! A protocol whose rules demand something of the payload alone, conditions and witnesses, and remember nothing, has the
//! roles' automata of the kernel: a [`System`](crate::machine::System) steps it, and whoever steps checks beside it what
//! the rule of the message demands ([`Names::shared_rule`] of its signature, which is that of the arm that is taken).
//!
//! INVARIANT (told): a label and the sorts of a payload are one signature on each edge, so they say which message it is.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::{
    Act, Endpoints, Names, NoEndpoints, Payload, Protocol, Spec, Step, SystemDecl, Target, Term,
    graph::{Graph, Node},
};
use crate::id::{LabelId, RoleId, SortId};

/// A message as it looks on its way: sender, receiver, label and payload.
type Seen<'n> = (RoleId, RoleId, LabelId, Option<&'n Payload>);

/// Whether rules look at nothing but payloads, and each message is known by its looks.
fn told<'n>(names: &'n Names, messages: impl Iterator<Item = (RoleId, RoleId, LabelId, SortId)>) -> bool {
    let mut known: IndexMap<Seen<'n>, SortId, FxBuildHasher> = IndexMap::default();
    for (from, to, label, sort) in messages {
        let Some(rule) = names.rule(sort) else { continue };
        if !rule.reads_payload_alone() {
            return false;
        }
        if *known.entry((from, to, label, names.payload(sort))).or_insert(sort) != sort {
            return false;
        }
    }
    true
}

fn remembers(term: &Term) -> bool {
    !term.scopes.is_empty() || term.frames.values().any(|frame| !frame.slots.is_empty() || !frame.keys.is_empty())
}

fn steps(graph: &Graph) -> impl Iterator<Item = (RoleId, RoleId, LabelId, SortId)> + '_ {
    graph.nodes.values().filter_map(|node| match *node {
        Node::Step { step: Step::Message { from, to }, label, sort, .. } => Some((from, to, label, sort)),
        Node::Step { step: Step::Act(role), label, sort, .. } => Some((role, role, label, sort)),
        _ => None,
    })
}

impl Protocol {
    /// Whether it runs as tables: it is plain, or data is only looked at, message by message. [`Spec::tables`] has the
    /// automata then.
    #[must_use]
    pub fn is_table(&self, names: &Names) -> bool {
        let Some(graph) = &self.graph else { return true };
        self.header.is_plain() && graph.is_flat() && !remembers(&self.term) && told(names, steps(graph))
    }
}

impl SystemDecl {
    /// The same of a system. What one end demands of a message the other end must be written with, too: else its two
    /// ends are two messages to a table.
    #[must_use]
    pub fn is_table(&self, names: &Names) -> bool {
        if self.graphs.is_empty() {
            return true;
        }
        let arms = self.locals.iter().flat_map(|(role, local)| {
            let arms = local.states.values().flat_map(|state| &state.arms);
            arms.filter_map(move |arm| match arm.act {
                Act::Send(to) => Some((role, to, arm.label, arm.sort)),
                Act::Receive(from) => Some((from, role, arm.label, arm.sort)),
                Act::Act => Some((role, role, arm.label, arm.sort)),
                Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => None,
            })
        });
        self.header.is_plain()
            && self.graphs.values().all(Graph::is_flat)
            && !self.terms.values().any(remembers)
            && told(names, arms)
    }
}

impl Spec {
    /// The automata of every role of a protocol or system that [is one of tables](Protocol::is_table); of any other, as
    /// [`Spec::endpoints`].
    pub fn tables(&self, target: Target) -> Result<Endpoints<'_>, NoEndpoints> {
        match target {
            Target::Protocol(at) => {
                let protocol = self.protocols.get(at).ok_or(NoEndpoints::Broken)?;
                match &protocol.graph {
                    Some(graph) if protocol.is_table(&self.names) => {
                        protocol.header.usable()?;
                        let (locals, origin) = self.projected(&protocol.header, graph)?;
                        Ok(Endpoints { header: &protocol.header, locals, origin })
                    }
                    _ => self.endpoints(target),
                }
            }
            Target::System(at) => {
                let system = self.systems.get(at).ok_or(NoEndpoints::Broken)?;
                if system.graphs.is_empty() || !system.is_table(&self.names) {
                    return self.endpoints(target);
                }
                system.header.usable()?;
                let locals = system.locals.clone();
                Ok(Endpoints { header: &system.header, locals, origin: super::Origin::Written })
            }
            _ => self.endpoints(target),
        }
    }
}
