//! Prints how the specifications of `specs/` judge recordings of real implementations:
//!
//! ```text
//! cargo run --release --example judge -- ../shared/traces [FOLDER…] [--rules] [-v]
//! ```
//!
//! With `--rules` the second half follows: for each rule that a specification names, whether a file that breaks it passes
//! once the lines of the rule are taken out.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a tool"
)]

mod table;

use std::{collections::BTreeSet, env, io, path::Path, process::ExitCode, thread};

use table::{Case, Outcome, Spec};

fn main() -> io::Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (flags, names): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| arg.starts_with('-'));
    let Some((root, only)) = names.split_first() else {
        eprintln!("usage: judge TRACES [FOLDER…] [--rules] [-v]");
        return Ok(ExitCode::from(2));
    };
    let rules = flags.iter().any(|flag| *flag == "--rules");
    let verbose = flags.iter().any(|flag| *flag == "-v");
    let root = Path::new(root.as_str());
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut right = true;
    let mut second = Vec::new();
    println!(
        "{:<12} {:>10} {:>9} {:>10} {:>9} {:>6} {:>7}  rules without a mutant",
        "system", "recordings", "accepted", "violations", "at event", "early", "missed"
    );
    for folder in table::folders(root)? {
        if !only.is_empty() && !only.iter().any(|name| **name == folder) {
            continue;
        }
        let spec = match Spec::of(&specs, &folder)? {
            None => {
                println!("{folder:<12} no specification");
                right = false;
                continue;
            }
            Some(Err(why)) => {
                println!("{folder:<12} {why}");
                right = false;
                continue;
            }
            Some(Ok(spec)) => spec,
        };
        let cases = table::cases(&root.join(&folder))?;
        let outcomes = judge_all(&spec, &cases)?;
        let count = |of: &dyn Fn(&Case, Outcome) -> bool| {
            cases.iter().zip(&outcomes).filter(|(case, outcome)| of(case, **outcome)).count()
        };
        let broken: BTreeSet<&str> =
            cases.iter().filter(|case| case.line.is_some()).filter_map(|case| case.rule.as_deref()).collect();
        // Of a specification that judges two folders the other one has the mutants.
        let own = specs.join(format!("{folder}.mpst")).is_file();
        let named = if own { spec.rules() } else { Default::default() };
        let without: Vec<&str> = named.keys().map(String::as_str).filter(|rule| !broken.contains(rule)).collect();
        println!(
            "{folder:<12} {:>10} {:>9} {:>10} {:>9} {:>6} {:>7}  {}",
            count(&|case, _| case.line.is_none()),
            count(&|_, outcome| outcome == Outcome::Accepted),
            count(&|case, _| case.line.is_some()),
            count(&|_, outcome| outcome == Outcome::Exact),
            count(&|_, outcome| matches!(outcome, Outcome::Early(_))),
            count(&|_, outcome| matches!(outcome, Outcome::Missed | Outcome::Late(_))),
            if without.is_empty() { "none".to_owned() } else { without.join(", ") },
        );
        right &= outcomes.iter().all(|outcome| outcome.is_right());
        for (case, outcome) in cases.iter().zip(&outcomes).filter(|(_, outcome)| !outcome.is_right() && verbose) {
            let rule = case.rule.as_deref().unwrap_or("-");
            println!("    {outcome:?} {} (rule {rule}, line {:?})", case.path.display(), case.line);
        }
        if rules && own {
            second.push((folder, spec, cases, outcomes));
        }
    }
    for (folder, spec, cases, outcomes) in &second {
        println!();
        right &= without_rules(folder, spec, cases, outcomes)?;
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge_all(spec: &Spec, cases: &[Case]) -> io::Result<Vec<Outcome>> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = cases.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let part = |cases: &'_ [Case]| cases.iter().map(|case| spec.outcome(case)).collect::<io::Result<Vec<_>>>();
        let handles: Vec<_> = cases.chunks(share).map(|cases| scope.spawn(move || part(cases))).collect();
        let mut all = Vec::new();
        for handle in handles {
            all.extend(handle.join().expect("judging does not panic")?);
        }
        Ok(all)
    })
}

/// The second half for one system: false if some rule of a mutant can be taken out without a difference.
fn without_rules(folder: &str, spec: &Spec, cases: &[Case], outcomes: &[Outcome]) -> io::Result<bool> {
    let mut right = true;
    for (rule, lines) in spec.rules() {
        let refused: Vec<&Case> = cases
            .iter()
            .zip(outcomes)
            .filter(|(case, outcome)| case.rule.as_deref() == Some(&*rule) && **outcome == Outcome::Exact)
            .map(|(case, _)| case)
            .collect();
        if refused.is_empty() {
            println!("{folder:<12} {rule:<34} no mutant");
            continue;
        }
        // All at once; if that is no specification any more, each by itself. Clauses, then whole statements.
        let mut sets = vec![lines.clone()];
        sets.extend(lines.iter().filter(|_| lines.len() > 1).map(|&line| BTreeSet::from([line])));
        let cuts = sets.iter().flat_map(|set| [(set, false), (set, true)]);
        let mut passed = None;
        let mut parses = false;
        for (cut, all) in cuts {
            let Ok(less) = spec.without(cut, all) else { continue };
            parses = true;
            for case in &refused {
                let found = less.judge(&std::fs::read(&case.path)?);
                if matches!(found, Ok(at) if at.is_none_or(|at| Some(at) > case.line)) {
                    passed = Some((cut.len(), case));
                    break;
                }
            }
            if passed.is_some() {
                break;
            }
        }
        let file = |case: &Case| case.path.file_name().unwrap().to_string_lossy().into_owned();
        match passed {
            Some((lines, case)) => println!("{folder:<12} {rule:<34} out at {lines} places: {} passes", file(case)),
            None if parses => {
                right = false;
                println!("{folder:<12} {rule:<34} STILL REFUSED: {} files", refused.len());
            }
            None => {
                right = false;
                println!("{folder:<12} {rule:<34} CANNOT BE TAKEN OUT ALONE");
            }
        }
    }
    Ok(right)
}
