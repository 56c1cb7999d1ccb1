//! Did-you-mean: the known word that a misspelt one is nearest to.

/// The nearest of the words, if it is near: at most two typing errors (one in short words), or begun with the text.
pub(crate) fn nearest<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    let length = text.chars().count();
    if !(2..=40).contains(&length) {
        return None;
    }
    let lower = text.to_lowercase();
    let rated = words.iter().filter_map(|&word| {
        let limit = (length.max(word.chars().count()) / 2).saturating_sub(usize::from(length < 4)).clamp(1, 2);
        let begun = length >= 3 && word.starts_with(&lower);
        let distance = if begun { 1 } else { distance(&lower, word) };
        (distance <= limit && text != word).then_some((distance, word))
    });
    rated.min_by_key(|&(distance, _)| distance).map(|(_, word)| word)
}

/// Damerau-Levenshtein distance (adjacent letters may be swapped, once).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for (j, &b) in right.iter().enumerate() {
            let swap = i
                .checked_sub(1)
                .zip(j.checked_sub(1))
                .filter(|&(up, back)| left.get(up) == Some(&b) && right.get(back) == Some(&a));
            let swap = swap.map_or(usize::MAX, |(_, back)| cell(&before, back).saturating_add(1));
            let replace = cell(&row, j).saturating_add(usize::from(a != b));
            let insert = cell(&next, j).saturating_add(1);
            let delete = cell(&row, j.saturating_add(1)).saturating_add(1);
            next.push(swap.min(replace).min(insert).min(delete));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances() {
        for (left, right, expect) in
            [("", "", 0), ("a", "", 1), ("chioce", "choice", 1), ("rec", "rce", 1), ("protcol", "protocol", 1)]
        {
            assert_eq!(distance(left, right), expect, "{left} {right}");
        }
    }

    #[test]
    fn suggestions() {
        let words = ["choice", "continue", "rec", "do", "or"];
        for (text, expect) in [
            ("chioce", Some("choice")),
            ("cont", Some("continue")),
            ("rce", Some("rec")),
            ("ro", Some("do")),
            ("hello", None),
            ("x", None),
            ("Choice", Some("choice")),
        ] {
            assert_eq!(nearest(text, &words), expect, "{text}");
        }
    }
}
