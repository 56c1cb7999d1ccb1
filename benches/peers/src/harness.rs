//! Runs the rows on all sides in turn and prints medians, ratios and goals.

use std::{env, fmt::Write, process::ExitCode};

use crate::{
    rows::{RESIDENT, RESIDENT_GOAL, Row, Shape},
    side::{Allocated, Meter, Side},
};

/// Rounds that count, of each side, unless `PEERS_ROUNDS` says more.
const ROUNDS: usize = 7;

/// The rows that were asked for: all, or those with one of the arguments in their name.
fn asked(name: &str) -> bool {
    let mut words = env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
    words.peek().is_none() || words.any(|word| name.contains(&word))
}

/// The middle one; of an even number the upper one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One run of a row, whose result is what it must be.
fn checked(side: &dyn Side, row: Row, operations: u64, meter: &mut Meter) -> Result<(), String> {
    let found = side.run(row, operations, meter).map_err(|why| format!("{}: {row}: {why}", side.name()))?;
    let expected = row.expected(operations);
    if found == expected { Ok(()) } else { Err(format!("{}: {row}: {found} came out, not {expected}", side.name())) }
}

/// The name of the profile: the folder of `target` that this program stands in.
fn profile() -> String {
    let here = env::current_exe().ok();
    let mut folders = here.iter().flat_map(|path| path.ancestors()).filter_map(|path| path.file_name()?.to_str());
    let profile = folders.find(|name| ["release", "lto", "debug"].contains(name)).unwrap_or("unknown");
    match profile {
        "lto" => "lto (fat link-time optimization)".to_owned(),
        other => format!("{other} (no link-time optimization across crates)"),
    }
}

/// A number in as many digits as one wants to read.
fn short(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// The ratio, the goal, and whether it is reached.
fn judged(first: f64, other: Option<f64>, goal: Option<f64>) -> (String, bool) {
    let goal_text = goal.map_or_else(|| "none".to_owned(), |goal| format!("{goal} x"));
    match other {
        None => (format!("{:>9} {goal_text:>7}", "-"), false),
        Some(other) => {
            let ratio = first / other;
            let reached = goal.is_none_or(|goal| ratio >= goal);
            let mark = if goal.is_none() {
                ""
            } else if reached {
                "  reached"
            } else {
                "  MISSED"
            };
            (format!("{:>9} {goal_text:>7}{mark}", format!("{} x", short(ratio))), !reached)
        }
    }
}

fn heading(sides: &[Box<dyn Side>], what: &str) -> String {
    let mut line = format!("\n{what:<32}");
    for side in sides {
        let _ = write!(line, " {:>26}", side.name());
    }
    line + &format!(" {:>9} {:>7}", "ratio", "goal")
}

/// Measures nanoseconds per operation and prints them.
#[must_use]
pub fn times(sides: &[Box<dyn Side>], allocator: &str) -> ExitCode {
    let rounds = env::var("PEERS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS).max(ROUNDS);
    println!("nanoseconds per operation; medians of {rounds} interleaved rounds (spread: the outermost of them)");
    println!("profile: {}; allocator: {allocator}, not instrumented", profile());
    println!("{}", heading(sides, "row"));
    let mut missed = 0;
    for row in Row::ALL.into_iter().filter(|row| asked(&row.to_string())) {
        let operations = row.operations();
        let mut found = vec![Vec::new(); sides.len()];
        // The first round warms up and does not count.
        for round in 0..=rounds {
            for (side, found) in sides.iter().zip(&mut found) {
                let mut meter = Meter::default();
                if let Err(why) = checked(side.as_ref(), row, operations, &mut meter) {
                    eprintln!("wrong result: {why}");
                    return ExitCode::FAILURE;
                }
                if round > 0 {
                    found.push(meter.clock.as_secs_f64() * 1e9 / operations as f64);
                }
            }
        }
        let mut line = format!("{:<32}", row.to_string());
        for found in &found {
            let (low, high) = found.iter().fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(*at), high.max(*at)));
            let cell = format!("{} ({}-{})", short(median(found.clone())), short(low), short(high));
            let _ = write!(line, " {cell:>26}");
        }
        let medians: Vec<f64> = found.into_iter().map(median).collect();
        let (judged, short_of) = judged(medians[0], medians.get(1).copied(), row.goal());
        missed += u32::from(short_of);
        println!("{line} {judged}");
        if row == Row::TwoBuyer {
            let mut line = format!("{:<32}", "  in sessions per second");
            for median in &medians {
                let _ = write!(line, " {:>26}", short(1e9 / median));
            }
            println!("{line}");
        }
    }
    explain(sides);
    summary(sides, missed);
    ExitCode::SUCCESS
}

/// Counts allocations per operation and bytes per session, and prints them.
#[must_use]
pub fn memory(sides: &[Box<dyn Side>], allocator: &str, counter: fn() -> Allocated) -> ExitCode {
    println!("\nallocations per operation, one run each");
    println!("profile: {}; allocator: {allocator}", profile());
    println!("{}", heading(sides, "row"));
    for row in Row::ALL.into_iter().filter(|row| asked(&row.to_string())) {
        let mut line = format!("{:<32}", row.to_string());
        for side in sides {
            let mut meter = Meter::counting(counter);
            if let Err(why) = checked(side.as_ref(), row, row.operations(), &mut meter) {
                eprintln!("wrong result: {why}");
                return ExitCode::FAILURE;
            }
            let _ = write!(line, " {:>26}", short(meter.calls as f64 / row.operations() as f64));
        }
        println!("{line}");
    }
    println!("\nbytes per session as asked of the allocator, {RESIDENT} sessions live, before their first message");
    println!("{}", heading(sides, "sessions of"));
    let mut missed = 0;
    for shape in Shape::ALL.into_iter().filter(|shape| asked(&shape.to_string())) {
        let mut line = format!("{:<32}", shape.to_string());
        let mut found = Vec::new();
        for side in sides {
            match side.resident(shape, RESIDENT, &Meter::counting(counter)) {
                Ok(bytes) => found.push(bytes as f64 / RESIDENT as f64),
                Err(why) => {
                    eprintln!("wrong result: {}: {shape}: {why}", side.name());
                    return ExitCode::FAILURE;
                }
            }
        }
        for bytes in &found {
            let _ = write!(line, " {:>26}", short(*bytes));
        }
        let (judged, short_of) = judged(found[0], found.get(1).copied(), Some(RESIDENT_GOAL));
        missed += u32::from(short_of);
        println!("{line} {judged}");
    }
    summary(sides, missed);
    ExitCode::SUCCESS
}

/// What each side does per operation; rows of which the same is said stand together.
fn explain(sides: &[Box<dyn Side>]) {
    println!("\nwhat each side does per operation");
    let mut rows = Row::ALL.into_iter().filter(|row| asked(&row.to_string())).peekable();
    while let Some(row) = rows.next() {
        println!("  {row}");
        let same = |next: &Row| sides.iter().all(|side| side.says(row) == side.says(*next));
        while let Some(next) = rows.next_if(same) {
            println!("  {next}");
        }
        for side in sides {
            println!("    {}: {}", side.name(), side.says(row));
        }
    }
}

fn summary(sides: &[Box<dyn Side>], missed: u32) {
    match (sides.len(), missed) {
        (0 | 1, _) => println!("\none side alone: no ratios"),
        (_, 0) => println!("\nevery goal is reached"),
        (_, missed) => println!("\n{missed} of the goals missed"),
    }
}
