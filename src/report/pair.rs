//! Two runs that look the same to a role, side by side: as sequence diagrams where there is room for both, else as two
//! columns of text.
//!
//! ```text
//!   one run                              the other
//!       A         B         C                A         B         C
//!       │         │         │                │         │         │
//!   1   ╞═══ok═══▶│         │            1   ╞═══no═══▶│         │
//!   2   │         │◀══bye═══╡            2   │         ╞═══go═══▶│
//!       │         │         │                │         │         │
//!   then `C` sends this                  then `C` waits for this
//! ```

use super::{
    record::{PairRecord, StepRecord},
    sequence::{self, Style},
    text::{clean, cut, width},
};

/// Between the columns.
const GAP: usize = 4;

/// The rows of the drawing.
pub(super) fn draw(pair: &PairRecord, roles: &[String], style: Style) -> Vec<String> {
    let half = Style { width: style.width.saturating_sub(GAP.saturating_add(4)) / 2, ..style };
    let diagram = |steps: &[StepRecord]| {
        let whole: Vec<usize> = (0..steps.len()).collect();
        sequence::draw(roles, steps, &whole, None, half)
    };
    let diagrams = match (diagram(&pair.first), diagram(&pair.second)) {
        (Some(one), Some(other)) => Some((one, other)),
        // A run without a step has no picture, and needs no room.
        (Some(one), None) if pair.second.is_empty() => Some((one, Vec::new())),
        (None, Some(other)) if pair.first.is_empty() => Some((Vec::new(), other)),
        _ => None,
    };
    let (mut one, mut other) = diagrams.unwrap_or_else(|| {
        let column = |steps: &[StepRecord]| column(&pair.role, steps, half);
        (column(&pair.first), column(&pair.second))
    });
    if pair.first.is_empty() {
        one.push("nothing has happened".to_owned());
    }
    if pair.second.is_empty() {
        other.push("nothing has happened".to_owned());
    }
    // What follows stands on one line.
    let tall = one.len().max(other.len());
    one.resize(tall, String::new());
    other.resize(tall, String::new());
    one.insert(0, "one run".to_owned());
    other.insert(0, "the other".to_owned());
    one.push(clean(&pair.first_then));
    other.push(clean(&pair.second_then));
    let wide = one.iter().map(|row| width(row)).max().unwrap_or(0).min(half.width).max(12);
    let beside = |(left, right): (&String, &String)| {
        let left = cut(left, wide, style.ascii);
        let room = wide.saturating_sub(width(&left)).saturating_add(GAP);
        format!("{left}{:room$}{right}", "").trim_end().to_owned()
    };
    one.iter().zip(&other).map(beside).collect()
}

/// A run as text: its steps with their numbers, those that the role takes part in marked.
fn column(role: &str, steps: &[StepRecord], style: Style) -> Vec<String> {
    let number = steps.len().to_string().len();
    let mark = |step: &StepRecord| match (step.from == *role || step.to == *role, style.ascii) {
        (false, _) => ' ',
        (true, true) => '*',
        (true, false) => '•',
    };
    let row = |(at, step): (usize, &StepRecord)| {
        let text = format!("{:>number$} {} {}", at.saturating_add(1), mark(step), clean(&step.words()));
        cut(&text, style.width, style.ascii)
    };
    let rows: Vec<String> = steps.iter().enumerate().map(row).collect();
    if rows.len() <= style.rows {
        return rows;
    }
    let head = style.rows / 2;
    let tail = rows.len().saturating_sub(style.rows.saturating_sub(head));
    let mut shown = rows.get(..head).unwrap_or(&[]).to_vec();
    shown.push(format!("{:>number$} more steps", tail.saturating_sub(head)));
    shown.extend_from_slice(rows.get(tail..).unwrap_or(&[]));
    shown
}
