//! Synchronous subtyping.

use polylogue::verify::subtype::{
    Answer, Certificate, Relation,
    sync::{certifies, refutes},
};

use super::small::{Auto, World, all, safe_together};

/// How many steps it takes until the two part: the definition, read as what fails. None if they do not within a depth.
fn fails(sub: &Auto, sup: &Auto, (s, t): (usize, usize), depth: usize) -> Option<usize> {
    let (a, b) = (&sub[s], &sup[t]);
    if a.does != b.does {
        return Some(0);
    }
    let (smaller, larger) = if a.does == '!' { (a, b) } else { (b, a) };
    let mut soonest = None;
    for (label, then) in &smaller.arms {
        let Some((_, other)) = larger.arms.iter().find(|(known, _)| known == label) else { return Some(0) };
        let next = if a.does == '!' { (*then, *other) } else { (*other, *then) };
        if depth > 0
            && let Some(more) = fails(sub, sup, next, depth - 1)
        {
            soonest = Some(soonest.map_or(more + 1, |known: usize| known.min(more + 1)));
        }
    }
    soonest
}

fn check(states: usize, labels: usize) -> [usize; 3] {
    let machines = all(states, labels);
    let mut world = World::new();
    let locals: Vec<_> = machines.iter().map(|auto| world.local(auto)).collect();
    let safe: Vec<Vec<bool>> =
        machines.iter().map(|one| machines.iter().map(|other| safe_together(one, other)).collect()).collect();
    let mut yes = vec![vec![false; machines.len()]; machines.len()];
    let (mut positive, mut shown) = (0, 0);
    for (i, sub) in machines.iter().enumerate() {
        for (j, sup) in machines.iter().enumerate() {
            let (pair, answer) = world.ask(&locals[i], &locals[j], Relation::Sync);
            let (_, converse) = world.ask(&locals[j], &locals[i], Relation::Channel);
            let slow = fails(sub, sup, (0, 0), states * states);
            match (answer, slow) {
                (Answer::Yes(Certificate::Relation(pairs)), None) => {
                    assert!(certifies(&pair, &pairs));
                    assert!(pairs.is_empty() || !certifies(&pair, &pairs[1..]), "{sub:?} <: {sup:?}");
                    assert!(matches!(converse, Answer::Yes(_)));
                    yes[i][j] = true;
                    positive += 1;
                }
                (Answer::No(refutation), Some(soonest)) => {
                    assert_eq!((refutation.sub.len(), refutation.sup.len()), (soonest, soonest), "{sub:?} <: {sup:?}");
                    assert!(!certifies(&pair, &[(0, 0)]), "{sub:?} <: {sup:?}");
                    assert!(refutes(&pair, &refutation));
                    assert!(matches!(converse, Answer::No(_)));
                }
                (answer, slow) => panic!("{sub:?} <: {sup:?}: {answer:?}, but {slow:?}"),
            }
            // It is a subtype if and only if nobody who is right for the larger goes wrong with the smaller: a partner that does,
            // the larger type's dual, is among these machines.
            let spoils = (0..machines.len()).any(|k| safe[j][k] && !safe[i][k]);
            assert_eq!(yes[i][j], !spoils, "{sub:?} <: {sup:?}");
            shown += usize::from(spoils);
        }
    }
    for i in 0..machines.len() {
        assert!(yes[i][i]);
        for j in (0..machines.len()).filter(|&j| yes[i][j]) {
            for k in (0..machines.len()).filter(|&k| yes[j][k]) {
                assert!(yes[i][k], "{:?} <: {:?} <: {:?}", machines[i], machines[j], machines[k]);
            }
        }
    }
    println!("sync, {states} states, {labels} labels: {} machines, {positive} subtypes, {shown} not", machines.len());
    [machines.len(), positive, shown]
}

#[test]
fn all_small_pairs() {
    assert_eq!(check(3, 1), [41, 117, 1564]);
    assert_eq!(check(2, 2), [177, 1873, 29456]);
}
