//! What one evaluation of a predicate costs: `qty > 0 && amount * qty + 3 <= balance`, beside a published CEL engine.
//!
//! Prints nanoseconds per evaluation, the least of several rounds, over slots that hold small integers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "a bench"
)]

use std::{hint::black_box, time::Instant};

use polylogue::{
    data::{Env, Named, Place, Scope, Slot, Sort, Value, compile},
    diag::Sources,
    syntax::{self, tree},
};

const PREDICATE: &str = "qty > 0 && amount * qty + 3 <= balance";
const NAMES: [&str; 3] = ["qty", "amount", "balance"];

struct Names;

impl Scope for Names {
    fn resolve(&self, name: &str) -> Option<Named> {
        let slot = NAMES.iter().position(|known| *known == name)?;
        Some(Named::Slot(Place { slot: Slot(u32::try_from(slot).unwrap()), sort: Sort::INT }))
    }
}

struct Slots([Value; 3]);

impl Env for Slots {
    #[inline]
    fn slot(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot.0 as usize)
    }
}

/// Nanoseconds of one call, the least of some rounds.
fn least(rounds: usize, calls: u64, mut call: impl FnMut(u64)) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(&mut call);
            start.elapsed().as_nanos() as f64 / calls as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let text = format!("def predicate() = {PREDICATE};");
    let mut sources = Sources::new();
    let file = sources.add("bench.mpst", &*text).unwrap();
    let (tree, found) = syntax::parse(file, &text);
    assert!(found.is_empty());
    let tree::Item::Def(def) = &tree.items[0] else { panic!() };
    let code = compile(&def.body, &Names, Some(&Sort::BOOL), &sources).unwrap();

    let envs: Vec<Slots> =
        (0..64).map(|i| Slots([Value::Int(i % 7), Value::Int(i * 3), Value::Int(i * 9 + i % 11)])).collect();
    let mut held = 0u64;
    let ours = least(9, 1_000_000, |i| {
        held += u64::from(black_box(&code).holds(black_box(&envs[(i % 64) as usize])).unwrap());
    });
    let walked = least(5, 200_000, |i| {
        black_box(black_box(&code).walk(black_box(&envs[(i % 64) as usize])).unwrap());
    });

    let program = cel::Program::compile(PREDICATE).unwrap();
    let contexts: Vec<cel::Context<'_, '_>> = (0i64..64)
        .map(|i| {
            let mut context = cel::Context::default();
            context.add_variable("qty", i % 7).unwrap();
            context.add_variable("amount", i * 3).unwrap();
            context.add_variable("balance", i * 9 + i % 11).unwrap();
            context
        })
        .collect();
    for (env, context) in envs.iter().zip(&contexts) {
        let theirs = program.execute(context).unwrap();
        assert_eq!(cel::Value::Bool(code.holds(env).unwrap()), theirs, "both engines agree");
    }
    let theirs = least(5, 200_000, |i| {
        black_box(black_box(&program).execute(black_box(&contexts[(i % 64) as usize])).unwrap());
    });
    println!("{PREDICATE}");
    println!("  bytecode    {ours:7.1} ns   ({:.0} % held)", held as f64 / 90_000.0);
    println!("  tree walker {walked:7.1} ns");
    println!("  cel crate   {theirs:7.1} ns   {:.1} times as long", theirs / ours);
}
