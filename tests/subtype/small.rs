//! All small machines, and samples of larger ones, against the game and against a partner.

use polylogue::{
    event::Verdict,
    id::IdVec,
    verify::{
        Options, Property, Subject, check_subject,
        subtype::{Answer, Certificate, Refutation, Why, certificate},
    },
};

use super::{
    common::{ask, shown},
    game::{was_cut, wrong},
    machines::{M, Rng, S, World, all, canonical, dual, random},
};

/// The game is played so far.
const DEPTH: usize = 9;

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    yes: usize,
    no: usize,
    /// Of these, those that the game was played long enough to see.
    seen: usize,
    forgotten: usize,
    unknown: usize,
}

fn options() -> Options {
    Options { max_states: 100_000, ..Options::default() }
}

/// One pair against the game.
fn judge(world: &World, sub: &M, sup: &M, counts: &mut Counts) -> Answer {
    let pair = world.pair(sub, sup);
    let answer = ask(&pair, &options());
    let told = || format!("{sub:?}\n<: {sup:?}\n{}", shown(&pair, &answer));
    match &answer {
        Answer::Yes(_) => {
            counts.yes += 1;
            assert!(!wrong(sub, sup, DEPTH), "a yes that goes wrong: {}", told());
        }
        Answer::No(refutation) if refutation.cycle.is_some() => counts.forgotten += 1,
        Answer::No(refutation) => {
            counts.no += 1;
            // The game ends with the action of the smaller type that goes wrong; a label that the larger type lacks is
            // missed at once, while the run learns of it when the inputs before it are taken.
            // Where the larger type may go on for ever without it, no game of a fixed depth sees that it never comes.
            if refutation.sub.len() < DEPTH {
                let won = wrong(sub, sup, refutation.sub.len() + refutation.sup.len() + 2);
                assert!(won || was_cut(), "a no that is none: {}", told());
                counts.seen += usize::from(won);
            }
        }
        Answer::Unknown(_) => counts.unknown += 1,
    }
    answer
}

fn exhaustive(states: usize, peers: usize, labels: usize, every: usize) -> (usize, Counts) {
    let world = World::new();
    let machines = all(states, peers, labels);
    let mut counts = Counts::default();
    let mut rng = Rng(7);
    for sub in &machines {
        for sup in &machines {
            if every == 1 || rng.one_in(every) {
                judge(&world, sub, sup, &mut counts);
            }
        }
    }
    println!("{states} states, {peers} peers, {labels} labels: {} machines, {counts:?}", machines.len());
    (machines.len(), counts)
}

fn long() -> bool {
    std::env::var_os("POLYLOGUE_LONG").is_some()
}

#[test]
fn all_pairs_of_three_states_and_one_label() {
    let (machines, counts) = exhaustive(3, 1, 1, 1);
    assert_eq!(counts.unknown, 0);
    assert_eq!(counts.yes + counts.no + counts.forgotten, machines * machines);
    assert!(counts.yes > 50 && counts.seen > 500 && counts.forgotten > 100, "{counts:?}");
}

#[test]
fn all_pairs_of_two_states_and_two_labels() {
    let (_, counts) = exhaustive(2, 1, 2, if long() { 1 } else { 20 });
    assert_eq!(counts.unknown, 0);
    assert!(counts.yes > 50 && counts.seen > 500, "{counts:?}");
}

#[test]
fn all_pairs_of_two_states_and_two_peers() {
    let (_, counts) = exhaustive(2, 2, 1, 1);
    assert_eq!(counts.unknown, 0);
    assert!(counts.yes > 50 && counts.seen > 500 && counts.forgotten > 100, "{counts:?}");
}

#[test]
fn samples_of_larger_machines() {
    let world = World::new();
    let mut rng = Rng(11);
    let mut counts = Counts::default();
    let rounds = if long() { 1_000_000 } else { 20_000 };
    for round in 0..rounds {
        let (states, peers, labels) = [(3, 1, 2), (4, 1, 1), (3, 2, 1), (4, 2, 2), (5, 1, 2), (4, 3, 1)][round % 6];
        let sup = canonical(&random(&mut rng, states, peers, labels));
        // A random smaller type is hardly ever one; one near to the larger may be.
        let sub = if rng.one_in(3) { random(&mut rng, states, peers, labels) } else { near(&mut rng, &sup, labels) };
        judge(&world, &canonical(&sub), &sup, &mut counts);
    }
    println!("{rounds} samples: {counts:?}");
    assert!(counts.yes > rounds / 20 && counts.no > rounds / 20 && counts.forgotten > 10, "{counts:?}");
    assert!(counts.unknown * 1_000 < rounds, "{counts:?}");
}

/// A machine with a change or two.
fn near(rng: &mut Rng, machine: &M, labels: usize) -> M {
    let mut machine = machine.clone();
    for _ in 0..=rng.below(2) {
        let (at, states) = (rng.below(machine.len()), machine.len());
        match &mut machine[at] {
            S::End => {}
            S::Send(_, arms) | S::Receive(_, arms) => match rng.below(4) {
                0 if arms.len() > 1 => {
                    let out = rng.below(arms.len());
                    arms.remove(out);
                }
                1 => {
                    let label = rng.below(labels);
                    if arms.iter().all(|&(known, _)| known != label) {
                        arms.push((label, rng.below(states)));
                    }
                }
                2 => {
                    let which = rng.below(arms.len());
                    arms[which].1 = rng.below(states);
                }
                _ => {
                    let other = rng.below(states);
                    machine.swap(at, other);
                }
            },
        }
    }
    machine
}

/// With the dual of the larger type as a partner, the smaller type is safe if it is one; and if not, it goes wrong there,
/// unless something is only forgotten.
#[test]
fn with_a_partner() {
    let world = World::new();
    let machines = all(3, 1, 1);
    let mut rng = Rng(13);
    let (mut safe, mut unsafe_, mut compatible) = (0, 0, 0);
    let mut check = |sub: &M, sup: &M| {
        let answer = ask(&world.pair(sub, sup), &options());
        let locals = IdVec::from(vec![world.local(sub), world.local_at(&dual(sup), 1, &[0])]);
        let options = Options { max_states: 20_000, max_bound: 3, ..Options::default() };
        let subject = Subject::written(locals, &[]);
        let outcome = check_subject(&subject, Property::Safe, &options, &mut |_| None).unwrap();
        // So is k-multiparty compatibility, which has its own theorem and knows nothing of subtyping.
        let kmc = check_subject(&subject, Property::Kmc, &options, &mut |_| None).unwrap();
        if kmc.verdict == Verdict::Holds {
            compatible += 1;
            let forgotten = matches!(&answer, Answer::No(Refutation { cycle: Some(_), .. }));
            assert!(
                forgotten || matches!(answer, Answer::Yes(_)),
                "{sub:?} is compatible with a partner of {sup:?}: {answer:?}"
            );
        }
        match (&answer, &outcome.verdict) {
            (Answer::Yes(_), Verdict::Violated(run)) => panic!("{sub:?} <: {sup:?}, and yet {run:?}"),
            (Answer::Yes(_), _) => safe += 1,
            (Answer::No(Refutation { cycle: None, .. }), Verdict::Holds) => {
                panic!("{sub:?} is no subtype of {sup:?}, and yet safe with its partner")
            }
            (Answer::No(Refutation { cycle: None, .. }), Verdict::Violated(_)) => unsafe_ += 1,
            _ => {}
        }
    };
    for sub in &machines {
        for sup in &machines {
            if long() || rng.one_in(4) {
                check(sub, sup);
            }
        }
    }
    for _ in 0..if long() { 20_000 } else { 2_000 } {
        let sup = canonical(&random(&mut rng, 4, 1, 2));
        let sub = canonical(&near(&mut rng, &sup, 2));
        check(&sub, &sup);
    }
    println!("{safe} safe, {unsafe_} unsafe, {compatible} compatible");
    assert!(safe > 300 && unsafe_ > 300 && compatible > 300);
}

/// All words of a machine up to a length, as letters of the pair.
fn all_words(half: &polylogue::verify::subtype::Half, len: usize) -> Vec<Vec<u32>> {
    let mut found = vec![(Vec::new(), half.initial())];
    let mut at = 0;
    while at < found.len() {
        let (word, state): (Vec<u32>, u32) = found[at].clone();
        if word.len() < len {
            for arm in half.arms(state) {
                let mut longer = word.clone();
                longer.push(arm.letter);
                found.push((longer, arm.then));
            }
        }
        at += 1;
    }
    found.into_iter().map(|(word, _)| word).collect()
}

/// Of what is a yes, no pair of short words is accepted as a refutation, with a cycle or without.
#[test]
fn a_yes_has_no_short_refutation() {
    let world = World::new();
    let machines = all(3, 1, 1);
    let mut rng = Rng(17);
    let (mut pairs, mut words) = (0, 0);
    let wanted = if long() { 3_000 } else { 150 };
    while pairs < wanted {
        let sup = if rng.one_in(2) { machines[rng.below(machines.len())].clone() } else { random(&mut rng, 3, 2, 1) };
        let sub = if rng.one_in(2) { machines[rng.below(machines.len())].clone() } else { near(&mut rng, &sup, 1) };
        let pair = world.pair(&sub, &sup);
        let Answer::Yes(_) = ask(&pair, &options()) else { continue };
        pairs += 1;
        let (subs, sups) = (all_words(&pair.sub, 5), all_words(&pair.sup, 5));
        for small in &subs {
            for large in &sups {
                let mut whys = Vec::new();
                for (letter, _) in (0..).zip(pair.letters()) {
                    for at in 0..3 {
                        whys.extend([Why::Extra { letter, at }, Why::Unhandled { letter, at }]);
                    }
                }
                for (s, q) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (0, 2), (1, 2), (2, 2)] {
                    whys.extend([Why::Overtakes { sub: s, sup: q }, Why::Ends { sub: s, sup: q }]);
                }
                for why in whys {
                    words += 1;
                    let no = Refutation { sub: small.clone(), sup: large.clone(), cycle: None, why };
                    assert!(certificate::refutes(&pair, &no).is_err(), "{sub:?} <: {sup:?}: {no:?}");
                }
                for (letter, _) in (0..).zip(pair.letters()) {
                    for i in 0..=small.len() {
                        for j in 0..=large.len() {
                            words += 1;
                            let (sub_word, sup_word) = (small.clone(), large.clone());
                            let why = Why::Forgotten { letter };
                            let no = Refutation { sub: sub_word, sup: sup_word, cycle: Some((i, j)), why };
                            assert!(certificate::refutes(&pair, &no).is_err(), "{sub:?} <: {sup:?}: {no:?}");
                        }
                    }
                }
            }
        }
    }
    println!("{pairs} pairs, {words} would-be refutations");
    assert!(words > 10_000);
}

/// No certificate of another pair, and none with a change, is accepted for what is not related.
#[test]
fn what_is_not_related_has_no_certificate() {
    let world = World::new();
    let machines = all(3, 1, 1);
    let mut rng = Rng(19);
    let mut certificates = Vec::new();
    let mut unrelated = Vec::new();
    for _ in 0..4_000 {
        let (sub, sup) = (&machines[rng.below(machines.len())], &machines[rng.below(machines.len())]);
        let pair = world.pair(sub, sup);
        match ask(&pair, &options()) {
            Answer::Yes(Certificate::Queues(queues)) => certificates.push((pair, queues)),
            Answer::No(_) => unrelated.push(pair),
            _ => {}
        }
    }
    let mut tried = 0;
    for pair in unrelated.iter().take(300) {
        for (_, queues) in certificates.iter().take(200) {
            tried += 1;
            assert!(certificate::check(pair, queues).is_err());
        }
    }
    // A change is either refused, or what it says is still closed; most are refused.
    let (mut changed, mut refused) = (0, 0);
    for (pair, queues) in &certificates {
        for _ in 0..10 {
            let mut bad = (**queues).clone();
            match rng.below(6) {
                0 => {
                    let at = rng.below(bad.rows.len());
                    bad.rows[at].0 ^= 1;
                }
                1 => {
                    let at = rng.below(bad.rows.len());
                    bad.rows[at].1 ^= 1;
                }
                2 if !bad.next.is_empty() => {
                    let at = rng.below(bad.next.len());
                    bad.next[at] = u32::try_from(bad.rows.len()).unwrap();
                }
                3 if !bad.contents.is_empty() => {
                    let at = rng.below(bad.contents.len());
                    bad.contents[at].1.len += 1;
                }
                4 if !bad.neighbours.is_empty() => {
                    let at = rng.below(bad.neighbours.len());
                    bad.neighbours.remove(at);
                }
                5 if !bad.contents.is_empty() => {
                    let at = rng.below(bad.contents.len());
                    bad.contents[at].0 ^= 1;
                }
                _ => continue,
            }
            changed += 1;
            refused += usize::from(certificate::check(pair, &bad).is_err());
        }
    }
    println!("{tried} foreign certificates refused, {refused} of {changed} changed ones");
    assert!(tried > 10_000 && changed > 1_000 && refused * 20 > changed * 19, "{refused} of {changed}");
}

/// Reflexive, and transitive on what is found.
#[test]
fn it_is_a_preorder() {
    let world = World::new();
    let mut rng = Rng(23);
    let mut chains = 0;
    for _ in 0..if long() { 50_000 } else { 3_000 } {
        let (states, peers, labels) = [(3, 1, 2), (4, 2, 1), (3, 1, 1)][rng.below(3)];
        let top = canonical(&random(&mut rng, states, peers, labels));
        let same = ask(&world.pair(&top, &top), &options());
        assert!(matches!(same, Answer::Yes(_)), "{top:?}");
        let middle = canonical(&near(&mut rng, &top, labels));
        let low = canonical(&near(&mut rng, &middle, labels));
        let yes = |sub: &M, sup: &M| matches!(ask(&world.pair(sub, sup), &options()), Answer::Yes(_));
        if yes(&low, &middle) && yes(&middle, &top) {
            chains += 1;
            let answer = ask(&world.pair(&low, &top), &options());
            assert!(!matches!(answer, Answer::No(_)), "{low:?} <: {middle:?} <: {top:?}");
        }
    }
    println!("{chains} chains");
    assert!(chains > 300);
}
