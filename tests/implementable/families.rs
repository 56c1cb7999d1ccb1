//! Families of protocols that grow with a number, with roles and labels shuffled by a seed; and each with one transition
//! changed, so that it is not implementable.

use std::fmt::Write as _;

use polylogue::generate::Rng;

/// Which family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// n messages round a ring, for ever.
    Ring,
    /// One role tells n others what it chose, for ever.
    Broadcast,
    /// Choices inside choices, relayed to the third role; who chooses rotates. Written out, 2ⁿ leaves.
    Tree,
    /// The same by calls: as long as it is deep.
    SharedTree,
    /// n messages from one role to another.
    Chain,
}

impl Family {
    #[allow(dead_code, reason = "the benchmark names them one by one")]
    pub(crate) const ALL: [Self; 5] = [Self::Ring, Self::Broadcast, Self::Tree, Self::SharedTree, Self::Chain];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring-global",
            Self::Broadcast => "broadcast-choice",
            Self::Tree => "choice-tree",
            Self::SharedTree => "choice-tree by calls",
            Self::Chain => "chain",
        }
    }

    /// The protocol `P`. `spoiled`: one message goes the other way, and somebody has to know what nobody tells.
    pub(crate) fn text(self, n: usize, seed: u64, spoiled: bool) -> String {
        let mut rng = Rng::new(seed);
        let count = match self {
            Self::Ring => n,
            Self::Broadcast => n + 1,
            Self::Tree | Self::SharedTree => 3,
            Self::Chain => 3,
        };
        let mut roles: Vec<usize> = (0..count).collect();
        rng.shuffle(&mut roles);
        let role = |at: usize| format!("R{}", roles[at % count]);
        let label = |at: usize| format!("l{}", (at as u64 * 2 + seed % 97) % 1009);
        let list = |upper: bool| {
            let word = if upper { "role " } else { "" };
            (0..count).map(|at| format!("{word}R{at}")).collect::<Vec<_>>().join(", ")
        };
        let mut body = String::new();
        let mut before = String::new();
        match self {
            Self::Ring if !spoiled => {
                body.push_str("rec X { ");
                for at in 0..n {
                    let _ = writeln!(body, "{} -> {}: {}();", role(at), role(at + 1), label(at));
                }
                body.push_str("continue X; }");
            }
            // With a way out, of which one role hears too late.
            Self::Ring => {
                let _ = writeln!(body, "rec X {{ choice at {} {{", role(0));
                for at in 0..n {
                    let _ = writeln!(body, "{} -> {}: {}();", role(at), role(at + 1), label(at));
                }
                body.push_str("continue X; } or { ");
                for at in 0..n - 1 {
                    let (from, to) = if at == n / 2 { (at + 1, at) } else { (at, at + 1) };
                    let _ = writeln!(body, "{} -> {}: stop();", role(from), role(to));
                }
                body.push_str("} }");
            }
            Self::Broadcast => {
                let _ = writeln!(body, "rec X {{ choice at {} {{", role(0));
                for at in 1..=n {
                    let _ = writeln!(body, "{} -> {}: {}();", role(0), role(at), label(0));
                }
                body.push_str("continue X; } or { ");
                for at in 1..=n {
                    let (from, to) = if spoiled && at == n / 2 { (at, 0) } else { (0, at) };
                    let _ = writeln!(body, "{} -> {}: {}();", role(from), role(to), label(1));
                }
                body.push_str("} }");
            }
            Self::Tree => tree(&mut body, n, 0, &role, &label, &mut spoiled.then_some((1_usize << (n - 1)) / 2)),
            Self::SharedTree => {
                let roles = list(true);
                let _ = writeln!(before, "aux protocol T0({roles}) {{ }}");
                for depth in 1..=n {
                    let (one, two, three) = (role(n - depth), role(n - depth + 1), role(n - depth + 2));
                    let _ = write!(before, "aux protocol T{depth}({roles}) {{ choice at {one} {{ ");
                    for arm in 0..2 {
                        let l = label(arm);
                        let (from, to) =
                            if spoiled && depth == n / 2 && arm == 1 { (&three, &two) } else { (&two, &three) };
                        let _ = write!(before, "{one} -> {two}: {l}(); {from} -> {to}: {l}(); ");
                        let _ = write!(before, "do T{}({}); }} {}", depth - 1, list(false), ["or { ", ""][arm]);
                    }
                    before.push_str("}\n");
                }
                let _ = write!(body, "do T{n}({});", list(false));
            }
            Self::Chain => {
                for at in 0..n {
                    let _ = writeln!(body, "{} -> {}: {}();", role(0), role(1), label(at));
                }
                let (one, two, three) = (role(0), role(1), role(2));
                let (from, to) = if spoiled { (&three, &two) } else { (&two, &three) };
                let _ = write!(
                    body,
                    "choice at {one} {{ {one} -> {two}: ok(); {two} -> {three}: ok(); }} or {{ {one} -> {two}: no(); {from} -> \
                     {to}: no(); }}"
                );
            }
        }
        format!("{before}protocol P({}) {{ {body} }}\n", list(true))
    }
}

/// Recurses once per level. `spoil`: so many choices of the last level are left as they are before one is changed.
fn tree(
    out: &mut String,
    depth: usize,
    at: usize,
    role: &dyn Fn(usize) -> String,
    label: &dyn Fn(usize) -> String,
    spoil: &mut Option<usize>,
) {
    if depth == 0 {
        return;
    }
    let (one, two, three) = (role(at), role(at + 1), role(at + 2));
    let _ = write!(out, "choice at {one} {{ ");
    for arm in 0..2 {
        let l = label(arm);
        let mut turned = false;
        if depth == 1 && arm == 1 {
            turned = *spoil == Some(0);
            *spoil = spoil.and_then(|left| left.checked_sub(1));
        }
        let (from, to) = if turned { (&three, &two) } else { (&two, &three) };
        let _ = write!(out, "{one} -> {two}: {l}(); {from} -> {to}: {l}(); ");
        tree(out, depth - 1, at + 1, role, label, spoil);
        out.push_str(if arm == 0 { "} or { " } else { "} " });
    }
}
