//! Machine against reference on a random system.

use crate::{
    crosscheck::{Budget, crosscheck},
    generate::{Global, GlobalShape, Rng, WildShape, channels, mutate, wild, wild_terms},
    id::{IdVec, RoleId},
    machine::{Semantics, System, minimize},
    protocol::{
        EdgeKind, Graph, Local, Term,
        project::{Discipline, project_all},
    },
    reference::equations,
};

/// Builds a system from the decisions that the bytes make, and runs its machines, as written and minimized, in lockstep
/// with the reference. Panics with the first disagreement.
pub fn lockstep(bytes: &[u8]) {
    let mut rng = Rng::of_bytes(bytes);
    let Some((locals, terms, kinds)) = draw(&mut rng) else { return };
    let bound = *rng.pick(&[None, Some(0), Some(1), Some(2)]).unwrap_or(&None);
    let least = locals.values().map(minimize).collect::<Result<Vec<_>, _>>();
    let least = least.map(IdVec::from).unwrap_or_else(|_| locals.clone());
    let kind = |from, to| {
        let declared = kinds.iter().rev().find(|&&(f, t, _)| (f, t) == (from, to));
        declared.map_or(EdgeKind::Fifo, |&(.., kind)| kind)
    };
    for locals in [&locals, &least] {
        let Ok(system) = System::of(locals, kind) else { return };
        let budget = Budget { pairs: 25, offers: 200_000 };
        let outcome = crosscheck(&system, &terms, &kinds, Semantics { bound }, budget);
        let told = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert!(outcome.is_ok(), "{told}\n{terms:?}\n{locals:?}\n{kinds:?} {bound:?}");
    }
}

type Drawn = (IdVec<RoleId, Local>, IdVec<RoleId, Term>, Vec<(RoleId, RoleId, EdgeKind)>);

/// Wild automata, wild terms, a projected protocol, or a spoiled one; `None` if what was drawn does not project.
fn draw(rng: &mut Rng) -> Option<Drawn> {
    let kind = rng.below(4);
    if kind < 2 {
        let shape = WildShape::any(rng);
        let kinds = if rng.chance(30) { channels(rng, shape.roles) } else { Vec::new() };
        if kind == 0 {
            let locals = wild(rng, shape);
            let terms = by_equations(&locals)?;
            return Some((locals, terms, kinds));
        }
        let terms = wild_terms(rng, WildShape { size: 15, ..shape });
        let automaton = |(role, term): (RoleId, &Term)| Local::of_graph(role, &Graph::of(term).ok()?).ok();
        let locals = terms.iter().map(automaton).collect::<Option<Vec<_>>>()?;
        return Some((locals.into(), terms, kinds));
    }
    let shape = GlobalShape::any(rng);
    let drawn = Global::any(rng, shape);
    let graph = Graph::of(&drawn.term()).ok()?;
    let mut locals = project_all(&graph, drawn.roles(), Discipline::Full).ok()?;
    if kind == 3 {
        for _ in 0..3 {
            mutate(rng, &mut locals);
        }
    }
    let terms = by_equations(&locals)?;
    Some((locals, terms, drawn.channels().to_vec()))
}

fn by_equations(locals: &IdVec<RoleId, Local>) -> Option<IdVec<RoleId, Term>> {
    let terms = locals.values().map(equations).collect::<Result<Vec<_>, _>>().ok()?;
    Some(terms.into())
}
