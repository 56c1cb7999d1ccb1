//! A local automaton as a term: one block of a `states` per state.

use crate::{
    id::{BlockId, BodyId, Id, IdVec, StateId, TooMany, VarId},
    protocol::{Act, Arm, Chooser, Local, Stmt, Term},
};

/// The term that says the same as an automaton, state by state: a projected role runs in the reference as this.
pub fn equations(local: &Local) -> Result<Term, TooMany> {
    let mut blocks: IdVec<BlockId, Vec<Stmt>> = IdVec::new();
    let mut named = Vec::new();
    for (id, state) in local.states.iter() {
        let mut arms = Vec::new();
        for arm in &state.arms {
            arms.push(blocks.push(vec![step(local, arm), jump(arm.then, arm)])?);
        }
        if state.may_stop {
            arms.push(blocks.push(Vec::new())?);
        }
        let choice = Stmt::Choice { at: Chooser::Mixed, arms: arms.into(), span: state.span };
        named.push((VarId::from_raw(id.raw()), blocks.push(vec![choice])?));
    }
    // The first is entered.
    named.sort_by_key(|&(name, _)| name.raw() != local.initial.raw());
    let span = local.states.entry(local.initial).map(|state| state.span).unwrap_or_default();
    let main = blocks.push(vec![Stmt::States { blocks: named.into(), span }])?;
    let mut bodies = IdVec::new();
    let start: BodyId = bodies.push(main)?;
    Ok(Term { blocks, bodies, start, compact: false, ..Term::default() })
}

fn step(local: &Local, &Arm { act, label, sort, span, .. }: &Arm) -> Stmt {
    match act {
        Act::Send(to) => Stmt::Send { to, label, sort, span },
        Act::Receive(from) => Stmt::Receive { from, label, sort, span },
        Act::Act | Act::Scope(_) | Act::Leave(..) | Act::Exit(..) => Stmt::Act { role: local.role, label, sort, span },
    }
}

fn jump(to: StateId, arm: &Arm) -> Stmt {
    Stmt::Continue { var: VarId::from_raw(to.raw()), span: arm.span }
}
