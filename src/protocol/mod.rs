//! Protocols and local types as terms over dense ids, what is wrong with their form, and projection.
//!
//! Lowering looks up every name of a syntax tree once; after it there are only ids. What comes out of a file and its
//! imports is a [`Spec`]. A protocol's statements stay a [`Term`] (the reference semantics rewrites it) and become a
//! control-flow [`Graph`], from which the local type of a role is projected as a [`Local`] automaton.

mod endpoints;
mod graph;
mod local;
mod lower;
mod names;
mod predicate;
pub mod project;
mod rule;
mod settle;
pub mod show;
mod spec;
mod tables;
mod term;
mod wellformed;

pub use endpoints::{Endpoints, NoEndpoints, Origin};
pub use graph::{Entry, Graph, GraphError, Node, Region, Shape, ShapeKind, Step};
pub use local::{Act, Arm, Local, LocalError, MAX_ARMS, State};
pub use lower::{InMemory, LoadError, Loader, NoImports, lower, read};
pub use names::Names;
pub use predicate::Args;
pub use project::{Discipline, ProjectionError, Projector};

pub use crate::data::{Builtin, Field, Payload, Sort};
pub use rule::{
    Condition, ConditionKind, Frame, Key, KeyOf, KeyUse, Linear, MAX_INDEX, Memory, PAYLOAD, Predicate, PredicateBody,
    Requirement, Rule, Set, SlotInfo, Who, place, slot,
};
pub use spec::{
    Claim, ClaimKind, EdgeKind, Expected, Flat, Header, LocalDecl, Observer, Protocol, Role, Side, Spec, SystemDecl,
    Target, TraceDecl, TraceEvent, TraceKind,
};
pub use term::{Chooser, Handler, Round, Scope, Stmt, Term, Trigger};
