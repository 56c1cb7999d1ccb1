//! Roles that can be exchanged one for another, and a configuration that stands for all that differ in who is who.
//!
//! A permutation of the roles *leaves a system as it is* if it takes each role's machine, with the peers renamed, onto the
//! machine of the role that it is taken to, and each edge onto one of the same kind. Then it takes runs to runs, bad
//! configurations to bad ones, and the start to itself (a state map per role comes with it: a pool that answers worker 1
//! is taken to the pool that answers worker 2). Two configurations that such permutations take to each other have the
//! same future up to names, so a search for something bad may keep one of them: Ip and Dill, "Better verification through
//! symmetry", 1996; Clarke, Enders, Filkorn and Jha, "Exploiting symmetry in temporal logic model checking", 1996.
//!
//! ```text
//! [find]     families of members, each one role or several that go together (a client and its proxy); for members i and
//!            i + 1 the swap of the two, checked state by state, offer by offer. Swaps make all permutations of a family.
//! [orbit]    a configuration's members are sorted by what each is in it: its state and queues, how the others' states
//!            speak of it. Whatever the order is, the result is the configuration under a permutation that was checked.
//! [run]      a run over such configurations, given back its names: a run of the system, event by event.
//! ```
//!
//! INVARIANT (checked): every swap is an involution of the roles that leaves the system as it is, with its maps of states.
//!
//! That sorting finds the same configuration for all that could stand for each other matters for how many are left, not for
//! the verdict. Distances from the start stay, so shortest runs stay shortest. It is used where single configurations are
//! sought (`safe`, `deadlock_free`); what is waited for, and by whom, is told by names on the way: liveness is decided on
//! the whole graph. Machines with twins and edges that lose messages are left alone.

mod find;
mod orbit;

pub(super) use orbit::{Scratch, follow};

use crate::{
    id::{EdgeId, IdVec, MessageId, RoleId, StateId},
    machine::System,
};

/// What a swap does to one role.
#[derive(Debug)]
struct Turn {
    from: RoleId,
    to: RoleId,
    /// The states of `from`, as states of `to`; none if they are the same.
    states: Option<Box<[StateId]>>,
}

/// Two members exchanged; roles that are not named stay as they are.
#[derive(Debug)]
struct Swap {
    turns: Vec<Turn>,
}

/// How a role's state speaks of a member: equal numbers, if one can be taken to the other.
#[derive(Debug)]
struct Tells {
    role: RoleId,
    colours: Box<[u32]>,
}

/// Members that can be exchanged in every way.
#[derive(Debug)]
struct Family {
    /// The roles of each, in corresponding order.
    members: Vec<Vec<RoleId>>,
    /// `swaps[i]` exchanges the members `i` and `i + 1`.
    swaps: Vec<Swap>,
    /// Per member: the edges among its roles and with roles outside of the family, in corresponding order.
    edges: Vec<Vec<EdgeId>>,
    /// Per member: its own roles and those outside of the family that speak of it, in corresponding order.
    tells: Vec<Vec<Tells>>,
    /// If members talk to each other, per member and other member: that one's states, and the edges between the two.
    others: Vec<Vec<(Vec<Tells>, Vec<EdgeId>)>>,
}

/// The families of a system.
#[derive(Debug)]
pub(super) struct Symmetry {
    families: Vec<Family>,
    /// The first message of each edge; those of an edge are numbered one by one.
    first: IdVec<EdgeId, MessageId>,
    /// Edges with an end in a family.
    edges: Vec<EdgeId>,
}

impl Symmetry {
    /// The families of a system, if it has any.
    pub(super) fn of(system: &System) -> Option<Self> {
        find::symmetry(system)
    }

    /// The roles that can be exchanged, family by family; of members with several roles the first.
    pub(super) fn roles(&self) -> Vec<Vec<RoleId>> {
        let first = |family: &Family| family.members.iter().filter_map(|member| member.first().copied()).collect();
        self.families.iter().map(first).collect()
    }
}
