//! Subtyping and projection of the families of the literature: polylogue's, and what published crates have of it.
//!
//! Only `telltale-theory` 22 can be had as a crate: synchronous subtyping, and an asynchronous one by cutting both types
//! into phases of inputs and outputs, and projection by merge. The tools that the literature measures (`rumpsteak`'s
//! subtyping, `kmc`, the CONCUR'19 checker, nuScr, Scribble) are in no registry; what was measured of them, per process on
//! two shared cores, stands beside. `cargo bench --bench kmc` of polylogue itself has the rows for k-multiparty
//! compatibility.
//!
//! An answer is worth its time only if it is right: all related pairs are subtypes by the definition, all near misses
//! (one transition changed) are not. Wrong answers are marked, ours end the run. The synchronous relation is another one,
//! under which nothing is sent ahead: where it differs, that is said.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

use polylogue::{
    generate::{Twist, family},
    load::Loaded,
    protocol::{ClaimKind, NoImports, Spec, Target},
    verify::{
        self, Options, Property,
        subtype::{Answer, Half, Meter, Pair, Part, Relation, Way, decide},
    },
};
use telltale_theory::{
    projection::project_all,
    subtyping::{async_subtype, sync_subtype},
};
use telltale_types::{GlobalType, Label, LocalTypeR};

/// A family, a size, what the literature's tools took.
const SUBTYPING: &[(&str, usize, &str)] = &[
    ("streaming", 10, ""),
    ("streaming", 100, "rumpsteak 1.6 ms (told visits = 2); kmc 0.91 s; CONCUR'19 0.13 s"),
    ("nested-choice", 3, "rumpsteak 2.4 ms (told visits = 1); kmc 53 ms"),
    ("nested-choice", 4, "rumpsteak 35 ms; kmc 0.85 s; CONCUR'19 0.17 s"),
    ("nested-choice", 5, "rumpsteak 1.1 to 2.3 s; kmc 50.9 s; CONCUR'19 2.9 s"),
    ("ring", 30, "rumpsteak 14 ms for all (29 pairs, told visits = 2)"),
    ("double-buffering", 100, "rumpsteak 4.3 ms (told visits = 76); kmc 2.9 s"),
    ("double-buffering", 400, "rumpsteak 29 ms (told visits = 410)"),
    ("fft", 8, "rumpsteak: yes, not timed apart"),
];

const PROJECTION: &[(&str, usize, &str)] = &[
    ("ring-global", 200, "nuScr 14 ms; scribble-java 39 s"),
    ("broadcast-choice", 15, "scribble-java > 60 s"),
    ("broadcast-choice", 200, "nuScr 259 ms for 2,000"),
    ("choice-tree", 8, "nuScr 0.3 to 0.5 s; scribble-java 1.4 s"),
    ("choice-tree", 10, "nuScr 6.7 to 7.7 s; scribble-java 3.1 s"),
    ("chain", 200, "nuScr 10 ms; scribble-java 0.56 s"),
];

/// The best of some runs, and what came out.
fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let mut found = run();
    let mut least = begun.elapsed();
    for _ in 0..50 {
        let start = Instant::now();
        found = run();
        least = least.min(start.elapsed());
        if begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    (least, found)
}

fn load(name: &str, n: usize, near_miss: bool) -> Loaded {
    let text =
        family(name, &[n], Twist { seed: Some(7), near_miss, ..Twist::default() }).expect("a member of the family");
    Loaded::new("family", text, &mut NoImports)
}

fn part(spec: &Spec, target: Target) -> Part<'_> {
    let Target::Local(at) = target else { panic!("{target:?} is no local type") };
    let local = &spec.locals[at];
    Part { names: &spec.names, header: &local.header, local: local.local.as_ref().expect("a plain local type") }
}

fn pairs(spec: &Spec) -> Vec<Pair> {
    let of = |kind: &ClaimKind| match kind {
        ClaimKind::Subtype { sub, sup, .. } => Some(Pair::of(part(spec, *sub), part(spec, *sup)).expect("plain types")),
        ClaimKind::Property { .. } => None,
    };
    spec.claims.iter().filter_map(|claim| of(&claim.kind)).collect()
}

/// A machine as a type of the other crate: a tree, with a binder wherever the way back leads.
fn tree(pair: &Pair, half: &Half, state: u32, above: &mut Vec<(u32, bool)>) -> LocalTypeR {
    if let Some(place) = above.iter_mut().find(|(known, _)| *known == state) {
        place.1 = true;
        return LocalTypeR::var(format!("X{state}"));
    }
    let Some(first) = half.arms(state).first().and_then(|arm| pair.letter(arm.letter)) else { return LocalTypeR::End };
    above.push((state, false));
    let mut branches = Vec::new();
    for arm in half.arms(state) {
        let label = pair.letter(arm.letter).map_or(0, |letter| letter.label);
        branches.push((Label::new(&*pair.labels()[label as usize]), None, tree(pair, half, arm.then, above)));
    }
    let peer = &*pair.peers()[first.peer as usize];
    let own = match first.way {
        Way::Send => LocalTypeR::send_choice(peer, branches),
        Way::Receive | Way::Act => LocalTypeR::recv_choice(peer, branches),
    };
    match above.pop() {
        Some((_, true)) => LocalTypeR::mu(format!("X{state}"), own),
        _ => own,
    }
}

fn ours(pairs: &[Pair]) -> Vec<bool> {
    let decide = |pair| match decide(pair, Relation::Async, &mut Meter::new(&Options::default(), &mut |_| None)) {
        Answer::Yes(_) => true,
        Answer::No(_) => false,
        Answer::Unknown(tried) => panic!("{tried:?}"),
    };
    pairs.iter().map(|pair| decide(black_box(pair))).collect()
}

type Compare<'a> = &'a dyn Fn(&LocalTypeR, &LocalTypeR) -> bool;

/// Its time, and how many of its answers are others.
fn theirs(types: &[(LocalTypeR, LocalTypeR)], right: &[bool], differ: &str, compare: Compare<'_>) -> String {
    let (time, found) = best(|| -> Vec<bool> { types.iter().map(|(sub, sup)| compare(sub, sup)).collect() });
    let wrong = found.iter().zip(right).filter(|(found, right)| found != right).count();
    match wrong {
        0 => format!("{time:.1?}"),
        _ => format!("{time:.1?} ({wrong} of {} {differ})", right.len()),
    }
}

fn subtyping() {
    println!("asynchronous subtyping; types are read and minimized before the clock runs\n");
    let columns = ["pairs", "polylogue", "telltale async", "telltale sync"];
    println!(
        "{:<24} {:<9} {:>5} {:>12} {:>26} {:>26}  published",
        "family", "", columns[0], columns[1], columns[2], columns[3]
    );
    for &(name, n, published) in SUBTYPING {
        for near_miss in [false, true] {
            let loaded = load(name, n, near_miss);
            let pairs = pairs(&loaded.spec);
            let (time, right) = best(|| ours(&pairs));
            assert_eq!(right.iter().all(|yes| *yes), !near_miss, "{name}({n})");
            let types: Vec<(LocalTypeR, LocalTypeR)> = pairs
                .iter()
                .map(|pair| {
                    let sub = tree(pair, &pair.sub, pair.sub.initial(), &mut Vec::new());
                    (sub, tree(pair, &pair.sup, pair.sup.initial(), &mut Vec::new()))
                })
                .collect();
            let by_phases = theirs(&types, &right, "wrong", &|sub, sup| async_subtype(sub, sup).is_ok());
            let in_step = theirs(&types, &right, "differ", &|sub, sup| sync_subtype(sub, sup).is_ok());
            let (what, published) = if near_miss { ("near miss", "") } else { ("related", published) };
            let row = format!("{name}({n})");
            println!("{row:<24} {what:<9} {:>5} {time:>12.1?} {by_phases:>26} {in_step:>26}  {published}", pairs.len());
        }
    }
}

/// A block of a protocol of these families as a type of the other crate, up to the brace that ends it: nothing follows a
/// choice or a loop.
fn block(lines: &mut std::iter::Peekable<std::str::Lines<'_>>) -> GlobalType {
    if lines.peek().is_none_or(|line| line.trim().starts_with('}')) {
        return GlobalType::End;
    }
    let line = lines.next().map_or("", str::trim);
    if let Some(name) = line.strip_prefix("rec ") {
        let var = name.trim_end_matches('{').trim().to_owned();
        let body = Box::new(block(lines));
        let _ = lines.next();
        return GlobalType::Mu { var, body };
    }
    if let Some(name) = line.strip_prefix("continue ") {
        return GlobalType::Var(name.trim_end_matches(';').to_owned());
    }
    if line.starts_with("choice at") {
        let mut all = Vec::new();
        loop {
            let GlobalType::Comm { sender, receiver, branches } = block(lines) else {
                panic!("an arm begins with a message")
            };
            all.extend(branches);
            if lines.next().is_none_or(|line| !line.trim().starts_with("} or")) {
                return GlobalType::Comm { sender, receiver, branches: all };
            }
        }
    }
    let (ends, label) = line.split_once(": ").expect("a message");
    let (sender, receiver) = ends.split_once(" -> ").expect("two roles");
    let label = Label::new(label.trim_end_matches([';', '(', ')']));
    GlobalType::Comm { sender: sender.into(), receiver: receiver.into(), branches: vec![(label, block(lines))] }
}

fn projection() {
    println!("\nprojection to all roles; ours from the text on, with the check that all is implementable\n");
    println!("{:<24} {:>12} {:>26}  published", "family", "polylogue", "telltale");
    for &(name, n, published) in PROJECTION {
        let text = family(name, &[n], Twist::default()).expect("a member of the family");
        let (time, ()) = best(|| {
            let loaded = Loaded::new("family", text.as_str(), &mut NoImports);
            let target = loaded.spec.find("Family").expect("it is called so");
            let asked = verify::check(&loaded.spec, Property::Projectable, target, &Options::default(), &mut |_| None);
            assert!(asked.is_ok_and(|outcome| outcome.verdict == polylogue::event::Verdict::Holds), "{name}({n})");
        });
        let body: String = text.split("\ncheck").next().unwrap_or_default().to_owned();
        let mut lines = body.lines().peekable();
        let _ = lines.next();
        let other = block(&mut lines);
        let (their_time, found) = best(|| project_all(black_box(&other)));
        let mut theirs = format!("{their_time:.1?}");
        if let Err(error) = found {
            let _ = write!(theirs, " (refused: {error})");
        }
        let row = format!("{name}({n})");
        println!("{row:<24} {time:>12.1?} {theirs:>26}  {published}");
    }
}

fn main() {
    subtyping();
    projection();
}
