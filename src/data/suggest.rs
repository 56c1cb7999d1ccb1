//! Did-you-mean: the declared name that an unknown one is nearest to.

/// More candidates than this are not compared: the help is not worth the time.
const MAX_CANDIDATES: usize = 1_000;
/// Longer names are not compared.
const MAX_LENGTH: usize = 60;

/// The nearest of the names, if it is near: equal but for case, one begun with the other, or
/// at most one typing error in four letters.
pub(crate) fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted: Vec<char> = text.chars().flat_map(char::to_lowercase).take(MAX_LENGTH.saturating_add(1)).collect();
    if wanted.len() > MAX_LENGTH {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for name in names.into_iter().take(MAX_CANDIDATES) {
        let found: Vec<char> = name.chars().flat_map(char::to_lowercase).take(MAX_LENGTH.saturating_add(1)).collect();
        let longer = wanted.len().max(found.len());
        if name == text || longer > MAX_LENGTH {
            continue;
        }
        let shorter = wanted.len().min(found.len());
        let begun = shorter >= 3 && wanted.iter().zip(&found).all(|(a, b)| a == b);
        let distance = distance(&wanted, &found);
        let limit = longer.saturating_add(2) / 4;
        if (begun || distance <= limit) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// How many letters must be inserted, deleted, replaced, or swapped with their neighbour.
fn distance(left: &[char], right: &[char]) -> usize {
    let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut above: Option<char> = None;
    for (i, &a) in left.iter().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        let mut behind: Option<char> = None;
        for (j, &b) in right.iter().enumerate() {
            let swapped = above == Some(b) && behind == Some(a);
            let swap = if swapped { cell(&before, j.saturating_sub(1)).saturating_add(1) } else { usize::MAX };
            let replace = cell(&row, j).saturating_add(usize::from(a != b));
            let insert = cell(&next, j).saturating_add(1);
            let delete = cell(&row, j.saturating_add(1)).saturating_add(1);
            next.push(swap.min(replace).min(insert).min(delete));
            behind = Some(b);
        }
        before = std::mem::replace(&mut row, next);
        above = Some(a);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_and_far() {
        let names = ["Alice", "Bob", "Seller", "C"];
        for (text, expect) in [
            ("alice", Some("Alice")),
            ("Alcie", Some("Alice")),
            ("Sellers", Some("Seller")),
            ("Bo", Some("Bob")),
            ("X", None),
            ("Bobby", Some("Bob")),
            ("Carol", None),
        ] {
            assert_eq!(nearest(text, names), expect, "{text}");
        }
    }
}
