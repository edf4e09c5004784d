//! Words for messages: the name somebody may have meant, a number of things.

/// Names longer than this are not compared: the time grows with the square.
const LONGEST: usize = 60;

/// The candidate that is nearest to a name that does not exist, if it is near enough to be worth
/// asking: if it differs by case only, or by at most one letter in three. The first of several.
///
/// ```
/// use riesz_core::suggestion;
/// assert_eq!(suggestion("sofmax", ["softmax", "softplus"]), Some("softmax"));
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

/// Levenshtein's distance: insertions, deletions and replacements, one row of the table at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
