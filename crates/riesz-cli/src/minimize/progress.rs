//! One line on a terminal that follows a run.

use crate::display;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use riesz::minimize::Progress;

/// Written over at most 20 times a second, and left as it was at the end.
pub struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// On standard error if it is watched, and nothing otherwise.
    pub fn new(watched: bool) -> ProgressLine {
        let target = match watched {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        ProgressLine::on(target)
    }

    fn on(target: ProgressDrawTarget) -> ProgressLine {
        let bar = ProgressBar::with_draw_target(None, target);
        // The one template there is; should it ever be refused, the default shows the message too.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        ProgressLine(bar)
    }

    /// Shows an iterate.
    pub fn show(&self, p: &Progress) {
        if !self.0.is_hidden() {
            self.0.set_message(words(p));
        }
    }

    /// Leaves the last iterate on the screen, and the cursor on the line below.
    pub fn end(&self, err: &mut dyn std::io::Write) {
        if !self.0.is_hidden() {
            self.0.abandon();
            // A line break that cannot be written is no reason to lose the result.
            let _ = writeln!(err);
        }
    }
}

fn words(p: &Progress) -> String {
    let mut text = format!(
        "iteration {:>5}  value {:>18}  gradient norm {:>9.2e}",
        p.iteration,
        display::number(p.value),
        p.gradient_norm
    );
    if p.constraint_violation > 0.0 {
        text += &format!("  violation {:>9.2e}", p.constraint_violation);
    }
    text + &format!("  {:>6.1} s", p.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A terminal that keeps what is written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn put(&self, text: &str) -> std::io::Result<()> {
            self.0.lock().map_err(|_| std::io::ErrorKind::Other)?.push_str(text);
            Ok(())
        }
    }

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> std::io::Result<()> {
            self.put(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            self.put(text)
        }
        fn clear_line(&self) -> std::io::Result<()> {
            self.put("\r")
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_iterate_stays_on_the_screen() {
        let screen = Screen::default();
        let line = ProgressLine::on(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        for iteration in 0..1000 {
            line.show(&Progress {
                iteration,
                value: 1.5,
                gradient_norm: 1e-3,
                constraint_violation: 0.0,
                step: 1.0,
                evaluations: iteration,
                seconds: 2.0,
            });
        }
        line.end(&mut std::io::sink());
        let text = screen.0.lock().map(|t| t.clone()).unwrap_or_default();
        let last = text.split('\r').next_back().unwrap_or_default();
        let words = "iteration   999  value                1.5  gradient norm   1.00e-3     2.0 s";
        assert!(last.contains(words), "{last:?}");
    }
}
