//! How a run converged, as a picture: the value above, the gradient norm below.

use kuva::backend::svg::SvgBackend;
use kuva::plot::{LegendEntry, LegendPosition, LegendShape, LinePlot};
use kuva::render::figure::Figure;
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use riesz::minimize::{Progress, Solution};
use std::sync::Arc;

/// The most points a curve has; of more iterates, evenly chosen ones are drawn.
const POINTS: usize = 2000;
/// Values beyond this have no place on an axis.
const LARGEST: f64 = 1e150;

/// A picture as SVG. Norms are drawn on a logarithmic axis, and so are values that are all positive
/// and span more than two orders; iterates that have no place there (an exact 0) are left out.
pub fn convergence(title: &str, solution: &Solution) -> String {
    let history = thinned(&solution.history);
    let curve = |colour, legend, of: &dyn Fn(&Progress) -> f64| {
        let points = history.iter().map(|p| (p.iteration as f64, of(p)));
        Curve { points: points.filter(|(_, y)| y.abs() < LARGEST).collect(), colour, legend }
    };
    let last = solution.iterations.max(1) as f64;
    let value = curve("#1f5fa8", "", &|p| p.value);
    let logarithmic = spans_orders(&value.points);
    let (values, above) = panel(vec![value], logarithmic, last);
    let gradient = curve("#b3452c", "gradient norm", &|p| p.gradient_norm);
    let violation = curve("#3c7a3c", "constraint violation", &|p| p.constraint_violation);
    let (norms, words) = match violation.points.iter().any(|(_, y)| *y > 0.0) {
        true => (vec![gradient, violation], "norm"),
        false => (vec![Curve { legend: "", ..gradient }], "gradient norm"),
    };
    let (norms, below) = panel(norms, true, last);
    let title = format!("{title}: {} by {}", solution.status, solution.method);
    let layouts = vec![
        above.with_title(title).with_y_label("value"),
        below.with_x_label("iteration").with_y_label(words),
    ];
    let scene = Figure::new(2, 1)
        .with_plots(vec![values, norms])
        .with_layouts(layouts)
        .with_cell_size(720.0, 300.0)
        .render();
    SvgBackend::default().render_scene(&scene)
}

/// A line of the picture; without a legend if that is empty.
struct Curve {
    points: Vec<(f64, f64)>,
    colour: &'static str,
    legend: &'static str,
}

/// Curves over the iterations 0 to `last`, and axes that hold them.
///
/// The logarithms are taken here: an axis of logarithms has any number of decades.
fn panel(mut curves: Vec<Curve>, logarithmic: bool, last: f64) -> (Vec<Plot>, Layout) {
    if logarithmic {
        for curve in &mut curves {
            curve.points.retain(|(_, y)| *y > 1.0 / LARGEST);
            curve.points.iter_mut().for_each(|(_, y)| *y = y.log10());
        }
    }
    let all = || curves.iter().flat_map(|c| c.points.iter().map(|(_, y)| *y));
    let (mut low, mut high) = match all().next() {
        None => (0.0, 1.0),
        Some(first) => (all().fold(first, f64::min), all().fold(first, f64::max)),
    };
    if logarithmic {
        low = low.floor();
        high = high.ceil().max(low + 1.0);
    } else {
        // An axis needs numbers that are told apart.
        let least = 1e-9 * low.abs().max(high.abs()).max(1e-140);
        if high - low < least {
            (low, high) = (low - least, high + least);
        }
    }
    let mut layout = Layout::new((0.0, last), (low, high))
        .with_force_margins(90.0, 30.0)
        .with_x_axis_min(0.0)
        .with_x_axis_max(last);
    let entry = |c: &Curve| LegendEntry {
        label: c.legend.to_owned(),
        color: c.colour.to_owned(),
        shape: LegendShape::Line,
        dasharray: None,
    };
    let entries: Vec<_> = curves.iter().filter(|c| !c.legend.is_empty()).map(entry).collect();
    if !entries.is_empty() {
        layout = layout
            .with_legend_entries(entries)
            .with_legend_position(LegendPosition::InsideTopRight);
    }
    if logarithmic {
        let step = ((high - low) / 8.0).ceil().max(1.0);
        layout = layout
            .with_y_axis_min(low)
            .with_y_axis_max(high)
            .with_y_tick_step(step)
            .with_y_tick_format(TickFormat::Custom(Arc::new(|k| format!("1e{}", k.round()))));
    }
    let plot =
        |c: Curve| LinePlot::new().with_data(c.points).with_color(c.colour).with_stroke_width(1.5);
    (curves.into_iter().map(|c| Plot::Line(plot(c))).collect(), layout)
}

/// Whether all values are positive and the largest is more than a hundred times the least.
fn spans_orders(points: &[(f64, f64)]) -> bool {
    let least = points.iter().fold(f64::INFINITY, |a, (_, y)| a.min(*y));
    let most = points.iter().fold(f64::NEG_INFINITY, |a, (_, y)| a.max(*y));
    least > 1.0 / LARGEST && most > 100.0 * least
}

/// The first, the last, and evenly chosen iterates between.
fn thinned(history: &[Progress]) -> Vec<Progress> {
    let (last, stride) = (history.len().saturating_sub(1), history.len().div_ceil(POINTS).max(1));
    let kept = history.iter().enumerate().filter(|(i, _)| i % stride == 0 || *i == last);
    kept.map(|(_, p)| *p).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use riesz::minimize::{Control, FnObjective, Options, solve};

    /// A solution with this history of values, gradient norms and violations.
    fn solution(history: &[(f64, f64, f64)]) -> Solution {
        let mut parabola = FnObjective::new(1, |x, g| {
            g[0] = 2.0 * x[0];
            Ok(x[0] * x[0])
        });
        let options = Options::default();
        let mut s = solve(&mut parabola, &[1.0], &options, &mut |_| Control::Continue).unwrap();
        let progress = |(iteration, (value, gradient_norm, constraint_violation)): (usize, &_)| {
            let (value, gradient_norm, constraint_violation) =
                (*value, *gradient_norm, *constraint_violation);
            let (step, evaluations, seconds) = (1.0, iteration, 0.0);
            Progress {
                iteration,
                value,
                gradient_norm,
                constraint_violation,
                step,
                evaluations,
                seconds,
            }
        };
        s.history = history.iter().enumerate().map(progress).collect();
        s.iterations = history.len().saturating_sub(1);
        s
    }

    /// The points of the curves, in the order they are drawn.
    fn curves(svg: &str) -> Vec<usize> {
        let paths = svg.split("<path").skip(1).filter(|p| p.contains("stroke-width=\"1.5\""));
        paths.map(|p| p.split('>').next().unwrap_or_default().matches(['M', 'L']).count()).collect()
    }

    #[test]
    fn every_iterate_is_a_point_of_both_curves() {
        let history: Vec<_> = (0..40).map(|k| (3.0 - f64::from(k), 0.5f64.powi(k), 0.0)).collect();
        let svg = convergence("a < b & \"c\"", &solution(&history));
        assert_eq!(curves(&svg), [40, 40]);
        assert!(svg.contains("a &lt; b &amp; "), "the title is not escaped");
        assert!(svg.contains(">value<") && svg.contains(">gradient norm<"), "no labels");
        assert!(!svg.contains("constraint violation"));
        let violated: Vec<_> = history.iter().map(|(v, g, _)| (*v, *g, *g)).collect();
        let svg = convergence("", &solution(&violated));
        assert_eq!(curves(&svg), [40, 40, 40]);
        assert!(svg.contains("constraint violation"));
    }

    #[test]
    fn any_history_can_be_drawn() {
        let flat = vec![(0.0, 0.0, 0.0); 3];
        let long: Vec<_> = (0..30_000).map(|k| (f64::from(k), 1.0, 0.0)).collect();
        let extremes =
            vec![(f64::INFINITY, f64::NAN, 0.0), (1e308, 1e-320, 1e300), (-1e300, 1e200, 0.0)];
        let wide = vec![(1e140, 1e140, 0.0), (1e-140, 1e-140, 1e-140)];
        let close = vec![(1e9, 1.0, 0.0), (1e9 + 1e-6, 1.0, 0.0)];
        for history in [vec![], vec![(1.0, 1.0, 0.0)], flat, long, extremes, wide, close] {
            let svg = convergence("run", &solution(&history));
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{history:?}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{:?}", history.first());
            assert!(svg.len() < 400_000, "{} bytes", svg.len());
        }
    }
}
