//! The tables of `benches/RESULTS.md`.

use riesz::prelude::DType;
use riesz_bench::entry::{Problem, Time};
use std::fmt::Write;

/// One case at one size, element type and number of threads.
pub struct Row {
    /// The case's name.
    pub case: String,
    /// Its size.
    pub size: String,
    /// Its element type.
    pub dtype: DType,
    /// How many threads each system might use.
    pub threads: usize,
    /// Riesz' time.
    pub riesz: Time,
    /// The peers that have the case.
    pub peers: Vec<Time>,
}

/// The system that is no rival: kernels written by hand, near what the machine can do.
pub const FLOOR: &str = "floor";

impl Row {
    /// The fastest rival and the median over the rounds of its time over Riesz'.
    pub fn best(&self) -> Option<(&Time, f64)> {
        let best = Time::best(self.peers.iter().filter(|p| p.name != FLOOR))?;
        Some((best, best.over(&self.riesz)))
    }

    /// Riesz' time over the floor.
    pub fn above_floor(&self) -> Option<f64> {
        let floor = self.peers.iter().find(|p| p.name == FLOOR && !p.seconds.is_empty())?;
        Some(1.0 / floor.over(&self.riesz))
    }

    /// Whether every system that answered gave the same numbers, and Riesz did.
    pub fn is_sound(&self) -> bool {
        let differs = |t: &Time| matches!(t.problem, Some(Problem::Differs(_)));
        self.riesz.problem.is_none() && !self.peers.iter().any(differs)
    }
}

/// The table in Markdown, with a summary.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::new();
    let names: Vec<&str> = columns(rows);
    let head: String = names.iter().map(|name| format!(" {name} |")).collect();
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "| case | n | type | threads | riesz |{head} best/riesz | riesz/floor |");
    let _ = writeln!(text, "|---|---|---|---|---|{}---|---|", "---|".repeat(names.len()));
    for row in rows {
        let cell = |name: &&str| {
            let time = row.peers.iter().find(|p| p.name == **name);
            let mut cell = time.map_or("–".to_owned(), |time| time.cell(pretty));
            // What the machine can do is more than one number where both an estimate and a kernel say it.
            for (name, seconds) in time.iter().filter(|t| t.name == FLOOR).flat_map(|t| &t.others) {
                let _ = write!(cell, ", {} ({name})", pretty(*seconds));
            }
            format!(" {cell} |")
        };
        let cells: String = names.iter().map(cell).collect();
        let ratio = row.best().map_or("–".to_owned(), |(_, ratio)| format!("{ratio:.2}"));
        let above = row.above_floor().map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let Row { case, size, dtype, threads, riesz, .. } = row;
        let own = riesz.cell(pretty);
        let _ = writeln!(
            text,
            "| {case} | {size} | {dtype} | {threads} | **{own}** |{cells} {ratio} | {above} |"
        );
    }
    text + &summary(rows)
}

fn columns(rows: &[Row]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for peer in rows.iter().flat_map(|row| &row.peers) {
        if !names.contains(&peer.name.as_str()) {
            names.push(&peer.name);
        }
    }
    names
}

fn summary(rows: &[Row]) -> String {
    let ratios: Vec<f64> = rows.iter().filter_map(|row| row.best().map(|b| b.1)).collect();
    let mut text = String::new();
    if !ratios.is_empty() {
        let mean = (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp();
        let behind = ratios.iter().filter(|&&r| r < 1.0 / 1.05).count();
        let _ = writeln!(
            text,
            "\nGeometric mean of best peer over Riesz: {mean:.2}, over {} rows. Rows where Riesz is \
             more than 5 % behind: {behind}.",
            ratios.len()
        );
    }
    for row in rows {
        for time in row.peers.iter().chain([&row.riesz]) {
            if let Some(problem) = &time.problem {
                let Row { case, size, dtype, threads, .. } = row;
                let name = &time.name;
                let _ = writeln!(text, "\n(!) {name}, {case} {size} {dtype} {threads}: {problem}");
            }
        }
    }
    text
}

/// Seconds with three digits and a unit.
pub fn pretty(seconds: f64) -> String {
    let (scaled, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let digits = match scaled {
        s if s < 10.0 => 2,
        s if s < 100.0 => 1,
        _ => 0,
    };
    format!("{scaled:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::{FLOOR, Row, markdown, pretty};
    use riesz::prelude::DType;
    use riesz_bench::entry::Time;

    fn time(name: &str, seconds: &[f64]) -> Time {
        Time { name: name.to_owned(), seconds: seconds.to_vec(), ..Time::default() }
    }

    #[test]
    fn three_digits_and_a_unit() {
        assert_eq!(pretty(1.234e-8), "12.3 ns");
        assert_eq!(pretty(0.0999), "99.9 ms");
        assert_eq!(pretty(2.0), "2.00 s");
    }

    #[test]
    fn a_floor_has_all_its_numbers() {
        let mut floor = time(FLOOR, &[1.0]);
        floor.variant = "products".to_owned();
        floor.others.push(("C".to_owned(), 2.0));
        let (case, size, dtype) = ("x".to_owned(), "1".to_owned(), DType::F64);
        let row =
            Row { case, size, dtype, threads: 1, riesz: time("riesz", &[3.0]), peers: vec![floor] };
        assert_eq!(row.above_floor(), Some(3.0));
        let table = markdown(&[row]);
        assert!(table.contains("| 1.00 s (products), 2.00 s (C) |"), "{table}");
    }

    #[test]
    fn the_best_rival_is_compared_round_by_round() {
        let row = Row {
            case: "x".to_owned(),
            size: "1".to_owned(),
            dtype: DType::F64,
            threads: 1,
            riesz: time("riesz", &[1.0, 2.0, 4.0]),
            peers: vec![
                time("slow", &[9.0]),
                time("fast", &[3.0, 4.0, 20.0]),
                time(FLOOR, &[0.5, 0.5, 1.0]),
            ],
        };
        let (best, ratio) = row.best().expect("there are rivals");
        assert_eq!((best.name.as_str(), ratio), ("fast", 3.0));
        assert_eq!(row.above_floor(), Some(4.0));
        let table = markdown(&[row]);
        assert!(table.contains("| x | 1 | f64 | 1 | **2.00 s** | 9.00 s | 4.00 s |"), "{table}");
    }
}
