//! Words for messages: the name somebody may have meant, a number of things.

/// Names longer than this are not compared: the time grows with the square.
const LONGEST: usize = 60;

/// The candidate that is nearest to a name that does not exist, if it is near enough to be worth
/// asking: if it differs by case only, or by at most one letter in three, where two neighbours that
/// changed places count as one. The first of several.
///
/// ```
/// use riesz_core::suggestion;
/// assert_eq!(suggestion("sofmax", ["softmax", "softplus"]), Some("softmax"));
/// assert_eq!(suggestion("lgo", ["log", "exp"]), Some("log"));
/// assert_eq!(suggestion("x", ["X", "y"]), Some("X"));
/// assert_eq!(suggestion("a", ["b", "c"]), None);
/// ```
pub fn suggestion<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let letters = |text: &str| -> Vec<char> { text.chars().flat_map(char::to_lowercase).collect() };
    let wanted = letters(name);
    if wanted.len() > LONGEST {
        return None;
    }
    let mut best = None;
    for candidate in candidates {
        let other = letters(candidate);
        if other.len() > LONGEST {
            continue;
        }
        let far = edits(&wanted, &other);
        let allowed = wanted.len().max(other.len()) / 3;
        if far <= allowed && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A number of things in words.
///
/// ```
/// assert_eq!(riesz_core::counted(1, "nest"), "1 nest");
/// assert_eq!(riesz_core::counted(0, "nest"), "0 nests");
/// ```
pub fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Levenshtein's distance, with neighbours that changed places as one edit more (optimal string alignment):
/// insertions, deletions, replacements and swaps, two rows of the table at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let (mut last, mut next) = (row.clone(), row.clone());
    for (i, x) in a.iter().enumerate() {
        next[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(x != y);
            next[j + 1] = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                next[j + 1] = next[j + 1].min(last[j - 1] + 1);
            }
        }
        std::mem::swap(&mut last, &mut row);
        std::mem::swap(&mut row, &mut next);
    }
    row[b.len()]
}
