//! Which states of a type some partner can lead to its end.
//!
//! A state is *controllable* if a partner who chooses what the type receives, and bears whatever it sends, can always get
//! it to its end (Bravetti, Lange, Zavattaro, "Fair refinement for asynchronous session types", 2021): of what a state sends
//! all must be controllable, of what it receives one suffices, and the end must stay in reach. Where a type is not controllable no
//! partner is right for it, and anything can stand in its place.

use super::{Half, Kind};

/// Of each state, whether it is controllable.
#[must_use]
pub fn controllable(half: &Half) -> Vec<bool> {
    let states = || (0_u32..).take(half.len());
    let ends = |state: u32| half.kind(state) == Kind::End && half.may_stop(state);
    let sends = |state: u32| matches!(half.kind(state), Kind::Select(_) | Kind::SelectMany);
    let mut sources: Vec<Vec<u32>> = vec![Vec::new(); half.len()];
    for state in states() {
        for arm in half.arms(state) {
            if let Some(into) = sources.get_mut(arm.then as usize) {
                into.push(state);
            }
        }
    }
    let is = |set: &[bool], state: u32| set.get(state as usize).copied().unwrap_or(false);
    let mut good = vec![true; half.len()];
    loop {
        // Those of the good ones from which the end is in reach, through good ones alone.
        let mut near = vec![false; half.len()];
        let mut open: Vec<u32> = states().filter(|&state| ends(state) && is(&good, state)).collect();
        while let Some(state) = open.pop() {
            if let Some(place) = near.get_mut(state as usize)
                && !*place
            {
                *place = true;
                let into = sources.get(state as usize).into_iter().flatten().copied();
                open.extend(into.filter(|&from| is(&good, from)));
            }
        }
        let stays = |state: u32| {
            let mut then = half.arms(state).iter().map(|arm| is(&near, arm.then));
            is(&near, state)
                && (ends(state) || if sends(state) { then.all(|good| good) } else { then.any(|good| good) })
        };
        let next: Vec<bool> = states().map(stays).collect();
        if next == good {
            return good;
        }
        good = next;
    }
}
