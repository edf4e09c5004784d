//! What of a text is shown under an error: long lines are cut to the neighbourhood of the place.

use crate::diagnostic::Span;

/// The longest line that is shown whole, in characters.
const LONGEST: usize = 160;
/// How much of a cut line is shown, in characters, and how much of that before the place.
const SHOWN: usize = 100;
const BEFORE: usize = 30;

/// A text with its long lines cut, and the way from places in the text to places in what is shown.
pub(crate) struct Excerpt {
    /// What is shown.
    pub text: String,
    lines: Vec<Line>,
}

/// Bytes of the text, and where what is shown of them stands.
struct Line {
    /// One past the line and the line break that follows it.
    end: usize,
    /// What is shown of both.
    from: usize,
    to: usize,
    /// Where that begins in what is shown.
    at: usize,
}

impl Excerpt {
    /// Cuts the lines of `text`. The first span that touches a line says what is shown of it.
    pub fn new(text: &str, spans: &[Span]) -> Excerpt {
        let mut excerpt = Excerpt { text: String::with_capacity(text.len()), lines: Vec::new() };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.len();
            let span = spans.iter().find(|s| s.start < end && s.end.max(s.start + 1) > start);
            excerpt.push(line, start, span.map_or(0, |s| s.start.saturating_sub(start)));
            start = end;
        }
        excerpt
    }

    /// Adds a line that begins at byte `start`; `place` is a byte of it that must be shown.
    fn push(&mut self, line: &str, start: usize, place: usize) {
        let body = line.trim_end_matches(['\n', '\r']);
        let count = body.chars().count();
        let (mut from, mut to) = (0, body.len());
        if count > LONGEST {
            let before = body.char_indices().take_while(|(i, _)| *i < place).count();
            let first = before.saturating_sub(BEFORE).min(count - SHOWN);
            let byte = |n: usize| body.char_indices().nth(n).map_or(body.len(), |(i, _)| i);
            (from, to) = (byte(first), byte(first + SHOWN));
        }
        if from > 0 {
            self.text.push('…');
        }
        let at = self.text.len();
        let end = start + line.len();
        let shown = if to < body.len() { start + to } else { end };
        self.lines.push(Line { end, from: start + from, to: shown, at });
        self.text.push_str(&body[from..to]);
        if to < body.len() {
            self.text.push('…');
        }
        self.text.push_str(&line[body.len()..]);
    }

    /// Where a byte of the text is shown; the nearest byte that is, if it was cut.
    pub fn place(&self, byte: usize) -> usize {
        let line = self.lines.partition_point(|l| l.end <= byte).min(self.lines.len().max(1) - 1);
        match self.lines.get(line) {
            Some(l) => l.at + byte.clamp(l.from, l.to.max(l.from)) - l.from,
            None => 0,
        }
    }

    /// Where a span of the text is shown.
    pub fn span(&self, span: Span) -> Span {
        let start = self.place(span.start);
        Span::new(start, self.place(span.end).max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_stay() {
        let text = "a + b\n\nc*é\r\n";
        let excerpt = Excerpt::new(text, &[Span::new(4, 5)]);
        assert_eq!(excerpt.text, text);
        assert!((0..=text.len()).all(|i| excerpt.place(i) == i));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("short\n{}X{}\nshort", "é".repeat(5000), "b".repeat(5000));
        let at = text.find('X').unwrap();
        let span = Span::new(at, at + 2000);
        let excerpt = Excerpt::new(&text, &[span]);
        assert!(excerpt.text.lines().all(|l| l.chars().count() <= SHOWN + 2), "{}", excerpt.text);
        let shown = excerpt.span(span);
        assert!(excerpt.text[shown.range()].starts_with("Xbbb"), "{}", excerpt.text);
        let end = excerpt.place(text.len());
        assert_eq!(end, excerpt.text.len());
        assert_eq!(Excerpt::new("", &[]).place(7), 0);
    }
}
