//! Bundle adjustment: reprojection errors, and their sparse Jacobian in compressed rows.
//!
//! The eval sends one camera, point, weight and feature, to be repeated; observation i belongs to
//! camera i mod n and point i mod m. The work is done for every observation.

use crate::input::Input;
use crate::work::{Eval, Work, compiled, explained, number, numbers};
use riesz::prelude::*;
use riesz_bench::plan::measured;
use serde_json::{Value, json};
use std::rc::Rc;

/// The eval's functions.
pub const EVAL: Eval = Eval {
    name: "ba",
    functions: &[("objective", prepare_objective), ("jacobian", prepare_jacobian)],
};

/// Numbers of a camera: rotation 3, centre 3, focal length, principal point 2, distortion 2.
const CAMERA: usize = 11;
/// Numbers of a camera, a point and a weight: the columns of an observation's block.
const COLUMNS: usize = CAMERA + 3 + 1;

fn prepare_objective(input: &Input) -> Result<Box<dyn Work>> {
    compiled(errors, Scene::read(input)?.arguments, write_errors)
}

fn prepare_jacobian(input: &Input) -> Result<Box<dyn Work>> {
    let scene = Rc::new(Scene::read(input)?);
    let f = compile(values);
    f.prepare(&scene.arguments)?;
    let of = Rc::clone(&scene);
    explained(
        move |last: Option<Sparse>| {
            let Some(Sparse { values, .. }) = last else {
                return scene.matrix(f.call(&scene.arguments)?);
            };
            let mut values = Tensor::from(values);
            f.call_into(&scene.arguments, &mut values)?;
            scene.matrix(values)
        },
        move || measured(&values, &of.arguments),
        write_sparse,
    )
}

/// The whole Jacobian.
///
/// # Errors
/// When the input is not one of the eval.
pub fn jacobian_of(input: &Input) -> Result<Sparse> {
    let scene = Scene::read(input)?;
    scene.matrix(run(values, &scene.arguments)?)
}

/// Reprojection errors `[observations,2]` and the errors of the weights.
fn errors((cameras, points, weights, features, of): Arguments<Var>) -> (Var, Var) {
    let (camera, point) = observed(cameras, points, of);
    let error = vmap(|(c, x, w, f): (Var, Var, Var, Var)| residual(c, x, w, f));
    (error((camera, point, weights, features)), vmap(weight_error)(weights))
}

/// The entries of the sparse Jacobian, row by row.
fn values((cameras, points, weights, features, of): Arguments<Var>) -> Var {
    let (camera, point) = observed(cameras, points, of);
    let block = vmap(|(c, x, w, f): (Var, Var, Var, Var)| {
        let (by_camera, by_point, by_weight) =
            jacobian(|(c, x, w): (Var, Var, Var)| residual(c, x, w, f))((c, x, w));
        Var::concat(&[by_camera, by_point, by_weight.expand_dims(1)], 1)
    });
    let blocks = block((camera, point, weights, features));
    Var::concat(&[blocks.flatten(), vmap(grad(weight_error))(weights)], 0)
}

/// Cameras, points, weights, features, and which camera and point each observation is of.
type Arguments<T> = (T, T, T, T, (T, T));

struct Scene {
    cameras: usize,
    points: usize,
    observations: usize,
    arguments: Arguments<Tensor>,
}

/// A matrix in compressed rows.
pub struct Sparse {
    /// Where each row begins, and where the last ends.
    pub rows: Vec<i64>,
    /// The column of each entry.
    pub columns: Vec<i64>,
    /// The entries.
    pub values: Vec<f64>,
}

impl Scene {
    fn read(input: &Input) -> Result<Scene> {
        let count = |name| input.field(name)?.count();
        let (n, m, p) = (count("n")?, count("m")?, count("p")?);
        let many = |name, times: usize| {
            let one = input.field(name)?.tensor(1)?;
            let values = one.as_slice::<f64>()?;
            Tensor::new(values.repeat(times), [times, values.len()])
        };
        let weights = Tensor::full(input.field("w")?.number()?, [p]);
        let of = |count: usize| {
            Tensor::from((0..p).map(|i| (i % count.max(1)) as i64).collect::<Vec<_>>())
        };
        let arguments = (many("cam", n)?, many("x", m)?, weights, many("feat", p)?, (of(n), of(m)));
        Ok(Scene { cameras: n, points: m, observations: p, arguments })
    }

    fn matrix(&self, values: Tensor) -> Result<Sparse> {
        let (rows, columns) = self.pattern();
        Ok(Sparse { rows, columns, values: values.into_vec()? })
    }

    /// Where each row begins, and the column of each entry. Two rows of 15 for each observation, then
    /// one row with one entry for each weight.
    fn pattern(&self) -> (Vec<i64>, Vec<i64>) {
        let (n, m, p) = (self.cameras, self.points, self.observations);
        let mut rows = Vec::with_capacity(3 * p + 1);
        rows.extend((0..=2 * p).map(|row| (row * COLUMNS) as i64));
        rows.extend((1..=p).map(|row| (2 * p * COLUMNS + row) as i64));
        let mut columns = Vec::with_capacity(31 * p);
        for i in 0..p {
            let camera = CAMERA * (i % n);
            let point = CAMERA * n + 3 * (i % m);
            let weight = CAMERA * n + 3 * m + i;
            for _ in 0..2 {
                columns.extend((camera..camera + CAMERA).map(|column| column as i64));
                columns.extend((point..point + 3).map(|column| column as i64));
                columns.push(weight as i64);
            }
        }
        columns.extend((0..p).map(|i| (CAMERA * n + 3 * m + i) as i64));
        (rows, columns)
    }
}

/// The camera and the point of each observation.
fn observed(cameras: Var, points: Var, (of_camera, of_point): (Var, Var)) -> (Var, Var) {
    (cameras.take(of_camera, 0), points.take(of_point, 0))
}

/// The weighted distance of a point's image from the feature.
fn residual(camera: Var, point: Var, weight: Var, feature: Var) -> Var {
    let c = |i| camera.at(i);
    let x = std::array::from_fn(|i| point.at(i) - c(3 + i));
    let [x, y, z] = rotate([c(0), c(1), c(2)], x);
    let (x, y) = (x / z, y / z);
    let square = x * x + y * y;
    let scale = c(6) * (1.0 + c(9) * square + c(10) * square * square);
    let image = [x * scale + c(7), y * scale + c(8)];
    weight * (Var::stack(&image, 0) - feature)
}

fn weight_error(w: Var) -> Var {
    1.0 - w * w
}

/// Rodrigues' formula: `x` turned about `r` by the angle ‖r‖; x + r × x to first order at 0.
fn rotate(r: [Var; 3], x: [Var; 3]) -> [Var; 3] {
    let square = dot(r, r);
    let turns = square.ne(0.0);
    let angle = Var::select(turns, square, 1.0).sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let a = r.map(|r| r / angle);
    let along = dot(a, x) * (1.0 - cos);
    let (about, first_order) = (cross(a, x), cross(r, x));
    std::array::from_fn(|i| {
        let turned = x[i] * cos + about[i] * sin + a[i] * along;
        Var::select(turns, turned, x[i] + first_order[i])
    })
}

fn dot(a: [Var; 3], b: [Var; 3]) -> Var {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [Var; 3], b: [Var; 3]) -> [Var; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// The errors of the first observation stand for all, since all are of the same numbers.
fn write_errors((reprojection, weight): &(Tensor, Tensor)) -> Result<Value> {
    let first = reprojection.as_slice::<f64>()?.get(..2).ok_or_else(no_observations)?;
    let of_weight = weight.as_slice::<f64>()?.first().ok_or_else(no_observations)?;
    let p = weight.len();
    Ok(json!({
        "reproj_error": { "elements": numbers(first)?, "repeated": p },
        "w_err": { "element": number(*of_weight)?, "repeated": p },
    }))
}

/// The first thirty entries of each array and its last.
fn write_sparse(matrix: &Sparse) -> Result<Value> {
    fn ends<T: Copy>(all: &[T]) -> Result<Vec<T>> {
        let last = *all.last().ok_or_else(no_observations)?;
        Ok(all.iter().copied().take(30).chain([last]).collect())
    }
    Ok(json!({
        "rows": ends(&matrix.rows)?,
        "cols": ends(&matrix.columns)?,
        "vals": numbers(&ends(&matrix.values)?)?,
    }))
}

fn no_observations() -> Error {
    Error::usage("there are no observations")
}
