//! Families of global types.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "sizes were limited before; roles index the names that were made for them"
)]

use std::fmt::Write as _;

use super::{super::rng::Rng, FamilyError, MAX, Twist, shuffler};

/// The names of `n` roles in the order in which they are declared, and who has which.
fn roles(n: usize, twist: Twist) -> (String, Vec<String>) {
    let mut names: Vec<String> = (0..n).map(|at| format!("R{at}")).collect();
    if let Some(rng) = &mut shuffler(twist) {
        rng.shuffle(&mut names);
    }
    let declared: Vec<String> = (0..n).map(|at| format!("role R{at}")).collect();
    (declared.join(", "), names)
}

fn whole(declared: &str, body: &str, twist: Twist) -> String {
    let verdict = if twist.near_miss { " is violated" } else { "" };
    format!("protocol Family({declared}) {{\n{body}}}\ncheck projectable(Family){verdict};\n")
}

/// Without a choice whatever is said can be done.
const NO_MISS: FamilyError = FamilyError::Twist("a family without a choice has no near miss");

pub(super) fn ring(n: usize, twist: Twist) -> Result<String, FamilyError> {
    if n < 2 {
        return Err(FamilyError::Sizes("two roles or more"));
    }
    if twist.near_miss {
        return Err(NO_MISS);
    }
    let (declared, role) = roles(n, twist);
    let mut body = "  rec X {\n".to_owned();
    for at in 0..n {
        let _ = writeln!(body, "    {} -> {}: m();", role[at], role[(at + 1) % n]);
    }
    body.push_str("    continue X;\n  }\n");
    Ok(whole(&declared, &body, twist))
}

pub(super) fn chain(n: usize, twist: Twist) -> Result<String, FamilyError> {
    if twist.near_miss {
        return Err(NO_MISS);
    }
    let (declared, role) = roles(2, twist);
    let mut body = String::new();
    for at in 0..n {
        let _ = writeln!(body, "  {} -> {}: m{at}();", role[0], role[1]);
    }
    Ok(whole(&declared, &body, twist))
}

/// The near miss: one role is told the same in both arms.
pub(super) fn broadcast(n: usize, twist: Twist) -> Result<String, FamilyError> {
    if n == 0 {
        return Err(FamilyError::Sizes("one receiver or more"));
    }
    let (declared, role) = roles(n + 1, twist);
    let missed = Rng::new(twist.seed.unwrap_or(0)).below(n);
    let mut body = format!("  rec X {{\n    choice at {} {{\n", role[0]);
    for to in 0..n {
        let _ = writeln!(body, "      {} -> {}: l();", role[0], role[to + 1]);
    }
    body.push_str("      continue X;\n    } or {\n");
    for to in 0..n {
        let label = if twist.near_miss && to == missed { "l" } else { "r" };
        let _ = writeln!(body, "      {} -> {}: {label}();", role[0], role[to + 1]);
    }
    body.push_str("    }\n  }\n");
    Ok(whole(&declared, &body, twist))
}

/// The near miss: at one of the last choices, the role that is to be told what was chosen hears the same twice, and has
/// to tell the first one.
pub(super) fn tree(depth: usize, twist: Twist) -> Result<String, FamilyError> {
    if depth == 0 {
        return Err(FamilyError::Sizes("a depth of one or more"));
    }
    let leaves = u32::try_from(depth).ok().and_then(|depth| 1usize.checked_shl(depth));
    if leaves.is_none_or(|leaves| leaves > MAX / 4) {
        return Err(FamilyError::TooLarge);
    }
    let (declared, role) = roles(3, twist);
    let missed = twist.near_miss.then(|| Rng::new(twist.seed.unwrap_or(0)).below(1 << (depth - 1)));
    let mut body = String::new();
    branch(&mut body, &role, depth, 0, missed);
    Ok(whole(&declared, &body, twist))
}

/// The choice that is number `at` of its depth; recursion is as deep as the tree, which is less than the bits of a
/// size.
fn branch(body: &mut String, role: &[String], left: usize, at: usize, missed: Option<usize>) {
    let depth = role.len() + left;
    let (chooser, told, last) = (&role[depth % 3], &role[(depth + 2) % 3], &role[(depth + 1) % 3]);
    let miss = left == 1 && missed == Some(at);
    for (arm, label) in ["l", "r"].into_iter().enumerate() {
        let _ = write!(body, "{}", if arm == 0 { format!("choice at {chooser} {{\n") } else { " or {\n".to_owned() });
        let _ = writeln!(body, "{chooser} -> {told}: {label}();");
        let relayed = if miss { "l" } else { label };
        let _ = writeln!(body, "{told} -> {last}: {relayed}();");
        if left > 1 {
            branch(body, role, left - 1, 2 * at + arm, missed);
        } else if miss {
            let _ = writeln!(body, "{last} -> {chooser}: {label}();");
        }
        body.push('}');
    }
    body.push('\n');
}
