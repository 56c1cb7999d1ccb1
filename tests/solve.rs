//! The solver against trying out small numbers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use polylogue::{
    data::{Builtin, Code, Env, Named, Place, Scope, Slot, Sort, Value, compile},
    diag::Sources,
    generate::Rng,
    solve::{Answer, Term, satisfiable},
    syntax::{self, tree},
};

const NAMES: [&str; 5] = ["a", "b", "c", "p", "s"];

struct Names;

impl Scope for Names {
    fn resolve(&self, name: &str) -> Option<Named> {
        let at = NAMES.iter().position(|known| *known == name)?;
        let sort = match name {
            "p" => Builtin::Bool,
            "s" => Builtin::String,
            _ => Builtin::Int,
        };
        Some(Named::Slot(Place { slot: Slot(at as u32), sort: Sort::Builtin(sort) }))
    }
}

struct Given(Vec<Value>);

impl Env for Given {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot.0 as usize)
    }
}

/// A condition, compiled.
fn code(text: &str) -> Code {
    let mut sources = Sources::new();
    let file = sources.add("test", format!("def f() = {text};")).unwrap();
    let (tree, found) = syntax::parse(file, &sources.get(file).unwrap().text);
    assert!(found.is_empty(), "{text}: {found:?}");
    let tree::Item::Def(def) = &tree.items[0] else { panic!("a def") };
    compile(&def.body, &Names, Some(&Sort::Builtin(Builtin::Bool)), &sources)
        .unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn ask(text: &str) -> Answer {
    let code = code(text);
    let answer = satisfiable([code.tree()], []);
    if let Answer::Yes(values) = &answer {
        let mut given = vec![Value::Int(0), Value::Int(0), Value::Int(0), Value::Bool(false), Value::text("")];
        for (term, value) in values {
            let Term::Slot(slot, _) = term else { panic!("{text}: a term that is no name") };
            given[slot.0 as usize] = value.clone();
        }
        assert_eq!(code.holds(&Given(given)), Ok(true), "{text}: {values:?}");
    }
    answer
}

#[test]
fn what_can_be_true() {
    for text in [
        "a > 0 && a < 2",
        "a + b == 7 && a - b == 1",
        "2 * a == b && b > 10 && b < 13",
        "a != b && b != c && a != c && a >= 0 && b >= 0 && c >= 0 && a + b + c <= 3",
        "p || a > 3",
        "!p && (a == 3 || a == 4) && a != 3",
        "s == \"x\" || s == \"y\"",
        "s != \"x\"",
        "a in [1, 2, 3] && a > 2",
        "(a > 0) == p && !p",
        "a > 0 ? b == a : b == 1",
        "3 * a - 5 * b == 1 && a > 10",
        "6 * a + 10 * b + 15 * c == 1 && a > 5 && b > 5",
        "-4 * a + 6 * b - 9 * c == 7 && a < 0 && b < 0",
    ] {
        assert!(matches!(ask(text), Answer::Yes(_)), "{text}: {:?}", ask(text));
    }
    for text in [
        "a > 0 && a < 1",
        "a + b == 7 && a - b == 2",
        "2 * a == 2 * b + 1",
        "4 * a - 6 * b == 3",
        "2 * a + 2 * b == 3 * c && c == 1",
        "a < b && b < c && c < a",
        "p && !p",
        "s == \"x\" && s == \"y\"",
        "a in [1, 2, 3] && a > 3",
        "a * b > 3 && a * b < 4",
        "2 * a >= 1 && 2 * a <= 1",
        "p == (a > 0) && p && a <= 0",
    ] {
        assert_eq!(ask(text), Answer::No, "{text}");
    }
    assert!(matches!(ask("a * b == 6 && a > 1"), Answer::Unknown(_)));
}

/// A condition of comparisons between small sums.
fn any(rng: &mut Rng, depth: usize) -> String {
    if depth == 0 || rng.chance(35) {
        let sum = |rng: &mut Rng| {
            let name = *rng.pick(&["a", "b", "c"]).unwrap();
            let other = *rng.pick(&["a", "b", "c"]).unwrap();
            let (x, y, z) = (rng.between(0, 3), rng.between(0, 2), rng.between(0, 6));
            format!("{x} * {name} - {y} * {other} + {z} - 3")
        };
        let operator = *rng.pick(&["==", "!=", "<", "<=", ">", ">="]).unwrap();
        return format!("({} {operator} {})", sum(rng), sum(rng));
    }
    match rng.below(4) {
        0 => format!("!{}", any(rng, depth - 1)),
        1 => format!("({} || {})", any(rng, depth - 1), any(rng, depth - 1)),
        _ => format!("({} && {})", any(rng, depth - 1), any(rng, depth - 1)),
    }
}

#[test]
fn the_solver_and_all_small_numbers() {
    let mut rng = Rng::new(7);
    let (mut yes, mut no, mut unknown) = (0, 0, 0);
    for _ in 0..1_500 {
        let inner = any(&mut rng, 3);
        let text = format!("a >= -3 && a <= 3 && b >= -3 && b <= 3 && c >= -3 && c <= 3 && {inner}");
        let found = code(&text);
        let mut really = false;
        for n in 0..343_i64 {
            let given = [n / 49 - 3, n / 7 % 7 - 3, n % 7 - 3].map(Value::Int).to_vec();
            really |= found.holds(&Given(given)).unwrap();
        }
        match ask(&text) {
            Answer::Yes(_) => {
                assert!(really, "{text}");
                yes += 1;
            }
            Answer::No => {
                assert!(!really, "{text}");
                no += 1;
            }
            Answer::Unknown(_) => unknown += 1,
        }
    }
    println!("solver: {yes} can be true, {no} cannot, {unknown} not decided");
    assert!(yes > 300 && no > 50 && unknown * 20 < yes + no, "{yes} {no} {unknown}");
}
