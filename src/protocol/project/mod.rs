//! Projection: the local type of a role, read off the graph of a global protocol.
//!
//! In: a [`Graph`] and a role. Out: a [`Local`], or a [`ProjectionError`] that says which two runs the role cannot
//! tell apart, what it would have to do in each, and, where a message could help, which ([`Mend`]).
//!
//! A message is a send for its sender, a receive for its receiver and nothing for the others. A `choice at R` is the
//! union of what its arms begin with for `R`, and the merge of its arms for the others. Arms that begin with the very
//! same message are merged behind it, for all roles. A loop in which the role takes
//! no part is left out; if nothing else remains, the role is at `end`. Nothing here walks over a type as a tree:
//! states are sets of graph nodes, each set is met once, so recursion is coinductive, nested and shadowed loops are
//! nothing special, and common continuations stay common.
//!
//! [`canonical`] erases what the role does not see and determinizes. It never refuses, and is for looking at what goes
//! wrong in a protocol that does not project.
//!
//! PRECONDITION (global): the graph is that of a global protocol, without local steps and local choices.
//!
//! Projection does not ask whether a protocol is *implementable* (more are, than any merge accepts), and makes no
//! attempt to be minimal; machines are minimized later.
//!
//! ```
//! use polylogue::id::{LabelId, RoleId, SortId};
//! use polylogue::protocol::{Act, Graph, Stmt, Term, project};
//! use polylogue::{diag::Span, id::{Id, IdVec}};
//!
//! let (a, b) = (RoleId::from_raw(0), RoleId::from_raw(1));
//! let hello = Stmt::Message {
//!     from: a,
//!     to: [b].into(),
//!     label: LabelId::from_raw(0),
//!     sort: SortId::from_raw(0),
//!     span: Span::default(),
//! };
//! let mut term = Term::default();
//! let block = term.blocks.push(vec![hello])?;
//! term.start = term.bodies.push(block)?;
//! let graph = Graph::of(&term).expect("one message");
//! let local = project::project(&graph, b, project::Discipline::Full).expect("nothing to merge");
//! assert_eq!(local.states[local.initial].arms[0].act, Act::Receive(a));
//! # Ok::<(), polylogue::id::TooMany>(())
//! ```

mod build;
mod diagnose;
mod explain;
mod form;
mod index;
mod mend;
mod merge;
mod states;

pub use mend::{Edit, Mend};

use rustc_hash::FxHashSet;

use super::{graph::Graph, local::Local};
use crate::id::{Id, IdVec, LabelId, NodeId, RoleId, SortId};
use index::{Index, Scratch};
use states::Memo;

/// More failing roles than this are not looked for.
const MAX_ERRORS: usize = 1_000;

/// Which merge operator decides whether a role can follow a choice of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Discipline {
    /// What the role does must be the same in all arms, unless each arm begins with a message to it.
    Plain,
    /// Receives from one peer are united.
    #[default]
    Full,
}

/// Why a role has no local type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionError {
    /// Whose local type is missing.
    pub role: RoleId,
    /// Why.
    pub kind: Kind,
}

/// Why a role has no local type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The role cannot tell two runs apart and would have to do different things.
    Clash(Box<Clash>),
    /// An arm of the role's choice begins with something that the role does not do.
    Begins {
        /// The choice.
        fork: NodeId,
        /// What the arm begins with.
        first: NodeId,
    },
    /// Two arms of the role's choice begin with the same label to the same receiver, but with different payload
    /// signatures, or the role then goes on in ways that do not merge.
    Alike {
        /// The choice.
        fork: NodeId,
        /// What one arm begins with.
        first: NodeId,
        /// What the other begins with.
        second: NodeId,
    },
    /// No statement about the protocol: the local type is larger than we build.
    TooLarge(Limit),
}

impl ProjectionError {
    /// The choice that it is about.
    #[must_use]
    pub fn fork(&self) -> Option<NodeId> {
        match &self.kind {
            Kind::Clash(clash) => clash.fork,
            Kind::Begins { fork, .. } | Kind::Alike { fork, .. } => Some(*fork),
            Kind::TooLarge(_) => None,
        }
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A role has more states than this.
    States(usize),
    /// Too many look-ups in the graph.
    Work,
}

/// Two runs that a role cannot tell apart, and after which it would have to do different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// How what it would do differs.
    pub why: Mismatch,
    /// One run.
    pub first: Side,
    /// The other.
    pub second: Side,
    /// The choice in which the runs part.
    pub fork: Option<NodeId>,
    /// The messages that would tell the role which way the choice went.
    pub mend: Option<Mend>,
}

/// How what a role would do differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It has ended in one run only.
    Ends,
    /// It waits for different peers, or only in one run, or sends or does different things.
    Turns,
    /// The same label has different payload signatures.
    Payload(LabelId),
    /// It waits for different labels of the same peer, which only full merge unites.
    Labels,
}

/// One of two runs that a role cannot tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The node at which the role would go on.
    pub node: NodeId,
    /// What the role would do there.
    pub does: Does,
    /// The step with which the arm of the dividing choice begins, if it has any.
    pub arm: Option<NodeId>,
    /// All steps up to there, those that the role does not see included.
    pub run: Vec<NodeId>,
}

/// What a role would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Nothing more.
    Ends,
    /// Nothing more, while the others go on for ever.
    Idles,
    /// It receives from this peer.
    Waits(RoleId),
    /// It sends this.
    Sends(RoleId, LabelId, SortId),
    /// It does this by itself.
    Acts(LabelId, SortId),
    /// It takes a decision of its own.
    Decides,
}

/// The local type of a role under a discipline.
///
/// A choice of the role itself that lacks form is an error here; those of other roles are not looked at (see
/// [`project_all`]).
pub fn project(graph: &Graph, role: RoleId, discipline: Discipline) -> Result<Local, ProjectionError> {
    Projector::new(graph).project(role, discipline)
}

/// The local types of the roles `0..roles`, or every reason why some are missing.
///
/// Of each role the choices that lack form are reported, and if there are none, the first clash; after 1,000 errors
/// the rest is left out. A clash that comes from a choice without form is not reported beside it.
pub fn project_all(
    graph: &Graph,
    roles: usize,
    discipline: Discipline,
) -> Result<IdVec<RoleId, Local>, Vec<ProjectionError>> {
    let mut projector = Projector::new(graph);
    let mut locals = IdVec::new();
    let mut errors = projector.form.clone();
    for role in (0..roles).map_while(|role| RoleId::new(role).ok()) {
        if errors.iter().any(|error| error.role == role) {
            continue;
        }
        match projector.project(role, discipline) {
            Ok(local) => {
                locals.push(local).expect("there are no more local types than roles, which have ids");
            }
            Err(error) => {
                // What is spent is spent for all roles.
                let spent = matches!(error.kind, Kind::TooLarge(Limit::Work));
                errors.push(error);
                if spent || errors.len() >= MAX_ERRORS {
                    break;
                }
            }
        }
    }
    // What a choice without form does to others is not worth a further word.
    let formless: FxHashSet<NodeId> = projector.form.iter().filter_map(ProjectionError::fork).collect();
    errors.retain(|error| {
        let felt = matches!(error.kind, Kind::Clash(_)) && error.fork().is_some_and(|fork| formless.contains(&fork));
        !felt
    });
    if errors.is_empty() { Ok(locals) } else { Err(errors) }
}

/// The subset construction of a role: steps without it are erased, what remains is determinized.
///
/// A state may stop if the whole protocol may have ended there, or if nothing remains but loops without the role.
/// States that send and receive, or wait for several peers, or may stop and go on, come as they come.
pub fn canonical(graph: &Graph, role: RoleId) -> Result<Local, ProjectionError> {
    Projector::new(graph).canonical(role)
}

/// What projections of one graph share. Use it to look at several roles of a graph.
pub struct Projector<'g> {
    index: Index<'g>,
    scratch: Scratch,
    memo: Memo,
    form: Vec<ProjectionError>,
}

impl<'g> Projector<'g> {
    /// O(size of the graph).
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        let index = Index::of(graph);
        let mut scratch = Scratch::new(graph);
        let form = form::check(&index, &mut scratch);
        Self { index, scratch, memo: Memo::new(graph.nodes.len()), form }
    }

    /// Choices that lack form, of all roles.
    #[must_use]
    pub fn form(&self) -> &[ProjectionError] {
        &self.form
    }

    /// See [`project`].
    pub fn project(&mut self, role: RoleId, discipline: Discipline) -> Result<Local, ProjectionError> {
        if let Some(error) = self.form.iter().find(|error| error.role == role) {
            return Err(error.clone());
        }
        self.project_region(role, discipline, self.index.graph.start)
    }

    /// See [`canonical`].
    pub fn canonical(&mut self, role: RoleId) -> Result<Local, ProjectionError> {
        self.canonical_region(role, self.index.graph.start)
    }

    /// The local type of a role in one region, from its start.
    pub fn project_region(
        &mut self,
        role: RoleId,
        discipline: Discipline,
        start: NodeId,
    ) -> Result<Local, ProjectionError> {
        build::build(&self.index, &mut self.scratch, &mut self.memo, role, Some(discipline), start)
    }

    /// The subset construction of a role in one region, from its start.
    pub fn canonical_region(&mut self, role: RoleId, start: NodeId) -> Result<Local, ProjectionError> {
        build::build(&self.index, &mut self.scratch, &mut self.memo, role, None, start)
    }
}
